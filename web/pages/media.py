"""The sound and picture of a recording: our own playable copy, in parts, never the original."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from assistant.errors import NotFound
from assistant.hearing.listening import PLAYABLE_TYPES, open_regular
from knowledge.recordings.recording import Recording
from web import library
from web.library import services_of
from web.ranges import ByteRange, RangeUnsatisfiableError, requested_range

router = APIRouter(include_in_schema=False)
_BLOCK_BYTES = 256 * 1024


@router.api_route("/media/{recording_id}", methods=["GET", "HEAD"])
def media(request: Request, recording_id: str) -> Response:
    services = services_of(request)
    recording = library.recording(services.database, recording_id)
    path = playable_path(services.home, recording)
    file = os.fdopen(_descriptor(path), "rb")
    try:
        return _reply(request, file, media_type=PLAYABLE_TYPES[path.suffix])
    except BaseException:
        file.close()
        raise


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


def _reply(request: Request, file: BinaryIO, *, media_type: str) -> Response:
    about = os.fstat(file.fileno())
    etag = f'"{about.st_ino:x}-{about.st_size:x}-{about.st_mtime_ns:x}"'
    headers = {"etag": etag, "accept-ranges": "bytes", "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") in (etag, f"W/{etag}"):
        file.close()
        return Response(status_code=304, headers=headers)
    unchanged = request.headers.get("if-range", etag) == etag
    try:
        part = requested_range(request.headers.get("range") if unchanged else None, about.st_size)
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
    return StreamingResponse(_blocks(file, sent), status_code=status, headers=headers, media_type=media_type)


def _blocks(file: BinaryIO, part: ByteRange) -> Iterator[bytes]:
    with file:
        file.seek(part.first)
        left = part.length
        while left > 0 and (block := file.read(min(_BLOCK_BYTES, left))):
            left -= len(block)
            yield block
