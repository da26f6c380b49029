"""Recordings and courses by program: send, list, read, remove."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from assistant.access.policy import Action
from assistant.courses.removing import remove_recording
from assistant.errors import BadInput
from knowledge.transcripts.segment import UNDETERMINED, Segment
from web import library
from web.api.models import (
    PROBLEMS,
    CourseOut,
    CoursesOut,
    ReceivedOut,
    RecordingOut,
    RecordingsOut,
    SegmentOut,
    TranscriptOut,
    WordOut,
)
from web.library import services_of
from web.pages.jobs import uploaded_form
from web.receiving import grouped, receive_all
from web.rules import needs
from web.uploads import UploadedForm
from web.visitors import caller_of

router = APIRouter(prefix="/api/v1", tags=["recordings"], responses=PROBLEMS)
Limit = Annotated[int, Query(ge=1, le=500)]
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "sound or video"},
                        "subtitles": {"type": "string", "format": "binary", "description": ".srt or .vtt"},
                        "script": {"type": "string", "format": "binary", "description": ".txt or .md"},
                        "course": {"type": "string", "description": "its name; General where absent"},
                        "language": {"type": "string", "description": "BCP 47"},
                    },
                }
            }
        },
    }
}


@router.post(
    "/recordings",
    dependencies=[needs(Action.BRING_IN)],
    status_code=202,
    response_model=ReceivedOut,
    openapi_extra=_BODY,
)
def send_recording(request: Request, form: Annotated[UploadedForm, Depends(uploaded_form)]) -> Any:
    """Send one recording, with what lies beside it; watch its job until it is findable."""
    sent = len(grouped(form.files))
    if sent != 1:
        raise BadInput(f"{sent} recordings in one request", "send one at a time")
    [first] = receive_all(services_of(request), caller_of(request), form)
    return ReceivedOut(recording_id=first.recording_id, job_id=first.job_id, skipped=first.skipped_reason)


@router.get("/recordings", dependencies=[needs(Action.BROWSE)], response_model=RecordingsOut)
def list_recordings(request: Request, course: str | None = None, after: str | None = None, limit: Limit = 100) -> Any:
    """Newest first."""
    database, caller = services_of(request).database, caller_of(request)
    names = library.course_names(database, caller)
    found = library.all_recordings(database, caller, library.course(database, caller, course).id if course else None)
    # Ids grow with time, so that the page after one goes on at the same place though its last recording is gone.
    left = [one for one in found if after is None or one.id < after]
    items = [RecordingOut.of(one, names.get(one.course_id, "")) for one in left[:limit]]
    return RecordingsOut(items=items, next=items[-1].id if len(left) > limit else None)


@router.get("/recordings/{recording_id}", dependencies=[needs(Action.BROWSE)], response_model=RecordingOut)
def get_recording(request: Request, recording_id: str) -> Any:
    database, caller = services_of(request).database, caller_of(request)
    recording = library.recording(database, caller, recording_id)
    return RecordingOut.of(recording, library.course_names(database, caller).get(recording.course_id, ""))


@router.get("/recordings/{recording_id}/transcript", dependencies=[needs(Action.BROWSE)], response_model=TranscriptOut)
def get_transcript(request: Request, recording_id: str) -> Any:
    """The published transcript; `words` are there only where something measured their times."""
    database, caller = services_of(request).database, caller_of(request)
    recording, segments = library.take_transcript(database, caller, recording_id, kind="json")
    return TranscriptOut(
        recording=recording.name,
        language=recording.language or _language(segments),
        duration_s=recording.duration_s or 0.0,
        segments=[_segment(segment) for segment in segments],
    )


@router.delete("/recordings/{recording_id}", dependencies=[needs(Action.BRING_IN)], status_code=204)
def delete_recording(request: Request, recording_id: str) -> Response:
    """Gone from the next request on."""
    database, caller = services_of(request).database, caller_of(request)
    library.recording(database, caller, recording_id, Action.EDIT)
    remove_recording(database, recording_id, actor=caller.actor)
    return Response(status_code=204)


@router.get("/courses", dependencies=[needs(Action.BROWSE)], response_model=CoursesOut)
def list_courses(request: Request) -> Any:
    holdings = library.holdings_of_courses(services_of(request).database, caller_of(request))
    items = [
        CourseOut(
            id=one.course.id,
            name=one.course.name,
            recordings=one.recordings,
            hours=round(one.duration_s / 3600, 3),
            language=one.course.language,
            itn=one.course.itn,
        )
        for one in holdings
    ]
    return CoursesOut(items=items, next=None)


def _segment(segment: Segment) -> SegmentOut:
    words = [WordOut(start_s=word.start_s, end_s=word.end_s, text=word.text) for word in segment.words]
    return SegmentOut(
        start_s=segment.start_s,
        end_s=segment.end_s,
        text=segment.text,
        time_source=segment.time_source.value,
        words=words or None,
    )


def _language(segments: list[Segment]) -> str:
    """The one that most segments have."""
    spoken = [segment.language for segment in segments]
    return max(set(spoken), key=spoken.count) if spoken else UNDETERMINED
