"""Recordings: the list, one recording with its transcript, finding inside it, its texts to take away, its removal."""

import math
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from assistant.access.policy import Action
from assistant.courses.removing import remove_recording
from assistant.jobs import store as jobs
from assistant.recognising.subtitles import write_srt, write_vtt
from knowledge.recordings.recording import Recording
from knowledge.transcripts.segment import Segment
from web import library, own_learning
from web.library import services_of
from web.render import is_partial, render
from web.rules import needs
from web.timecodes import seconds_of
from web.uploads import UploadedForm, read_form
from web.views.jobs import job_view
from web.views.recordings import recording_view, transcript_window, whole_player_view
from web.views.transcript import LineView, Span, found_lines, lines_of
from web.visitors import caller_of, visitor_of

router = APIRouter(include_in_schema=False)
Form = Annotated[UploadedForm, Depends(read_form)]
_A_PAGE = 100
_LONGEST_FIND = 200
_TEXT_TYPES = {
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}


@router.get("/recordings", dependencies=[needs(Action.BROWSE)])
def recordings_page(request: Request, course: str = "", page: int = 1) -> Response:
    database, caller = services_of(request).database, caller_of(request)
    courses = library.course_names(database, caller)
    chosen = library.course(database, caller, course) if course else None
    found = library.all_recordings(database, caller, chosen.id if chosen else None)
    pages = max(1, math.ceil(len(found) / _A_PAGE))
    number = min(max(1, page), pages)
    shown = found[(number - 1) * _A_PAGE : number * _A_PAGE]
    values = {
        "recordings": [recording_view(one, courses) for one in shown],
        "count": len(found),
        "course": chosen,
        "page": number,
        "pages": pages,
    }
    return render(request, "recordings.html", values)


@router.get("/recordings/{recording_id}", dependencies=[needs(Action.BROWSE)])
def recording_page(request: Request, recording_id: str, t: str | None = None) -> Response:
    recording = library.recording(services_of(request).database, caller_of(request), recording_id)
    return _recording_page(request, recording, start_s=seconds_of(t), wanted="", found=())


@router.post("/recordings/{recording_id}/find", dependencies=[needs(Action.BROWSE)])
def find_inside(request: Request, recording_id: str, form: Form) -> Response:
    """A post, because what people look for is never part of an address."""
    database = services_of(request).database
    recording = library.recording(database, caller_of(request), recording_id)
    wanted = form.fields.get("wanted", "").strip()[:_LONGEST_FIND]
    lines = () if recording.revision is None else lines_of(database, recording.id, recording.revision)
    found = found_lines(lines, wanted)
    if is_partial(request):
        values = {"found": found, "wanted": wanted, "recording_id": recording.id}
        return render(request, "partials/found.html", values)
    return _recording_page(request, recording, start_s=None, wanted=wanted, found=found)


@router.get("/recordings/{recording_id}/find", dependencies=[needs(Action.BROWSE)])
def back_to_recording(recording_id: str) -> Response:
    """Somebody reloads what was posted."""
    return RedirectResponse(f"/recordings/{quote(recording_id, safe='')}", status_code=303)


@router.get("/recordings/{recording_id}/lines", dependencies=[needs(Action.BROWSE)])
def lines_around(
    request: Request, recording_id: str, at: str = "0", start: str | None = None, end: str | None = None
) -> Response:
    """The part of a transcript around a second, the answer between `start` and `end` marked."""
    database = services_of(request).database
    recording = library.recording(database, caller_of(request), recording_id)
    start_s, end_s = seconds_of(start), seconds_of(end)
    span = Span(start_s, end_s) if start_s is not None and end_s is not None else None
    window = transcript_window(database, recording, around_s=seconds_of(at) or 0.0, span=span)
    return render(request, "partials/lines.html", {"transcript": window})


@router.get("/recordings/{recording_id}/transcript.{kind}", dependencies=[needs(Action.BROWSE)])
def transcript_file(request: Request, recording_id: str, kind: Literal["srt", "vtt", "txt"]) -> Response:
    database, caller = services_of(request).database, caller_of(request)
    recording, segments = library.take_transcript(database, caller, recording_id, kind=kind)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(recording.title, safe='')}.{kind}"}
    return Response(transcript_text(segments, kind), media_type=_TEXT_TYPES[kind], headers=headers)


@router.post("/recordings/{recording_id}/remove", dependencies=[needs(Action.BRING_IN)])
def remove(request: Request, recording_id: str, _form: Form) -> Response:
    database, caller = services_of(request).database, caller_of(request)
    library.recording(database, caller, recording_id, Action.EDIT)
    remove_recording(database, recording_id, actor=caller.actor)
    return RedirectResponse("/recordings", status_code=303)


def transcript_text(segments: list[Segment], kind: Literal["srt", "vtt", "txt"]) -> str:
    if kind == "srt":
        return write_srt(segments)
    if kind == "vtt":
        return write_vtt(segments)
    return "\n".join(segment.text for segment in segments) + "\n"


def _recording_page(
    request: Request,
    recording: Recording,
    *,
    start_s: float | None,
    wanted: str,
    found: tuple[LineView, ...],
) -> Response:
    database, caller = services_of(request).database, caller_of(request)
    courses = library.course_names(database, caller)
    may_edit = library.may_edit(database, caller, recording)
    with database.read() as session:
        job = jobs.latest_of(session, recording.id) if may_edit else None
    values = {
        "recording": recording_view(recording, courses),
        "kept_until": services_of(request).keeping.recording_until(recording.published_at),
        "player": whole_player_view(database, recording, start_s=start_s),
        "job": job_view(job, recording, courses) if job else None,
        "may_edit": may_edit,
        "keeps": own_learning.bookmarks_in(database, visitor_of(request).asker, [recording.id]) is not None,
        "wanted": wanted,
        "found": found,
    }
    return render(request, "recording.html", values)
