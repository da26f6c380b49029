"""Open questions and their answers as trainers see them."""

import datetime as dt
import gettext
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from assistant.answering.answer import Answer
from assistant.inbox.answers import LONGEST_QUESTION, Moment
from assistant.inbox.items import OpenItem
from assistant.inbox.shares import WeekShare
from assistant.inbox.tables import ItemState
from assistant.questions.log import LoggedQuestion
from knowledge.database import utc_now
from knowledge.recordings.recording import Recording
from web.reports.report_file import Chart, ChartLine
from web.views.answers import MomentView, answer_view

_RECORDING = re.compile(r"/recordings/([0-9a-f-]{36})/?")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class ItemView:
    id: str
    state: ItemState
    text: str
    others: tuple[str, ...]
    times: int
    since: dt.date
    not_it: bool
    course: str
    recording_id: str | None
    question: str
    invented: bool


def item_view(item: OpenItem, courses: Mapping[str, str]) -> ItemView:
    return ItemView(
        id=item.id,
        state=item.state,
        text=item.example,
        others=item.others,
        times=item.times,
        since=item.since,
        not_it=item.not_it,
        course=courses.get(item.course_id or "", ""),
        recording_id=item.recording_id,
        question=(item.taken_as or item.example)[:LONGEST_QUESTION],
        invented=item.invented,
    )


def nearest_views(
    found: Answer, recordings: Mapping[str, Recording], courses: Mapping[str, str]
) -> tuple[MomentView, ...]:
    question = found.question
    asked = LoggedQuestion(found.id, question.text, question.language, False, None, found.as_document(), utc_now())
    return answer_view(asked, recordings, courses).moments


def moment_in_link(link: str, end_s: str) -> Moment | None:
    """The moment that a copied link leads to, with whatever name of a server before it; None where it leads to none."""
    try:
        address = urlsplit(link.strip())
    except ValueError:
        return None
    recording, start = _RECORDING.fullmatch(address.path), dict(parse_qsl(address.query)).get("t", "")
    if address.scheme not in ("", "http", "https") or recording is None or not _SECONDS.fullmatch(start):
        return None
    return Moment(recording[1], float(start), _seconds(end_s))


def shares_chart(shares: Sequence[WeekShare], words: gettext.NullTranslations) -> Chart:
    _ = words.gettext
    line = ChartLine(_("Not answered"), tuple(each.percent for each in shares))
    return Chart(
        _("Does it get better?"),
        _("Questions that nobody answered, %"),
        tuple(str(each.week) for each in shares),
        (line,),
    )


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None
