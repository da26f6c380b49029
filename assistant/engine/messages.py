"""What the front and a device child say to each other: small frozen values, a JSON header and raw bytes. No pickle.

Knows neither process nor model. A frame is two lengths, the header (JSON), the payload (samples or vectors).
"""

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as checked

from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from knowledge.embedding import TextKind, TextVectors

LENGTHS = struct.Struct("<II")
LARGEST_FRAME_BYTES = 512_000_000


@checked(frozen=True, slots=True)
class Recognise:
    """Clips; the payload is their samples one behind the other, float32 little-endian. `sizes`: samples of each."""

    options: tuple[ClipOptions, ...]
    sizes: tuple[int, ...]
    kind: Literal["recognise"] = "recognise"


@checked(frozen=True, slots=True)
class Embed:
    texts: tuple[str, ...]
    text_kind: TextKind
    kind: Literal["embed"] = "embed"


@checked(frozen=True, slots=True)
class Rerank:
    question: str
    texts: tuple[str, ...]
    kind: Literal["rerank"] = "rerank"


@checked(frozen=True, slots=True)
class Ping:
    kind: Literal["ping"] = "ping"


@checked(frozen=True, slots=True)
class Pong:
    """`runs_by`: what runs the model now, where that may change while it is loaded."""

    runs_by: str | None = None
    kind: Literal["pong"] = "pong"


@checked(frozen=True, slots=True)
class Loading:
    """What the child is doing before its model is ready."""

    detail: str
    kind: Literal["loading"] = "loading"


@checked(frozen=True, slots=True)
class Ready:
    """The model is loaded and warm. `batch_s`: seconds of sound it takes in one message, 0 for a clip at a time.

    `threads`: how many it computes on. `runs_by`: the library that computes, where a model may have one of several.
    """

    name: str
    digest: str
    languages: frozenset[str] | None
    gives_word_times: bool
    dimensions: int | None
    load_s: float
    batch_s: float = 0.0
    threads: int = 1
    runs_by: str | None = None
    kind: Literal["ready"] = "ready"


@checked(frozen=True, slots=True)
class Unloadable:
    """The model cannot be loaded as things are; the child ends after saying so."""

    detail: str
    way_out: str
    kind: Literal["unloadable"] = "unloadable"


@checked(frozen=True, slots=True)
class Heard:
    """What each clip gave, in order."""

    recognised: tuple[Recognised, ...]
    kind: Literal["heard"] = "heard"


@checked(frozen=True, slots=True)
class Embedded:
    """The payload is the vectors, float32 little-endian, shape (n, dimensions), and behind them each text's packed
    token vectors. `token_bytes`: of each text."""

    dimensions: int
    token_bytes: tuple[int, ...]
    kind: Literal["embedded"] = "embedded"


@checked(frozen=True, slots=True)
class Reranked:
    """A finite logit a text, in order. `took_s`: wall time of the model alone."""

    scores: tuple[float, ...]
    took_s: float
    kind: Literal["reranked"] = "reranked"


@checked(frozen=True, slots=True)
class Refused:
    """The model refused the work: `error` is the `kind` of an error of assistant.errors."""

    error: str
    detail: str
    way_out: str
    retry_after_s: float | None = None
    kind: Literal["refused"] = "refused"


Work = Recognise | Embed | Rerank
Reply = Heard | Embedded | Reranked | Refused
Message = (
    Recognise | Embed | Rerank | Ping | Pong | Loading | Ready | Unloadable | Heard | Embedded | Reranked | Refused
)


@dataclass(frozen=True, slots=True)
class Frame:
    message: Message
    payload: bytes = b""


def recognise_frame(clips: Sequence[Clip]) -> Frame:
    samples = b"".join(clip.samples.astype("<f4", copy=False).tobytes() for clip in clips)
    return Frame(Recognise(tuple(clip.options for clip in clips), tuple(len(clip.samples) for clip in clips)), samples)


def clips_in(message: Recognise, payload: bytes) -> list[Clip]:
    samples = np.frombuffer(payload, dtype="<f4").astype(np.float32, copy=False)
    ends = np.cumsum(message.sizes)
    return [
        Clip(samples[end - size : end], options)
        for options, size, end in zip(message.options, message.sizes, ends, strict=True)
    ]


def together(frames: Sequence[Frame]) -> Frame:
    """Clips of several frames in one."""
    if len(frames) == 1:
        return frames[0]
    asked = [frame.message for frame in frames if isinstance(frame.message, Recognise)]
    if len(asked) != len(frames):
        raise TypeError("only clips go together")
    options = tuple(each for message in asked for each in message.options)
    sizes = tuple(size for message in asked for size in message.sizes)
    return Frame(Recognise(options, sizes), b"".join(frame.payload for frame in frames))


def apart(answer: Frame, asked: int) -> list[Frame] | None:
    """The answers of frames that each held one clip; None where the batch was refused as a whole."""
    if asked == 1:
        return [answer]
    if not isinstance(answer.message, Heard) or len(answer.message.recognised) != asked:
        return None
    return [Frame(Heard((each,))) for each in answer.message.recognised]


def embedded_frame(vectors: TextVectors) -> Frame:
    sizes = tuple(map(len, vectors.tokens))
    return Frame(
        Embedded(vectors.whole.shape[1], sizes), vectors.whole.astype("<f4").tobytes() + b"".join(vectors.tokens)
    )


def vectors_in(message: Embedded, payload: bytes) -> TextVectors:
    end_of_whole = 4 * message.dimensions * len(message.token_bytes)
    whole = np.frombuffer(payload[:end_of_whole], "<f4").reshape(len(message.token_bytes), message.dimensions)
    ends = itertools.accumulate(message.token_bytes, initial=end_of_whole)
    return TextVectors(whole, tuple(payload[first:last] for first, last in itertools.pairwise(ends)))


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
