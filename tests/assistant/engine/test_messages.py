"""What front and children say survives the way, and nonsense on the way is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from assistant.engine.messages import (
    LENGTHS,
    Embed,
    Embedded,
    Frame,
    Heard,
    Message,
    Ping,
    Pong,
    Ready,
    Recognise,
    Refused,
    Rerank,
    Reranked,
    Unloadable,
    lengths_of,
    to_bytes,
    to_frame,
)
from assistant.engine.wav import clip_to_wav, wav_to_clip
from assistant.errors import BadMedia
from assistant.recognising.recognizer import ClipOptions, Recognised
from knowledge.embedding import TextKind
from knowledge.transcripts.segment import Segment, TimeSource, Word

SPOKEN = Segment(0.5, 2.0, "near miss", "en", TimeSource.RECOGNISER, (Word(0.5, 0.9, "near", 0.25),), "faint")


def back(frame: Frame) -> Frame:
    sent = to_bytes(frame)
    header, payload = lengths_of(sent[: LENGTHS.size])
    body = sent[LENGTHS.size :]
    assert len(body) == header + payload
    return to_frame(body[:header], body[header:])


@pytest.mark.parametrize(
    "message",
    [
        Recognise(
            (ClipOptions("yue", ("上锁", "tag out"), itn=False, script="line\n" * 3), ClipOptions()), (16_000, 8_000)
        ),
        Embed(("a", "", "数据"), TextKind.PASSAGE),
        Ping(),
        Pong(),
        Pong("ONNX Runtime"),
        Ready("pocketsphinx", "ab" * 32, frozenset({"en"}), True, None, 0.5),
        Unloadable("no such model", "name one"),
        Heard((Recognised((SPOKEN,), truncated=True, hard_to_hear="faint"), Recognised())),
        Heard((Recognised(error="too short"),)),
        Embedded(384, (3, 0)),
        Rerank("数据?", ("a", "")),
        Reranked((0.5, -7.25), 0.1),
        Refused("busy", "full", "come back", 3.0),
    ],
)
def test_every_message_comes_back_as_it_went(message: Message) -> None:
    frame = Frame(message, b"\x00\xff" * 5)
    assert back(frame) == frame


@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=5), st.binary(max_size=100))
def test_any_text_comes_back_as_it_went(script: str, hotwords: list[str], payload: bytes) -> None:
    frame = Frame(Recognise((ClipOptions(hotwords=tuple(hotwords), script=script),), (len(payload),)), payload)
    assert back(frame) == frame


def test_a_frame_larger_than_any_of_ours_is_refused() -> None:
    with pytest.raises(ValueError, match="none of ours"):
        lengths_of(b"\xff" * LENGTHS.size)


@given(st.binary(max_size=50))
def test_nonsense_is_no_message(header: bytes) -> None:
    with pytest.raises(ValidationError):
        to_frame(header, b"")


def test_a_clip_comes_back_from_its_wav() -> None:
    samples = np.sin(np.arange(8000) / 20).astype(np.float32)
    np.testing.assert_allclose(wav_to_clip(clip_to_wav(samples), filename="c.wav"), samples, atol=1 / 32767)


def test_what_is_no_number_or_too_loud_becomes_sound_within_bounds() -> None:
    samples = np.array([np.nan, np.inf, -np.inf, 1e30, 0.5], np.float32)
    clip = wav_to_clip(clip_to_wav(samples), filename="c.wav")
    np.testing.assert_allclose(clip, [0, 1, -1, 1, 0.5], atol=1e-4)


def complaint(content: bytes) -> str | None:
    """What reading a clip complains of; None where it is one."""
    try:
        wav_to_clip(content, filename="c.wav")
    except BadMedia as error:
        return error.detail
    return None


@given(st.binary(max_size=200), st.integers(0, 1900))
def test_broken_wavs_are_refused_by_name(noise: bytes, cut: int) -> None:
    good = clip_to_wav(np.full(1000, 0.1, np.float32))
    for broken in (noise, good[:cut], good[:12] + noise + good[12 + len(noise) :]):
        assert (complaint(broken) or "c.wav: ").startswith("c.wav: ")
    assert complaint(good[:cut])
    assert complaint(good) is None
