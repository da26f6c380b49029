"""The update of topics: new questions find theirs, weeks that are over are closed. Safe to kill and to run twice.

Grouping thinks outside of any transaction. What it found is written only if nothing was merged, split or grouped
meanwhile; else it thinks again. A week is closed in one transaction, once, and never computed again.
"""

import datetime as dt
from collections.abc import Collection
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from assistant.access.tables import PersonRow
from assistant.questions.invented import asked_by_nobody
from assistant.questions.tables import QuestionRow
from assistant.topics import store
from assistant.topics.asked_text import AskedText
from assistant.topics.figures import Cell
from assistant.topics.grouping import Groups, grow_topics, most_typical
from assistant.topics.masking import shown_words
from assistant.topics.publishing import publish
from assistant.topics.rules import MOVES_A_WEEK, TopicRules
from assistant.topics.tables import TopicCellRow, TopicQuestionRow, TopicQuoteRow, TopicRow, TopicWeekRow
from assistant.topics.week import Week
from knowledge.database import Database, new_id, slices
from knowledge.finding.languages import knows

GRACE = dt.timedelta(hours=6)
"""What is said of a question soon after its week ended still counts."""
MANY = 2
"""An example is shown where so many times the fewest people asked."""
_ATTEMPTS = 3
_LOG = structlog.get_logger()


def update_topics(
    database: Database, rules: TopicRules, *, now: dt.datetime, languages: frozenset[str] | None
) -> list[Week]:
    """Group what is new, then close what is over; with each close a few questions may change their topic. The weeks
    that were closed: none where people kept changing topics meanwhile, for a week that closes without its new questions
    would never have them. The next update does it.

    `languages`: those that the embedder knows, None for all.
    """
    with database.write() as session:
        store.hold(session).fewest_people = rules.fewest_people
    groups = Groups()
    if not grow(database, now=now, languages=languages, groups=groups):
        return []
    closed = []
    while (week := close_next(database, rules, now=now, languages=languages)) is not None:
        closed.append(week)
        _LOG.info("week closed", week=str(week))
    if closed:  # what changes its topic counts there from the weeks that are still to be closed
        grow(database, now=now, languages=languages, moving=MOVES_A_WEEK, groups=groups)
    with database.write() as session:
        store.hold(session)
        _quote(session, rules, languages, renew=())
    return closed


def grow(
    database: Database,
    *,
    now: dt.datetime,
    languages: frozenset[str] | None,
    moving: float = 0.0,
    groups: Groups | None = None,
) -> bool:
    """Whether every question that was there is grouped now; not where topics were changed by others time and again.

    `moving`: the share that may change their topic; none of those that a person put where they are; `groups`: as
    `grow_topics` takes them.
    """
    groups = groups or Groups()
    for _ in range(_ATTEMPTS):
        with database.read() as session:
            before = store.snapshot(session, languages=languages, unchanged=moving > 0)
        if before.seen == before.now_seen and not moving:
            return True
        found = grow_topics(before.asked, new_id=new_id, moving=moving, groups=groups)
        with database.write() as session:
            growth = store.hold(session)
            if growth.revision != before.revision:
                continue
            _keep_groups(session, before.asked, found, now)
            growth.revision += 1
            growth.seen = before.now_seen
        return True
    return False


def close_next(
    database: Database, rules: TopicRules, *, now: dt.datetime, languages: frozenset[str] | None
) -> Week | None:
    """Close the first week that is over and open, with its figures. None where there is none.

    A week waits until as many people as stand behind a cell have asked since it began: a clock that is years ahead for
    an hour would close years of silence for good. Who asked since counts by whole weeks that are over, else the hour in
    which a week closes would tell when somebody asked.
    """
    with database.write() as session:
        growth = store.hold(session)
        if not growth.seen:  # somebody split a topic since, and its questions wait
            return None
        last = store.last_closed(session)
        week = Week.parse(last.week).next() if last is not None else _first_week(session, rules.zone)
        if week is None:
            return None
        start = last.ends_at if last is not None else week.start(rules.zone)
        end, over = week.next().start(rules.zone), Week.of(now - GRACE, rules.zone).start(rules.zone)
        if over < end or store.people_between(session, start, over) < rules.fewest_people:
            return None
        _close(session, week, start, end, rules, now)
        spoken = store.languages_of_many(session, before=end, fewest=rules.fewest_people)
        growth.unembedded = " ".join(sorted(each for each in spoken if not knows(languages, each)))
        cells = publish(store.questions_between(session, start, end), week, fewest=rules.fewest_people)
        if cells:
            session.execute(insert(TopicCellRow), [_row(cell) for cell in cells])
        _quote(session, rules, languages, renew={cell.topic_id for cell in cells})
        return week


def close_without_figures(database: Database, *, now: dt.datetime) -> list[Week]:
    """Where an older database comes back: weeks that were over by now may have been published once, from questions that
    are lost. They close with nothing, for other numbers would tell of whoever makes the difference. The weeks."""
    closed = []
    with database.write() as session:
        store.hold(session)
        last = store.last_closed(session)
        rules = TopicRules() if last is None else TopicRules(ZoneInfo(last.time_zone), last.fewest_people)
        week = _first_week(session, rules.zone) if last is None else Week.parse(last.week).next()
        start = None if last is None else last.ends_at
        while week is not None and (end := week.next().start(rules.zone)) + GRACE <= now:
            _close(session, week, start or week.start(rules.zone), end, rules, now)
            closed.append(week)
            week, start = week.next(), end
    return closed


def _close(
    session: Session, week: Week, start: dt.datetime, end: dt.datetime, rules: TopicRules, now: dt.datetime
) -> None:
    row = TopicWeekRow(week=str(week), starts_at=start, ends_at=end, closed_at=now, time_zone=rules.zone.key)
    row.fewest_people = rules.fewest_people
    row.enough_people = store.people_between(session, None, end) >= rules.fewest_people
    session.add(row)
    session.flush()


def _first_week(session: Session, zone: ZoneInfo) -> Week | None:
    first = session.scalar(select(func.min(QuestionRow.created_at)))
    return None if first is None else Week.of(first, zone)


def _row(cell: Cell) -> dict[str, object]:
    return {
        "week": str(cell.week),
        "topic_id": cell.topic_id,
        "course_id": cell.course_id or "",
        "questions": cell.questions,
        "people": cell.people,
        "answered": cell.answered,
        "spoken": cell.spoken,
    }


def _keep_groups(session: Session, asked: list[AskedText], found: dict[str, str | None], now: dt.datetime) -> None:
    """Who is new somewhere; never those whom a person settled. A question deleted meanwhile is left out."""
    changed = [one for one in asked if found.get(one.id) != one.topic and not one.settled]
    there = _held_questions(session, [one.id for one in changed])
    new = {topic for one in changed if one.id in there and (topic := found.get(one.id)) is not None}
    new -= set(session.scalars(select(TopicRow.id)))
    if new:
        rows = [{"id": each, "name": "", "invented": False, "created_at": now} for each in sorted(new)]
        session.execute(insert(TopicRow), rows)
    moved = [one.id for one in changed if one.id in there]
    for some in slices([one.id for one in changed if one.topic is not None]):
        session.execute(delete(TopicQuestionRow).where(TopicQuestionRow.question_id.in_(some)))
    rows = [{"question_id": each, "topic_id": found[each], "settled": False} for each in moved if found.get(each)]
    if rows:
        session.execute(insert(TopicQuestionRow), rows)
    _label_invented(session)


def _label_invented(session: Session) -> None:
    """Each topic that an invented question has come into, from then on, whoever asks about it besides."""
    holding = select(TopicQuestionRow.topic_id).join(QuestionRow, QuestionRow.id == TopicQuestionRow.question_id)
    rows = update(TopicRow).where(TopicRow.id.in_(holding.where(asked_by_nobody())), ~TopicRow.invented)
    session.execute(rows.values(invented=True))


def _held_questions(session: Session, ids: list[str]) -> set[str]:
    """Those that are there, and stay until the commit."""
    there: set[str] = set()
    for some in slices(ids):
        query = select(QuestionRow.id).where(QuestionRow.id.in_(some)).order_by(QuestionRow.id)
        there |= set(session.scalars(query.with_for_update(read=True, key_share=True)))
    return there


def _quote(session: Session, rules: TopicRules, languages: frozenset[str] | None, *, renew: Collection[str]) -> None:
    """Give every published topic that has none a question to be named by, and look again at those in `renew` whether
    many asked. A name stays; it goes with the question it was taken from, and then another is taken."""
    quoted = set(session.scalars(select(TopicQuoteRow.topic_id)))
    nameless = set(session.scalars(select(TopicCellRow.topic_id).distinct())) - quoted
    last = store.last_closed(session)
    if last is None or not (nameless or renew):
        return
    members = _members(session)
    names = list(session.scalars(select(PersonRow.name)))
    for topic in sorted(nameless | set(renew)):
        askers = store.askers_of(session, members.get(topic, ()), before=last.ends_at)
        people = len(set(askers.values()))
        if people < rules.fewest_people:
            continue
        many = people >= MANY * rules.fewest_people
        if topic in quoted:
            session.execute(update(TopicQuoteRow).where(TopicQuoteRow.topic_id == topic).values(asked_by_many=many))
            continue
        asked = list(store.asked_texts(session, languages=languages, of_topics=members[topic]))
        typical = most_typical(asked, askers)
        text = shown_words(typical.text, names)
        session.add(TopicQuoteRow(topic_id=topic, question_id=typical.id, text=text, asked_by_many=many))
        session.flush()


def _members(session: Session) -> dict[str, list[str]]:
    """Each topic that counts, with those that count for it."""
    members: dict[str, list[str]] = {}
    for topic, root in store.counted_for(session).items():
        members.setdefault(root, []).append(topic)
    return members
