"""The label of an invented log follows its questions, and what it left is taken out beside what is real."""

import datetime as dt

from assistant.access.caller import HERE
from assistant.questions.invented import INVENTED, invented_ids
from assistant.questions.log import delete_questions
from assistant.topics import store
from assistant.topics.figures import Topic
from assistant.topics.invented import has_invented_topics, take_out_invented
from assistant.topics.rules import TopicRules
from assistant.topics.shaping import merge, unmerge
from assistant.topics.tables import TopicRow
from assistant.topics.updating import GRACE, update_topics
from assistant.topics.week import Week
from knowledge.database import Database
from tests.assistant.topics.logs import MONDAY, NEXT_MONDAY, ask, people

RULES = TopicRules()
WEEK = dt.timedelta(days=7)


def update(database: Database, *, weeks: int = 0) -> None:
    update_topics(database, RULES, now=NEXT_MONDAY + GRACE + weeks * WEEK, languages=None)


def topics(database: Database) -> dict[str, Topic]:
    with database.read() as session:
        return {topic.name.split(",")[0].removeprefix("what about "): topic for topic in store.topics(session).values()}


def log_then_people(database: Database) -> None:
    """Invented people asked about leave; real ones, weeks later, about leave and pay."""
    ask(database, people(8, INVENTED), about="leave")
    update(database)
    ask(database, people(8), about="leave", at=MONDAY + 2 * WEEK)
    ask(database, people(8), about="pay", at=MONDAY + 2 * WEEK)
    update(database, weeks=2)


def test_a_topic_keeps_its_label_when_real_people_join_it_and_lends_it_where_it_is_merged(databases: Database) -> None:
    log_then_people(databases)
    found = topics(databases)
    assert (found["leave"].invented, found["pay"].invented) == (True, False)
    merge(databases, HERE, found["leave"].id, found["pay"].id)
    assert topics(databases)["pay"].invented
    unmerge(databases, HERE, found["leave"].id)
    assert not topics(databases)["pay"].invented


def test_what_is_real_keeps_its_topics_merges_and_figures(databases: Database) -> None:
    log_then_people(databases)
    found = topics(databases)
    ask(databases, people(8, INVENTED), about="trips")  # in no closed week any more, and in a topic all the same
    update(databases, weeks=2)
    merge(databases, HERE, found["pay"].id, found["leave"].id)
    with databases.write() as session:
        delete_questions(session, invented_ids(session))
        assert has_invented_topics(session)
        take_out_invented(session)
    with databases.read() as session:
        assert not has_invented_topics(session)
        assert {row.id for row in session.query(TopicRow)} == {found["leave"].id, found["pay"].id}
        assert session.get_one(TopicRow, found["pay"].id).merged_into == found["leave"].id
        cells = store.published(session, since=Week(2000, 1), until=Week(2100, 1))
    assert [(cell.week, cell.questions) for cell in cells] == [(Week(2026, 49), 8)] * 2
