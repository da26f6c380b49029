"""What pages read of open questions, each within what this caller may know of. Knows no templates."""

import datetime as dt
import hashlib
from dataclasses import dataclass

from assistant.access import course_rights
from assistant.access.caller import Caller
from assistant.access.policy import Action
from assistant.inbox import items
from assistant.inbox.shares import WeekShare, closed_weeks, read_asked, unanswered_shares
from assistant.topics import store as topics
from web import library
from web.services import WebServices
from web.views.inbox import ItemView, item_view

WEEKS = 12


@dataclass(frozen=True, slots=True)
class Waiting:
    """`shown`: the first of `count`. `mark`: differs where anything that is shown does."""

    shown: tuple[ItemView, ...]
    count: int
    most: int
    mark: str

    @property
    def invented(self) -> bool:
        """Whether any of them is."""
        return any(each.invented for each in self.shown)

    @property
    def more(self) -> int:
        return self.count - len(self.shown)


def waiting(services: WebServices, caller: Caller, *, most: int) -> Waiting:
    with services.database.read() as session:
        heard = course_rights.permitted(session, caller, Action.HEAR)
        found = items.waiting_items(session, heard, zone=services.time_zone, limit=most)
        count = items.how_many_wait(session, heard)
    names = library.course_names(services.database, caller)
    shown = tuple(item_view(each, names) for each in found)
    mark = hashlib.sha256(repr((shown, count)).encode()).hexdigest()[:16]
    return Waiting(shown, count, most, mark)


def read_shares(services: WebServices, *, now: dt.datetime) -> list[WeekShare]:
    """Of the last closed weeks, oldest first; none where too few people asked in each of them."""
    weeks = closed_weeks(now, services.time_zone, count=WEEKS)
    with services.database.read() as session:
        asked = read_asked(session, weeks, services.time_zone)
        fewest = topics.state(session).fewest_people
    shares = unanswered_shares(asked, weeks, services.time_zone, fewest_people=fewest)
    return shares if any(each.percent is not None for each in shares) else []
