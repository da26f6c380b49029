"""The invented log: what is drawn, what comes of it, that it stands beside nothing real, and leaves nothing behind."""

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from assistant.access.caller import HERE
from assistant.answering.known import KnownAnswers
from assistant.errors import BadInput
from assistant.feedback.tables import FeedbackRow
from assistant.inbox import answers
from assistant.inbox.items import OpenItem, waiting_items
from assistant.inbox.sorting import sort_open_questions
from assistant.inbox.tables import OpenItemRow, OpenQuestionRow, TrainerAnswerRow
from assistant.notices.tables import NoticeRow
from assistant.proof.gathering import grow
from assistant.questions.invented import INVENTED, is_invented
from assistant.questions.likeness import Wording
from assistant.questions.log import delete_questions
from assistant.questions.tables import QuestionRow, QuestionVectorRow
from assistant.topics import store
from assistant.topics.report import week_before
from assistant.topics.tables import TopicCellRow, TopicGrowthRow, TopicQuestionRow, TopicRow, TopicWeekRow
from assistant.topics.updating import GRACE, update_topics
from assistant.topics.week import Week
from earmark.demo import DATA
from earmark.invented_log import draw, holds_log, last_closed_week, read_log, take_out
from earmark.migrations import migrate
from knowledge.database import Base, Database
from knowledge.recordings import store as recordings
from knowledge.sentence_embedder import SentenceEmbedder
from tests.assistant.asked import asked
from tests.assistant.notices.answered import add_person
from tests.assistant.topics.logs import ask, people
from tests.earmark.invented_home import NOW, RULES, put_log_in, shelve_course

BERLIN = ZoneInfo("Europe/Berlin")
LAST = Week(2026, 47)
OF_LOG = (QuestionRow, QuestionVectorRow, FeedbackRow, OpenItemRow, OpenQuestionRow, TrainerAnswerRow)
OF_TOPICS = (TopicRow, TopicQuestionRow, TopicCellRow, TopicWeekRow, TopicGrowthRow)


def counts(database: Database, *tables: type[Base]) -> dict[str, int]:
    with database.read() as session:
        return {table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def open_items(database: Database) -> list[OpenItem]:
    with database.read() as session:
        courses = [course.id for course in recordings.list_courses(session)]
        return waiting_items(session, courses, zone=BERLIN)


def answer_first(database: Database) -> OpenItem:
    """A line for what most people asked."""
    item = open_items(database)[0]
    with database.read() as session:
        [course, *_] = recordings.list_courses(session)
    line = {"question": item.example, "line": "Behind the hall.", "course_id": course.id}
    answers.answer_with_line(database, HERE, item.id, now=NOW, **line)
    return item


@pytest.fixture(scope="module")
def made(packaged_embedder: SentenceEmbedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the log in it, to be copied."""
    folder = tmp_path_factory.mktemp("invented")
    database = Database(f"sqlite:///{folder / 'made.db'}")
    migrate(database, folder)
    shelve_course(database, packaged_embedder)
    assert put_log_in(database, packaged_embedder, folder) > 900
    database.close()
    return folder / "made.db"


@pytest.fixture
def demo(made: Path, tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{shutil.copy(made, tmp_path / 'demo.db')}")
    yield database
    database.close()


def test_it_lies_in_the_closed_weeks_on_workdays_by_the_companys_clocks() -> None:
    drawn = draw(read_log(DATA), until=LAST, zone=BERLIN)
    assert {Week.of(each.asked_at, BERLIN) for each in drawn} == {week_before(LAST, back) for back in range(12)}
    local = [each.asked_at.astimezone(BERLIN) for each in drawn]
    assert {moment.weekday() for moment in local} == set(range(5))
    assert {moment.hour for moment in local} <= set(range(8, 19))
    assert draw(read_log(DATA), until=LAST, zone=BERLIN) == drawn, "the same each time"
    assert all(is_invented(each.asker) for each in drawn)


def test_the_newest_week_is_one_that_a_worker_would_have_closed() -> None:
    monday = LAST.next().start(BERLIN)
    assert last_closed_week(monday + GRACE - dt.timedelta(seconds=1), BERLIN) == LAST.previous()
    assert last_closed_week(monday + GRACE, BERLIN) == LAST
    assert last_closed_week(dt.datetime(2027, 1, 5, tzinfo=dt.UTC), BERLIN) == Week(2026, 53)


@pytest.mark.parametrize("told", ["[", "people = 3", 'people = 9\nseed = 1\nsubjects = [{about = "a"}]'])
def test_a_file_that_is_no_log_is_named(tmp_path: Path, told: str) -> None:
    (tmp_path / "invented_log.toml").write_text(told, encoding="utf-8")
    with pytest.raises(BadInput, match=r"invented_log\.toml: not an invented log"):
        read_log(tmp_path)


def test_hr_sees_topics_that_rise_fall_and_burst_all_called_invented(demo: Database) -> None:
    with demo.read() as session:
        topics = store.topics(session)
        cells = store.published(session, since=week_before(LAST, 11), until=LAST)
        assert store.state(session).last_closed == LAST
        hidden = session.scalar(select(func.count()).select_from(TopicRow)) or 0
    assert len(topics) >= 8
    assert hidden > len(topics), "fewer than five people asked about some"
    assert all(topic.invented for topic in topics.values())
    of_topic = {key: [cell.questions for cell in cells if cell.topic_id == key] for key in topics}
    assert sum(len(each) == 12 for each in of_topic.values()) >= 4
    assert any(len(each) <= 5 for each in of_topic.values()), "a burst"
    assert any("年假" in topic.name for topic in topics.values())


def test_trainers_see_what_nobody_could_answer_marked_and_masked(demo: Database) -> None:
    items = open_items(demo)
    assert items[0].people > 20
    assert all(item.invented for item in items)
    assert "electric car" in " ".join(item.example for item in items)
    words = " ".join([item.example for item in items])
    assert "‹name›" in words
    assert "5550142" not in words
    asked(demo, "who waters the plants in the hall at night", asker="me")
    sort_open_questions(demo, now=NOW)
    assert [item.example for item in open_items(demo) if not item.invented] == [
        "who waters the plants in the hall at night"
    ]


def test_nobody_is_told_nothing_is_bent_and_nothing_is_proved_by_it(demo: Database) -> None:
    assert counts(demo, FeedbackRow)["feedback"] > 300
    with demo.read() as session:
        courses = frozenset(course.id for course in recordings.list_courses(session))
    known = KnownAnswers(demo)
    assert not [each for each in read_log(DATA).wordings if known.answer(Wording(each), courses=courses, asker=None)]
    answer_first(demo)
    assert counts(demo, NoticeRow) == {"notice": 0}
    assert grow(demo, zone=BERLIN, now=NOW) == 0


def test_twice_is_once(demo: Database, packaged_embedder: SentenceEmbedder, tmp_path: Path) -> None:
    before = counts(demo, *OF_LOG, *OF_TOPICS)
    later = NOW + dt.timedelta(days=9)
    assert put_log_in(demo, packaged_embedder, tmp_path / "again", now=later) == 0
    after = counts(demo, *OF_LOG, *OF_TOPICS)
    assert after == before


def test_taken_out_nothing_is_left_of_it_and_it_may_come_again(
    demo: Database, packaged_embedder: SentenceEmbedder, tmp_path: Path
) -> None:
    answer_first(demo)
    update_topics(demo, RULES, now=NOW + dt.timedelta(days=30), languages=None)
    gone = take_out(demo, tmp_path, beside=None)
    assert gone > 900
    assert set(counts(demo, *OF_LOG, *OF_TOPICS).values()) == {0}
    assert not holds_log(demo)
    assert take_out(demo, tmp_path, beside=None) == 0
    assert put_log_in(demo, packaged_embedder, tmp_path / "again") == gone
    with demo.read() as session:
        assert store.state(session).last_closed == LAST


def test_what_came_after_it_stays_with_its_figures_when_it_is_taken_out(demo: Database, tmp_path: Path) -> None:
    real_week = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
    for about in ("leave", "pay"):
        ask(demo, people(9, about), about=about, at=real_week)
    update_topics(demo, RULES, now=NOW + dt.timedelta(days=7), languages=None)
    with demo.read() as session:
        before = store.published(session, since=Week(2026, 48), until=Week(2026, 49))
    assert before
    take_out(demo, tmp_path, beside=None)
    with demo.read() as session:
        assert store.published(session, since=Week(2000, 1), until=Week(2100, 1)) == before
        assert not any(topic.invented for topic in store.topics(session).values())
        assert Counter(map(is_invented, session.scalars(select(QuestionRow.asker)))) == {False: 18}


def test_a_log_that_went_by_age_leaves_its_label_until_it_is_taken_out(demo: Database, tmp_path: Path) -> None:
    with demo.write() as session:
        delete_questions(session, list(session.scalars(select(QuestionRow.id))))
    with demo.read() as session:
        assert all(topic.invented for topic in store.topics(session).values())
    assert holds_log(demo)
    take_out(demo, tmp_path, beside=None)
    assert set(counts(demo, *OF_TOPICS).values()) == {0}


@pytest.mark.parametrize("real", ["question", "command line", "account", "closed week"])
def test_it_never_stands_beside_anything_real(
    database: Database, packaged_embedder: SentenceEmbedder, tmp_path: Path, real: str
) -> None:
    if real == "account":
        add_person(database, "Anna")
    elif real == "closed week":
        ids = ask(database, people(5), about="leave", at=NOW - dt.timedelta(days=10))
        update_topics(database, RULES, now=NOW, languages=None)
        with database.write() as session:
            delete_questions(session, ids)
    else:
        asked(database, "where is the hall", asker="me" if real == "question" else None)
    with pytest.raises(BadInput, match="holds questions or accounts of real people"):
        put_log_in(database, packaged_embedder, tmp_path)
    with database.read() as session:
        assert not [each for each in session.scalars(select(QuestionRow.asker)) if str(each).startswith(INVENTED)]
