"""A trainer's answer, as far as those who asked are concerned; and people to ask."""

import datetime as dt

from sqlalchemy import update

from assistant.access import course_rights, people
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.access.tables import PersonRow
from assistant.notices.telling import tell_askers
from knowledge.database import Database
from knowledge.recordings import store as recordings
from tests.assistant.questions.made_answers import kept

NOON = dt.datetime(2026, 11, 16, 12, tzinfo=dt.UTC)


def add_person(database: Database, name: str, *, email: str | None = None, role: Role = Role.EMPLOYEE) -> Person:
    """`email`: as a provider would have told it."""
    with database.write() as session:
        person = people.add_local(session, name, role=role, password_hash="!")
        session.execute(update(PersonRow).where(PersonRow.id == person.id).values(email=email))
        return people.known_person(session, person.id)


def course(database: Database, name: str = "Safety") -> str:
    """Its id; open to all."""
    with database.write() as session:
        return recordings.course_by_name(session, name, create=True).id


def close(database: Database, course_id: str, *, but_for: tuple[str, ...] = ()) -> None:
    with database.write() as session:
        course_rights.set_rights(session, course_id, open_to_all=False, groups=(), people=but_for)


def answer(database: Database, *question_ids: str, course_id: str, now: dt.datetime = NOON) -> int:
    """How many were told."""
    with database.write() as session:
        return tell_askers(session, question_ids, course_id=course_id, now=now)


def told_anna(database: Database, *, email: str | None = "anna@example.org", name: str = "Anna") -> tuple[Person, str]:
    """Somebody whose question was just answered, and the question's id."""
    anna = add_person(database, name, email=email)
    question = kept(database, asker=anna.id)
    assert answer(database, question, course_id=course(database)) == 1
    return anna, question
