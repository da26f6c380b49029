"""What the pages of topics read: the published figures within a filter, for this caller. Knows no templates.

Courses that the caller may not hear have no name here: their figures are one line together.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from pydantic import BaseModel
from sqlalchemy.orm import Session

from assistant.access import course_rights
from assistant.access.caller import Caller
from assistant.access.course_rights import NO_SUCH_COURSE
from assistant.access.policy import Action
from assistant.audit.event import AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.errors import BadInput, NotFound
from assistant.topics import store
from assistant.topics.errors import NO_SUCH_TOPIC
from assistant.topics.figures import Cell, Topic, TopicsState
from assistant.topics.report import OTHER_COURSES, Chosen, Report, report_on, week_before
from assistant.topics.week import Week
from knowledge.database import Database
from knowledge.recordings import store as recordings
from web.reports.report_file import plain_text

NO_SUCH_WEEKS = ("this is no span of weeks", "write weeks such as 2026-W36 and 2026-W47, at most five years of them")
NOT_CLOSED = ("this week has not closed yet", "choose one that is over")
NOTHING_SHOWN = ("nothing is shown here", "choose more weeks, or all courses")
LAST_WEEKS = (4, 12, 26, 52)
"""What the page offers; the second unless another is chosen."""
MOST_WEEKS = 260
_COUNT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)


class Wanted(BaseModel):
    """The filter as it stands in an address. `weeks`: the last so many, before `since` and `until`."""

    course: str = ""
    weeks: str = ""
    since: str = ""
    until: str = ""

    def as_query(self) -> str:
        return urlencode({name: value for name, value in self.model_dump().items() if value})


@dataclass(frozen=True, slots=True)
class Asked:
    """`report`, `cells`: None and nothing while no week has closed. `courses`: names of those that may be named.
    `topics`: all that ever had a figure, by their ids. All words are fit to be shown: one line that nothing turns."""

    wanted: Wanted
    state: TopicsState
    topics: dict[str, Topic]
    courses: dict[str, str]
    cells: tuple[Cell, ...]
    report: Report | None


def read_asked(database: Database, caller: Caller, wanted: Wanted, *, topic_id: str | None = None) -> Asked:
    """Raises BadInput for weeks that are none, NotFound for a course or a topic that is not there for the caller."""
    with database.read() as session:
        return _asked(session, caller, wanted, topic_id)


def take_asked(
    database: Database, caller: Caller, wanted: Wanted, *, kind: str, topic_id: str | None = None
) -> tuple[Asked, Report]:
    """The same to be taken away, which is noted in the audit log. Raises NotFound, too, where there is nothing.

    All is read and summed before the write begins, so that it keeps no other writer waiting.
    """
    asked = read_asked(database, caller, wanted, topic_id=topic_id)
    report = shown_report(asked)
    details = {"kind": kind, "weeks": f"{report.chosen.since} {report.chosen.until}"}
    if report.chosen.course_id is not None:
        details["course"] = report.chosen.course_id
    with database.write() as session:
        append(session, AuditEvent(caller.actor, AuditAction.EXPORTED, "topics", topic_id, details=details))
    return asked, report


def shown_report(asked: Asked) -> Report:
    """Raises NotFound where no figure is shown."""
    if asked.report is None or not asked.report.lines:
        raise NotFound(*NOTHING_SHOWN)
    return asked.report


def topic_of(asked: Asked, topic_id: str) -> Topic:
    """Raises NotFound."""
    if topic_id not in asked.topics:
        raise NotFound(*NO_SUCH_TOPIC)
    return asked.topics[topic_id]


def _asked(session: Session, caller: Caller, wanted: Wanted, topic_id: str | None) -> Asked:
    state = store.state(session)
    topics = {topic_id: _tidy(topic) for topic_id, topic in store.topics(session).items()}
    heard = course_rights.permitted(session, caller, Action.HEAR)
    courses = {one.id: plain_text(one.name) for one in recordings.list_courses(session) if one.id in heard}
    if wanted.course and wanted.course not in {*courses, OTHER_COURSES}:
        raise NotFound(*NO_SUCH_COURSE)
    if topic_id is not None and topic_id not in topics:
        raise NotFound(*NO_SUCH_TOPIC)
    if state.last_closed is None:
        return Asked(wanted, state, topics, courses, (), None)
    since, until = _span(wanted, state.last_closed)
    chosen = Chosen(since, until, wanted.course or None, topic_id)
    cells = tuple(store.published(session, since=since, until=until))
    report = report_on(cells, topics, chosen, named_courses=courses.keys())
    return Asked(wanted, state, topics, courses, cells, report)


def _tidy(topic: Topic) -> Topic:
    """Its words come from what people typed."""
    example = None if topic.example is None else plain_text(topic.example)
    return replace(topic, name=plain_text(topic.name), example=example)


def _span(wanted: Wanted, last_closed: Week) -> tuple[Week, Week]:
    """First and last week. What has not closed yet is not among them."""
    if wanted.weeks or not (wanted.since or wanted.until):
        return week_before(last_closed, _count(wanted.weeks) - 1), last_closed
    until = min(_week(wanted.until), last_closed) if wanted.until else last_closed
    since = _week(wanted.since) if wanted.since else week_before(until, LAST_WEEKS[1] - 1)
    if since > last_closed:
        raise BadInput(*NOT_CLOSED)
    if since > until or since < week_before(until, MOST_WEEKS - 1):
        raise BadInput(*NO_SUCH_WEEKS)
    return since, until


def _count(text: str) -> int:
    if not text:
        return LAST_WEEKS[1]
    if not _COUNT.fullmatch(text) or int(text) > MOST_WEEKS:
        raise BadInput(*NO_SUCH_WEEKS)
    return int(text)


def _week(text: str) -> Week:
    try:
        week = Week.parse(text.strip())
    except ValueError as error:
        raise BadInput(*NO_SUCH_WEEKS) from error
    if not 2000 <= week.year <= 2999:  # a step back from the first year there is leads nowhere
        raise BadInput(*NO_SUCH_WEEKS)
    return week
