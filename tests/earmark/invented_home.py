"""A database with the demo course as it is said, and its invented log asked of it by the packaged embedder."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

from assistant.answering.ask import Asking
from assistant.topics.rules import TopicRules
from earmark.demo import DATA, find_courses, read_truth
from earmark.invented_log import put_in
from knowledge.database import Database
from knowledge.finding.analysis import ANALYSIS_VERSION, analyse
from knowledge.index.follower import IndexFollower
from knowledge.sentence_embedder import SentenceEmbedder
from knowledge.transcripts.segment import Segment
from tests.reading_engine import ReadingEngine
from tests.shelf import enter

NOW = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
"""A Wednesday of 2026-W48."""
RULES = TopicRules(ZoneInfo("Europe/Berlin"))


def shelve_course(database: Database, embedder: SentenceEmbedder) -> None:
    for course in find_courses(DATA):
        for recording in course.recordings:
            recording_id, _ = enter(database, course=course.name)
            lines = [line for line in read_truth(DATA, recording).splitlines() if line]
            said = [Segment(5.0 * at, 5.0 * at + 4.5, line, "en") for at, line in enumerate(lines)]
            ReadingEngine(embedder).make_findable(database, recording_id, said)


def put_log_in(database: Database, embedder: SentenceEmbedder, folder: Path, *, now: dt.datetime = NOW) -> int:
    index = IndexFollower(database, folder / "index of log", analyse=analyse, analysis_version=ANALYSIS_VERSION)
    engine = ReadingEngine(embedder)
    try:
        return put_in(database, Asking(database, engine, index), engine, RULES, DATA, now=now)
    finally:
        index.close()
