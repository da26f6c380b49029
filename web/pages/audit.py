"""The audit log, for compliance and admins: newest first, filtered, and taken away as a file."""

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response, StreamingResponse

from assistant.access import people
from assistant.access.policy import Action
from assistant.audit.looking import export, look
from assistant.audit.reading import AuditFilter, Entry
from assistant.errors import BadInput
from knowledge.database import storable_text, utc_now
from web.governed import LONGEST_FIND, MOST_FOUND, only_where_people_sign_in
from web.library import services_of
from web.render import render
from web.rules import allowed_still, needs
from web.uploads import UploadedForm, read_form
from web.views.audit import as_csv, as_jsonl, audit_line
from web.views.words import ACTION_WORDS, OUTCOME_WORDS
from web.visitors import caller_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(only_where_people_sign_in)])
NO_TEXT = ("something that was sent is no text", "leave out what cannot be seen")
Form = Annotated[UploadedForm, Depends(read_form)]
NO_SUCH_TIME = ("this is no time", "write one such as 2026-11-21T08:30")
After = Annotated[int | None, Query(ge=1, lt=2**63)]
"""A row's number; a larger one no database would look for."""
_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


class Wanted(BaseModel):
    """The filter as it stands in an address: times in UTC, ids and no names."""

    since: str = ""
    until: str = ""
    actor: str = ""
    action: str = ""
    outcome: str = ""
    object_kind: str = ""
    object_id: str = ""

    def as_filter(self) -> AuditFilter:
        """Raises BadInput for a time that is none, and what no database would look for."""
        if any(value != storable_text(value) for value in self.model_dump().values()):
            raise BadInput(*NO_TEXT)  # now: an export has begun to answer when it first asks
        return AuditFilter(
            since=_time(self.since),
            until=_time(self.until),
            actor=self.actor or None,
            action=self.action or None,
            outcome=self.outcome or None,
            object_kind=self.object_kind.strip() or None,
            object_id=self.object_id.strip() or None,
        )

    def as_query(self) -> str:
        return urlencode({name: value for name, value in self.model_dump().items() if value})


@router.get("/audit", dependencies=[needs(Action.READ_AUDIT)])
def audit_page(request: Request, wanted: Annotated[Wanted, Query()], after: After = None) -> Response:
    return _page(request, wanted, after=after)


@router.post("/audit/people", dependencies=[needs(Action.READ_AUDIT)])
def find_people(request: Request, form: Form) -> Response:
    """A post, because whom somebody looks for is never part of an address."""
    name = form.fields.get("wanted", "").strip()[:LONGEST_FIND]
    with services_of(request).database.read() as session:
        found, _ = people.find_people(session, name, limit=MOST_FOUND)
    return _page(request, Wanted(), name=name, found=found)


@router.get("/audit/people", dependencies=[needs(Action.READ_AUDIT)])
def back_to_audit() -> Response:
    """Somebody reloads what was posted."""
    return RedirectResponse("/audit", status_code=303)


@router.get("/audit/export.{kind}", dependencies=[needs(Action.READ_AUDIT)])
def export_file(request: Request, kind: Literal["csv", "jsonl"], wanted: Annotated[Wanted, Query()]) -> Response:
    """All that fit the filter, newest first, as they are read."""
    found = export(
        services_of(request).database,
        wanted.as_filter(),
        actor=caller_of(request).audit_id,
        kind=kind,
        allowed=allowed_still(request, Action.READ_AUDIT),
    )
    lines = as_csv(found) if kind == "csv" else as_jsonl(found)
    headers = {"content-disposition": f"attachment; filename=audit.{kind}"}
    return StreamingResponse(lines, media_type=_TYPES[kind], headers=headers)


def _page(
    request: Request,
    wanted: Wanted,
    *,
    after: int | None = None,
    name: str = "",
    found: list[people.Person] | None = None,
) -> Response:
    database, caller = services_of(request).database, caller_of(request)
    page = look(
        database, wanted.as_filter(), actor=caller.audit_id, session_id=caller.way_id, after=after, now=utc_now()
    )
    with database.read() as session:
        names = people.names_in_audit(session, _ids(page.entries) | {wanted.actor})
    query = wanted.as_query()
    values = {
        "lines": [audit_line(entry, names) for entry in page.entries],
        "older": f"/audit?{query}&after={page.next}".replace("?&", "?") if page.next is not None else None,
        "newest": f"/audit?{query}" if after is not None else None,
        "query": query,
        "chosen": wanted,
        "actor_name": names.get(wanted.actor),
        "actions": ACTION_WORDS,
        "outcomes": OUTCOME_WORDS,
        "wanted": name,
        "found": found,
    }
    return render(request, "audit.html", values)


def _ids(entries: Iterable[Entry]) -> set[str]:
    return {each for entry in entries for each in (entry.actor, entry.object_id) if each}


def _time(text: str) -> dt.datetime | None:
    if not text:
        return None
    try:
        read = dt.datetime.fromisoformat(text)
        return read.astimezone(dt.UTC) if read.tzinfo else read.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(*NO_SUCH_TIME) from error
