"""Question logs made up for tests: who asked what about what, and when."""

import datetime as dt
from collections.abc import Iterable, Sequence

import numpy as np

from assistant.feedback.tables import FeedbackRow
from assistant.questions.tables import QuestionRow, QuestionVectorRow
from knowledge.database import Database, new_id

MONDAY = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
"""The first moment of 2026-W47 in UTC."""
NEXT_MONDAY = MONDAY + dt.timedelta(days=7)
SUBJECTS = ("leave", "pay", "fire", "keys", "trips")


def ask(
    database: Database,
    askers: Iterable[str | None],
    *,
    about: str,
    text: str | None = None,
    course: str | None = "c1",
    at: dt.datetime = MONDAY + dt.timedelta(days=2),
    language: str = "en",
    said: Sequence[str] = (),
) -> list[str]:
    """A question of each, all meaning the same; their ids. `about`: one of SUBJECTS, which decides the vector."""
    direction = np.zeros(len(SUBJECTS))
    direction[SUBJECTS.index(about)] = 1.0
    ids = []
    with database.write() as session:
        for number, asker in enumerate(askers):
            ids.append(new_id())
            row = QuestionRow(
                id=ids[-1],
                text=text or f"what about {about}, way {number}",
                language=language,
                spoken=False,
                asker=asker,
                answer={"hits": []},
                created_at=at,
                course_id=course,
                verdict="answered",
            )
            session.add(row)
            session.flush()
            vector = direction.astype("<f2").tobytes()
            session.add(QuestionVectorRow(question_id=ids[-1], digest="d", vector=vector))
            session.add_all(
                FeedbackRow(question_id=ids[-1], kind=kind, recording_id=None, start_s=None, end_s=None, made_at=at)
                for kind in said
            )
    return ids


def people(count: int, called: str = "p") -> list[str]:
    return [f"{called}{number}" for number in range(count)]
