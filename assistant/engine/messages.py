"""What the front and a device child say to each other: small frozen values, a JSON header and raw bytes. No pickle.

Knows neither process nor model. A frame is two lengths, the header (JSON), the payload (samples or vectors).
"""

import struct
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as checked

from assistant.recognising.recognizer import ClipOptions, Recognised
from knowledge.embedding import TextKind

LENGTHS = struct.Struct("<II")
LARGEST_FRAME_BYTES = 512_000_000


@checked(frozen=True, slots=True)
class Recognise:
    """One clip; the payload is its samples, float32 little-endian."""

    options: ClipOptions
    kind: Literal["recognise"] = "recognise"


@checked(frozen=True, slots=True)
class Embed:
    texts: tuple[str, ...]
    text_kind: TextKind
    kind: Literal["embed"] = "embed"


@checked(frozen=True, slots=True)
class Ping:
    kind: Literal["ping"] = "ping"


@checked(frozen=True, slots=True)
class Pong:
    kind: Literal["pong"] = "pong"


@checked(frozen=True, slots=True)
class Ready:
    """The model is loaded and warm."""

    name: str
    digest: str
    languages: frozenset[str] | None
    gives_word_times: bool
    dimensions: int | None
    load_s: float
    kind: Literal["ready"] = "ready"


@checked(frozen=True, slots=True)
class Unloadable:
    """The model cannot be loaded as things are; the child ends after saying so."""

    detail: str
    way_out: str
    kind: Literal["unloadable"] = "unloadable"


@checked(frozen=True, slots=True)
class Heard:
    """What a clip gave."""

    recognised: Recognised
    kind: Literal["heard"] = "heard"


@checked(frozen=True, slots=True)
class Embedded:
    """The payload is the vectors, float32 little-endian, shape (n, dimensions)."""

    dimensions: int
    kind: Literal["embedded"] = "embedded"


@checked(frozen=True, slots=True)
class Refused:
    """The model refused the work: `error` is the `kind` of an error of assistant.errors."""

    error: str
    detail: str
    way_out: str
    retry_after_s: float | None = None
    kind: Literal["refused"] = "refused"


Work = Recognise | Embed
Reply = Heard | Embedded | Refused
Message = Recognise | Embed | Ping | Pong | Ready | Unloadable | Heard | Embedded | Refused


@dataclass(frozen=True, slots=True)
class Frame:
    message: Message
    payload: bytes = b""


_MESSAGE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="kind")])


def to_bytes(frame: Frame) -> bytes:
    header = _MESSAGE.dump_json(frame.message)
    return LENGTHS.pack(len(header), len(frame.payload)) + header + frame.payload


def lengths_of(prefix: bytes) -> tuple[int, int]:
    """Header and payload length. Raises ValueError for a frame larger than any of ours."""
    header, payload = LENGTHS.unpack(prefix)
    if header + payload > LARGEST_FRAME_BYTES:
        raise ValueError(f"a frame of {header + payload} bytes is none of ours")
    return header, payload


def to_frame(header: bytes, payload: bytes) -> Frame:
    return Frame(_MESSAGE.validate_json(header), payload)
