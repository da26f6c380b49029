"""What a person is to Earmark."""

from enum import StrEnum


class Role(StrEnum):
    EMPLOYEE = "employee"
    TRAINER = "trainer"
    HR = "hr"
    COMPLIANCE = "compliance"
    ADMIN = "admin"
