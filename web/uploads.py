"""Form bodies, read as they stream in: files to memory (a question's voice) or to a folder (a recording).

Nothing a client says of a file becomes a path. The guard counts the bytes; this keeps them. Knows no use case.
"""

import contextlib
import errno
import io
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from assistant.errors import BadInput, DiskFull
from web.rules import check_form_token
from web.visitors import FORM_TOKEN_FIELD

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MOST_PARTS = 400
_LONGEST_FIELD_BYTES = 64_000
_LONGEST_PLAIN_BYTES = 256_000
"""A form without files is read whole, also where a path's own limit leaves room for films."""


class BodyEncoded(BadInput):
    """A body that is to be unpacked first: what a megabyte of it would become, nobody knows."""

    kind = "body-encoded"


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """`filename` is only a name. `content` where the file went to memory, `path` where it went to a folder."""

    field: str
    filename: str
    size_bytes: int
    content: bytes | None
    path: Path | None


@dataclass(frozen=True, slots=True)
class UploadedForm:
    fields: dict[str, str]
    files: tuple[UploadedFile, ...]

    def file(self, field_name: str) -> UploadedFile | None:
        """The named file; None where the person chose none (browsers then send an empty part)."""
        return next((file for file in self.files if file.field == field_name), None)


@dataclass(slots=True)
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    field_name: str = ""
    filename: str | None = None
    size: int = 0


async def read_document(request: Request, *, most_bytes: int) -> bytes:
    """A body without a form, stopped where it grows too long. Raises BadInput."""
    _refuse_encoded(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise BadInput(f"the document has more than {most_bytes:,} bytes", "send less")
    return bytes(body)


async def read_form(request: Request) -> UploadedForm:
    """A form of ours whose files stay in memory. Raises BadInput, Forbidden where it does not come from a page of
    this session; BodyTooLargeError comes through from the guard."""
    return _checked(request, await _Reader(folder=None).read(request))


@contextlib.asynccontextmanager
async def form_in_folder(request: Request, parent: Path) -> AsyncIterator[UploadedForm]:
    """A form whose files lie in a fresh folder below `parent`, gone when the request is over."""
    await run_in_threadpool(lambda: parent.mkdir(mode=0o700, parents=True, exist_ok=True))
    folder = await run_in_threadpool(tempfile.TemporaryDirectory, dir=parent, prefix="upload-")
    try:
        yield _checked(request, await _Reader(folder=Path(folder.name)).read(request))
    finally:
        await run_in_threadpool(folder.cleanup)


def _checked(request: Request, form: UploadedForm) -> UploadedForm:
    check_form_token(request, form.fields.get(FORM_TOKEN_FIELD, ""))
    return form


class _Reader:
    """One request's body. The parser calls back without waiting; blocks are written between its calls."""

    def __init__(self, *, folder: Path | None) -> None:
        self._folder = folder
        self._fields: dict[str, str] = {}
        self._files: list[UploadedFile] = []
        self._part = _Part()
        self._parts = 0
        self._complete = False
        self._header_name = b""
        self._header_value = b""
        self._sink: IO[bytes] | None = None
        self._waiting: list[tuple[IO[bytes], bytes]] = []
        self._closing: list[IO[bytes]] = []

    async def read(self, request: Request) -> UploadedForm:
        _refuse_encoded(request)
        kind, options = parse_options_header(request.headers.get("content-type", "").encode("latin-1"))
        if kind == b"application/x-www-form-urlencoded":
            return UploadedForm(_plain_fields(await read_document(request, most_bytes=_LONGEST_PLAIN_BYTES)), ())
        if not kind and request.headers.get("content-length", "0") == "0":
            return UploadedForm({}, ())  # a button that stands alone, pressed by a script
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary or len(boundary) > 200:
            raise BadInput("the form cannot be read", "send it as multipart/form-data")
        try:
            await self._parse(request, MultipartParser(boundary, self._callbacks()))
        finally:
            await run_in_threadpool(self._close_all)
        return UploadedForm(self._fields, tuple(self._files))

    async def _parse(self, request: Request, parser: MultipartParser) -> None:
        try:
            async for chunk in request.stream():
                parser.write(chunk)
                if self._waiting:
                    await run_in_threadpool(self._write_waiting)
            parser.finalize()
        except FormParserError as error:
            raise BadInput("the form breaks off or cannot be read", "send it again") from error
        if not self._complete:  # the parser lets an unfinished last part go without a word
            raise BadInput("the form breaks off or cannot be read", "send it again")

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._name_of_header,
            "on_header_value": self._value_of_header,
            "on_header_end": self._header_over,
            "on_headers_finished": self._headers_over,
            "on_part_data": self._data,
            "on_part_end": self._over,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise BadInput(f"more than {_MOST_PARTS} parts in one form", "send fewer files at once")
        self._part = _Part()

    def _name_of_header(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _value_of_header(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_over(self) -> None:
        self._part.headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_over(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition", b""))
        self._part.field_name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            self._part.filename = options[b"filename"].decode("utf-8", "replace")
            self._sink = self._new_sink()
        else:
            self._sink = io.BytesIO()

    def _new_sink(self) -> IO[bytes]:
        if self._folder is None:
            return io.BytesIO()
        sink = (self._folder / f"{self._parts:04}").open("xb")
        self._closing.append(sink)
        return sink

    def _data(self, data: bytes, start: int, end: int) -> None:
        assert self._sink is not None
        self._part.size += end - start
        if self._part.filename is None and self._part.size > _LONGEST_FIELD_BYTES:
            raise BadInput(f"the field {self._part.field_name[:40]!r} is too long", "send less text")
        if isinstance(self._sink, io.BytesIO):
            self._sink.write(data[start:end])
        else:
            self._waiting.append((self._sink, bytes(data[start:end])))

    def _over(self) -> None:
        part, sink = self._part, self._sink
        assert sink is not None
        if part.filename is None:
            assert isinstance(sink, io.BytesIO)
            self._fields[part.field_name] = sink.getvalue().decode("utf-8", "replace")
        elif part.filename or part.size:
            content = sink.getvalue() if isinstance(sink, io.BytesIO) else None
            path = None if self._folder is None else self._folder / f"{self._parts:04}"
            self._files.append(UploadedFile(part.field_name, part.filename, part.size, content, path))
        self._sink = None

    def _end(self) -> None:
        self._complete = True

    def _write_waiting(self) -> None:
        try:
            for sink, block in self._waiting:
                sink.write(block)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DiskFull(
                "the disk is full, so the upload stopped", "free some disk; questions go on meanwhile"
            ) from error
        self._waiting.clear()

    def _close_all(self) -> None:
        for sink in self._closing:
            sink.close()


def _refuse_encoded(request: Request) -> None:
    """A packed body is never unpacked. Raises BodyEncoded."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise BodyEncoded("the body is packed", "send it without Content-Encoding")


def _plain_fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100))
    except ValueError as error:
        raise BadInput("more than 100 fields in one form", "send fewer") from error
