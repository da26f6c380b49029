"""The sound and picture of a recording: our own playable copy, in parts, never the original.

A player gets short parts and asks for the next, and is asked each time whether it may; whoever takes the whole file in
one reply is looked at again between its parts, so that a right taken away ends either within half a minute of sound.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from assistant.access.policy import Action
from assistant.errors import NotFound
from assistant.hearing.listening import PLAYABLE_TYPES, open_regular
from knowledge.recordings.recording import Recording
from web import library
from web.guard import CutOffError
from web.library import services_of
from web.ranges import ByteRange, RangeUnsatisfiableError, part_bytes, requested_range
from web.rules import needs
from web.visitors import caller_now, caller_of

router = APIRouter(include_in_schema=False)
_BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Playable:
    """An opened copy. `part_bytes`: the most to send before `still_permitted` is asked (again)."""

    file: BinaryIO
    media_type: str
    part_bytes: int
    still_permitted: Callable[[], bool]


@router.api_route("/media/{recording_id}", methods=["GET", "HEAD"], dependencies=[needs(Action.BROWSE)])
def media(request: Request, recording_id: str) -> Response:
    services = services_of(request)
    recording = library.recording(services.database, caller_of(request), recording_id)
    path = playable_path(services.home, recording)
    file = os.fdopen(_descriptor(path), "rb")
    try:
        size = os.fstat(file.fileno()).st_size
        longest = part_bytes(size, recording.duration_s, has_picture=recording.has_picture)
        permitted = partial(_still_permitted, request, recording_id)
        return _reply(request, Playable(file, PLAYABLE_TYPES[path.suffix], longest, permitted))
    except BaseException:
        file.close()
        raise


def _still_permitted(request: Request, recording_id: str) -> bool:
    """The same questions as at the request's beginning, asked anew: who comes, and whether they may hear it."""
    caller = caller_now(request)
    if caller is None:
        return False
    try:
        library.recording(services_of(request).database, caller, recording_id)
    except NotFound:
        return False
    return True


def playable_path(home: Path, recording: Recording) -> Path:
    """Made of ids by us; still checked to lie in the recording's own folder. Raises NotFound."""
    folder = (home / "files" / recording.id).resolve()
    path = (home / (recording.playable_path or "")).resolve()
    if recording.playable_path is None or folder not in path.parents or path.suffix not in PLAYABLE_TYPES:
        raise NotFound("this recording cannot be played yet", "come back when it is indexed")
    return path


def _descriptor(path: Path) -> int:
    try:
        return open_regular(path)
    except FileNotFoundError as error:
        raise NotFound("the sound of this recording is missing on the server", "run `earmark doctor`") from error


def _reply(request: Request, playable: Playable) -> Response:
    file, media_type = playable.file, playable.media_type
    about = os.fstat(file.fileno())
    etag = f'"{about.st_ino:x}-{about.st_size:x}-{about.st_mtime_ns:x}"'
    headers = {"etag": etag, "accept-ranges": "bytes", "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") in (etag, f"W/{etag}"):
        file.close()
        return Response(status_code=304, headers=headers)
    unchanged = request.headers.get("if-range", etag) == etag
    try:
        wanted = request.headers.get("range") if unchanged else None
        part = requested_range(wanted, about.st_size, longest=playable.part_bytes)
    except RangeUnsatisfiableError:
        file.close()
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{about.st_size}"})
    sent = part or ByteRange(0, about.st_size - 1)
    headers["content-length"] = str(sent.length)
    if part is not None:
        headers["content-range"] = part.header(about.st_size)
    status = 206 if part is not None else 200
    if request.method == "HEAD":
        file.close()
        return Response(status_code=status, headers=headers, media_type=media_type)
    return _FileReply(_parts(playable, sent), file, status_code=status, headers=headers, media_type=media_type)


class _FileReply(StreamingResponse):
    """Closes the file also where the player went away before the first byte was asked for."""

    def __init__(self, parts: Iterator[bytes], file: BinaryIO, **about: Any) -> None:
        super().__init__(parts, **about)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def _parts(playable: Playable, sent: ByteRange) -> Iterator[bytes]:
    """The first part is the request's own; before each further one it is asked again."""
    file, left = playable.file, sent.length
    with file:
        file.seek(sent.first)
        while left > 0:
            if left < sent.length and not playable.still_permitted():
                raise CutOffError("no longer permitted")
            part = min(playable.part_bytes, left)
            left -= part
            yield from _blocks(file, part)


def _blocks(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length > 0 and (block := file.read(min(_BLOCK_BYTES, length))):
        length -= len(block)
        yield block
