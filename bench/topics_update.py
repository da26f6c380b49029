"""How long a week's update of topics takes beside grouping itself, for a log of many questions.

    .venv/bin/python -m bench.topics_update --questions 10000

Fills a database (SQLite in a temporary folder) with a log made up over 12 weeks, groups it by an oracle that takes no
time, or with --grouping as the worker does, and prints seconds: the first update, which closes all weeks but the last,
then one more week's.
"""

import argparse
import datetime as dt
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np
from sqlalchemy import insert

from assistant.questions.tables import QuestionRow, QuestionVectorRow
from assistant.topics import store, updating
from assistant.topics.asked_text import AskedText
from assistant.topics.grouping import Groups
from assistant.topics.rules import TopicRules
from assistant.topics.updating import GRACE, update_topics
from assistant.topics.week import Week
from earmark.migrations import migrate
from knowledge.database import Database, new_id

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
WEEKS, TOPICS, COURSES, PEOPLE, DIMS = 12, 300, 12, 2000, 384


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--questions", type=int, default=10_000)
    given.add_argument("--grouping", action="store_true", help="group by meaning, as the worker does")
    wanted = given.parse_args()
    size = wanted.questions
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder, _database(Path(folder)) as database:
        rows = list(_log(size))
        before_last = size * (WEEKS - 1) // WEEKS
        with nullcontext() if wanted.grouping else patch.object(updating, "grow_topics", _by_oracle):
            for name, weeks, asked in (
                ("first update", WEEKS - 1, rows[:before_last]),
                ("the last week's", WEEKS, rows[before_last:]),
            ):
                with database.write() as session:
                    session.execute(insert(QuestionRow), [question for question, _vector in asked])
                    session.execute(insert(QuestionVectorRow), [vector for _question, vector in asked])
                began = time.perf_counter()
                now = START + dt.timedelta(weeks=weeks) + GRACE
                closed = update_topics(database, TopicRules(), now=now, languages=None)
                print(f"{name}: {time.perf_counter() - began:.2f} s, {len(closed)} weeks closed")
        began = time.perf_counter()
        with database.read() as session:
            cells = store.published(session, since=Week(2026, 1), until=Week(2026, 53))
            topics = store.topics(session)
        print(f"read: {1000 * (time.perf_counter() - began):.0f} ms, {len(cells)} cells, {len(topics)} topics")


@contextmanager
def _database(folder: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{folder / 'earmark.db'}")) as database:
        migrate(database, folder)
        yield database


def _log(size: int) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    chance = random.Random(7)
    directions = np.random.default_rng(7).normal(size=(TOPICS, DIMS))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for number in range(size):
        topic = chance.choices(range(TOPICS), [1 / (rank + 1) for rank in range(TOPICS)])[0]
        question_id = new_id()
        question = {
            "id": question_id,
            "text": f"topic {topic} asked in way {number % 9}, my number is 138{number:08}",
            "language": "en",
            "spoken": number % 3 == 0,
            "asker": f"p{chance.randrange(PEOPLE)}",
            "answer": {"hits": []},
            "created_at": START + dt.timedelta(weeks=WEEKS) * (number / size),
            "course_id": f"c{topic % COURSES if chance.random() < 0.9 else chance.randrange(COURSES)}",
            "verdict": "answered",
        }
        vector = directions[topic].astype("<f2").tobytes()
        yield question, {"question_id": question_id, "digest": "d", "vector": vector}


def _by_oracle(
    asked: Sequence[AskedText],
    *,
    new_id: Callable[[], str],
    moving: float = 0.0,  # noqa: ARG001 - as grow_topics has it
    groups: Groups | None = None,  # noqa: ARG001 - as grow_topics has it
) -> dict[str, str | None]:
    """It was right the first time, so that nothing moves."""
    known = {one.text.split(" asked")[0]: one.topic for one in asked if one.topic}
    for one in asked:
        known.setdefault(one.text.split(" asked")[0], new_id())
    return {one.id: one.topic or known[one.text.split(" asked")[0]] for one in asked}


if __name__ == "__main__":
    main()
