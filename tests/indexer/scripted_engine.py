"""An engine that says what it was told to: a real small class, the same clip always gives the same words."""

import hashlib
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from assistant.engine.client import EngineState, HeardSpeech, ModelState, OnSegments, Priority
from assistant.errors import RecognizerDown
from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from knowledge.embedding import TextKind, TextVectors
from knowledge.token_vectors import pack
from knowledge.transcripts.segment import Segment, TimeSource, Word

VOCABULARY = """
alarm exit ladder forklift helmet gloves stairs visitor badge invoice receipt password laptop holiday
contract meeting customer delivery warehouse machine noise battery charger window kitchen coffee
"""
WORDS = VOCABULARY.split()
NOTHING_KNOWN = ClipOptions()
DIMENSIONS = 8
Script = Callable[[Clip], Recognised]


def scripted(clip: Clip) -> Recognised:
    """Two words a second, chosen by the sound, with words' times."""
    seed = zlib.crc32(clip.samples.tobytes())
    count = max(1, int(clip.duration_s * 2))
    step_s = clip.duration_s / count
    words = tuple(
        Word(at * step_s, (at + 1) * step_s, WORDS[(seed >> (at % 24)) % len(WORDS)], 0.9) for at in range(count)
    )
    text = " ".join(word.text for word in words)
    return Recognised((Segment(0.0, clip.duration_s, text, "en", TimeSource.RECOGNISER, words),))


@dataclass
class ScriptedEngine:
    """`log`: a line for every clip it was given, so that other processes' clips are counted too.

    `clip_s`: how long it takes over a clip. `down`: raised while set.
    """

    script: Script = scripted
    log: Path | None = None
    clip_s: float = 0.0
    children: int = 2
    gives_word_times: bool = True
    down: Exception | None = None
    embedder_down: Exception | None = None
    embedder_digest: str = "e" * 64
    asked: list[ClipOptions] = field(default_factory=list)
    embedded: int = 0
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def state(self) -> EngineState:
        if self.down is not None and self.embedder_down is not None:
            raise self.down
        recogniser = ModelState(
            "scripted", "r" * 64, "ready" if self.down is None else "down", trial=True, detail="told to be"
        )
        embedder = ModelState(
            "hashes",
            self.embedder_digest,
            "ready" if self.embedder_down is None else "down",
            trial=True,
            dimensions=DIMENSIONS,
        )
        return EngineState(
            replace(recogniser, gives_word_times=self.gives_word_times), embedder, self.children, self.children + 1
        )

    def recognize_clip(
        self, clip: Clip, *, priority: Priority = Priority.INDEX, deadline_s: float | None = None
    ) -> Recognised:
        if self.down is not None:
            raise self.down
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.asked.append(clip.options)
        time.sleep(self.clip_s)
        recognised = self.script(clip)
        with self._lock:
            self._at_once -= 1
        self._write_down(clip)
        return recognised

    def transcribe(
        self,
        sound: Path | bytes,
        *,
        filename: str,
        options: ClipOptions = NOTHING_KNOWN,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        longest_s: float | None = None,
        asker: str | None = None,
        on_segments: OnSegments | None = None,
    ) -> HeardSpeech:
        raise RecognizerDown("the scripted engine hears clips only")

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: TextKind,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        asker: str | None = None,
    ) -> TextVectors:
        if self.embedder_down is not None:
            raise self.embedder_down
        self.embedded += len(texts)
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest()[:DIMENSIONS], np.uint8) for text in texts]
        vectors = np.array(rows, np.float32).reshape(len(texts), DIMENSIONS) + 1.0
        whole = np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
        return TextVectors(whole, tuple(pack([0], row[None]) for row in whole))

    def _write_down(self, clip: Clip) -> None:
        if self.log is not None:
            told = (str(clip.options.script), *clip.options.hotwords)
            line = f"{zlib.crc32(clip.samples.tobytes())} {zlib.crc32(repr(told).encode())}\n"
            with self.log.open("a") as file:
                file.write(line)
