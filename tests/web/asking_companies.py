"""Companies made up at random, and what their people ask: week by week, of several courses, loudly or once in a life.

Knows no page. Each person has a name, a telephone and an address that no page may ever show; each subject a word by
which one finds it wherever it is shown.
"""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from assistant.access.people import Person
from assistant.access.role import Role
from assistant.access.tables import PersonRow, PersonState
from assistant.feedback.tables import FeedbackRow
from assistant.questions.tables import QuestionRow, QuestionVectorRow
from assistant.topics.tables import (
    TopicCellRow,
    TopicGrowthRow,
    TopicQuestionRow,
    TopicQuoteRow,
    TopicRow,
    TopicWeekRow,
)
from assistant.topics.week import Week
from knowledge.database import Database, new_id

FIRST_WEEK = Week(2026, 51)
"""The year ends within a few weeks of it, and has 53."""
SUBJECTS = ("zebras", "walnuts", "violins", "tulips", "sledges", "radishes", "quartz", "pelicans")
_FIRST = ("Ottokar", "Wilhelmine", "Xaver", "Yolanda", "Zdenka", "Ulrike", "Vasco", "Thorben")
_LAST = ("Quixenholz", "Brzeczyk", "Ogunbanjo", "Pfefferkorn", "Lindqvist", "Mavropoulos", "Szymborska", "Kowalczyk")
_KINDS = 2


@dataclass(frozen=True, slots=True)
class Employee:
    """`id`: what the log knows them by."""

    id: str
    name: str
    telephone: str
    mail: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no page and no file may ever say."""
        return self.id, self.name, self.name.split()[1], self.telephone, self.mail


@dataclass(frozen=True, slots=True)
class Company:
    """`homes`: the course where questions about a subject belong, by its number; `tidy`: how many of them are asked
    there. `keen`: how many people ask in a week. `weeks`: how many."""

    people: tuple[Employee, ...]
    courses: tuple[str | None, ...]
    homes: tuple[str | None, ...]
    weeks: int
    loud: frozenset[str]
    tidy: float
    keen: float

    def week(self, number: int) -> Week:
        week = FIRST_WEEK
        for _ in range(number):
            week = week.next()
        return week


def made_up(chance: random.Random, courses: list[str]) -> Company:
    """`courses`: ids to choose from."""
    people = tuple(_employee(chance, number) for number in range(chance.choice([3, 6, 9, 14, 25, 40, 60])))
    some = (*chance.sample(courses, chance.randint(1, len(courses))), None)
    homes = tuple(chance.choice(some) for _ in range(chance.randint(2, len(SUBJECTS))))
    loud = frozenset(one.id for one in people if chance.random() < 0.1)
    return Company(
        people, some, homes, chance.randint(2, 6), loud, chance.choice([0.7, 0.9, 1.0]), chance.uniform(0.4, 1)
    )


def _employee(chance: random.Random, number: int) -> Employee:
    name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    telephone = f"138{chance.randrange(10**8):08}"
    return Employee(new_id(), name, telephone, f"{name.split()[1].lower()}{number}@firma.example")


def employ(session: Session, company: Company) -> None:
    """Accounts of theirs, for masking knows the names of those."""
    session.execute(
        insert(PersonRow),
        [
            {
                "id": one.id,
                "audit_id": new_id(),
                "name": one.name,
                "name_key": f"{one.name.casefold()} {one.id}",
                "role": Role.EMPLOYEE,
                "state": PersonState.ACTIVE,
                "created_at": FIRST_WEEK.start(dt.UTC),
            }
            for one in company.people
        ],
    )


def ask_of_a_week(session: Session, chance: random.Random, company: Company, number: int) -> None:
    """A week's questions with what became of their answers, all before its end."""
    week = company.week(number)
    asked = [_question(chance, company, week, *each) for each in _asked(chance, company)]
    if not asked:
        return
    session.execute(insert(QuestionRow), [row for row, _vector in asked])
    session.execute(
        insert(QuestionVectorRow),
        [{"question_id": row["id"], "digest": "d", "vector": vector} for row, vector in asked],
    )
    said = [(row["id"], chance.choice(["yes", "played", "no"])) for row, _ in asked if chance.random() < 0.7]
    moment = week.next().start(dt.UTC)
    rows = [
        {"question_id": each, "kind": kind, "recording_id": None, "start_s": None, "end_s": None, "made_at": moment}
        for each, kind in said
    ]
    if rows:
        session.execute(insert(FeedbackRow), rows)


def _asked(chance: random.Random, company: Company) -> Iterator[tuple[Employee | None, int, str | None]]:
    """Who asked about which subject, of which course."""
    popular = [1 / (1 + rank) for rank in range(len(company.homes))]
    for one in company.people:
        if chance.random() > company.keen:
            continue
        for subject in chance.choices(range(len(company.homes)), popular, k=chance.choice([1, 1, 2, 3])):
            course = company.homes[subject] if chance.random() < company.tidy else chance.choice(company.courses)
            times = chance.randint(2, 12) if one.id in company.loud else 1
            yield from [(one, subject, course)] * times
    for _ in range(chance.choice([0, 0, 3])):
        yield None, chance.randrange(len(company.homes)), chance.choice(company.courses)


def _question(
    chance: random.Random, company: Company, week: Week, one: Employee | None, subject: int, course: str | None
) -> tuple[dict[str, object], bytes]:
    kind = chance.randrange(_KINDS)
    row: dict[str, object] = {
        "id": new_id(),
        "text": _said(chance, one, subject, kind),
        "language": "en",
        "spoken": chance.random() < 0.4,
        "asker": None if one is None else one.id,
        "answer": {"hits": []},
        "created_at": week.start(dt.UTC) + dt.timedelta(seconds=chance.randrange(7 * 86_400)),
        "course_id": course,
        "verdict": "answered",
    }
    return row, _vector(subject, kind)


def _said(chance: random.Random, one: Employee | None, subject: int, kind: int) -> str:
    about = f"how do I {('feed', 'clean')[kind]} the {SUBJECTS[subject]}"
    if one is None or chance.random() < 0.1:
        return about
    return chance.choice(
        [
            f"{about}, {one.name} asks",
            f"{about}? call {one.telephone}",
            f"{about}? mail {one.mail}",
            f"I am {one.name}: {about}",
        ]
    )


def _vector(subject: int, kind: int) -> bytes:
    """Of length 1; two kinds of one subject are far more alike than two subjects."""
    direction = np.zeros(len(SUBJECTS) * (1 + _KINDS))
    direction[subject] = 0.95
    direction[len(SUBJECTS) * (1 + kind) + subject] = (1 - 0.95**2) ** 0.5
    return direction.astype("<f2").tobytes()


def empty(database: Database, *, but: Person) -> None:
    """Nothing asked and nobody there but one person: ready for another company."""
    with database.write() as session:
        session.execute(update(TopicRow).values(merged_into=None))
        for table in (
            TopicCellRow,
            TopicQuoteRow,
            TopicQuestionRow,
            TopicGrowthRow,
            TopicWeekRow,
            FeedbackRow,
            QuestionVectorRow,
            QuestionRow,
            TopicRow,
        ):
            session.execute(delete(table))
        session.execute(delete(PersonRow).where(PersonRow.id != but.id))
