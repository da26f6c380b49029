"""What signing in leaves in the audit log of rights that a provider gives and takes."""

from dataclasses import replace

from assistant.access import people
from assistant.access.claims import SignedInAs
from assistant.access.role import Role
from assistant.access.signing_in import sign_in_claimed
from assistant.audit.event import EARMARK, AuditAction
from assistant.audit.reading import AuditFilter, read
from knowledge.database import Database
from tests.assistant.access.conftest import NOON

RIGHTS = (AuditAction.PERSON_ADDED, AuditAction.ROLE_CHANGED, AuditAction.GROUPS_CHANGED)
CLAIMED = SignedInAs("https://idp.example", "subject-1", "Anna", None, Role.EMPLOYEE, frozenset({"Sales"}))


def test_what_a_provider_changes_of_somebodys_rights_is_noted_and_nothing_else(databases: Database) -> None:
    for claimed in (
        CLAIMED,
        CLAIMED,
        replace(CLAIMED, role=Role.ADMIN),
        replace(CLAIMED, role=None, groups=frozenset()),
    ):
        sign_in_claimed(databases, claimed, now=NOON, instead_of=None)
    with databases.read() as session:
        [person] = people.list_people(session)
        rows = [row for row in read(session, AuditFilter()).entries if row.action in set(RIGHTS)]
    assert {(row.actor, row.object_id) for row in rows} == {(EARMARK, person.audit_id)}
    assert [(row.action, dict(row.details)) for row in reversed(rows)] == [
        ("person-added", {"by": "provider", "role": "employee", "groups": 1}),
        ("role-changed", {"by": "provider", "before": "employee", "after": "admin"}),
        ("groups-changed", {"by": "provider", "groups": 0}),
    ]
