"""Figures of the engine on this machine: how soon it is ready, what the front adds, how long a question waits.

    nice .venv/bin/python bench/engine.py

Needs flite for the spoken question. Starts engines of its own in a temporary home and ends them.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from assistant.engine.client import Priority
from assistant.engine.spec import EmbedderSpec, EngineSpec, RecogniserSpec
from assistant.engine.wav import wav_to_clip
from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Clip
from assistant.recognising.remote import RemoteRecognizer
from knowledge.embedding import TextKind
from tests.assistant.engine.running_engine import EngineProcess, running_engine, scripted_server, until

SPOKEN = "how do I report a near miss in the workshop and who has to sign the report before the end of the week"
TYPED = "How do I report a near miss?"
INDEX_CLIP_S = 10
ROUNDS = 5
PASSAGE = " ".join(["Report each near miss to your supervisor the same day so that others learn from it."] * 5)


def spread(act: Callable[[], object], times: int) -> str:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        taken.append(1000 * (time.perf_counter() - begun))
    taken.sort()
    return f"p50 {taken[times // 2]:.1f} ms, p95 {taken[int(0.95 * (times - 1))]:.1f} ms (n={times})"


def measure_front() -> None:
    with scripted_server() as server, tempfile.TemporaryDirectory() as home:
        spec = EngineSpec(RecogniserSpec("remote", "scripted", server.url), EmbedderSpec("/nowhere"), children=2)
        with running_engine(Path(home), spec) as engine:
            until(lambda: engine.recogniser_is("ready"))
            for seconds in (5, 30):
                noise = np.random.default_rng(0).uniform(-0.2, 0.2, seconds * SAMPLE_RATE_HZ)
                clip = Clip(noise.astype(np.float32))
                direct = RemoteRecognizer(server.url, None, "scripted", at_once=1)
                print(f"{seconds} s clip, server asked directly:  {spread(partial(direct.recognize, [clip]), 30)}")
                through = spread(partial(engine.client.recognize_clip, clip), 30)
                print(f"{seconds} s clip, through front and child: {through}")


def measure_models() -> None:
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as home, running_engine(Path(home), EngineSpec()) as engine:
        until(lambda: engine.raw.get("/readyz").status_code == 200)
        print(f"ready after {time.perf_counter() - begun:.1f} s")
        until(lambda: len(engine.children("recogniser")) == engine.client.state().children)
        wav = spoken_question()
        question = Clip(wav_to_clip(wav, filename="question.wav"))
        print(f"spoken question of {question.duration_s:.1f} s")
        measure_questions(engine, question)
        print(f"  idle, as a file: {spread(lambda: engine.client.transcribe(wav, filename='question.wav'), 8)}")
        begun = time.perf_counter()
        engine.client.embed([PASSAGE] * 128, kind=TextKind.PASSAGE, priority=Priority.INDEX)
        print(f"{128 / (time.perf_counter() - begun):.1f} passages/s of {len(PASSAGE.split())} words")
        for role in ("recogniser", "embedder"):
            sizes = [psutil.Process(pid).memory_info().rss / 1e6 for pid in engine.children(role).values()]
            print(f"{role}: {', '.join(f'{size:.0f} MB' for size in sizes)}")
        print(f"front: {psutil.Process(engine.process.pid).memory_info().rss / 1e6:.0f} MB")


def measure_questions(engine: EngineProcess, question: Clip) -> None:
    """Idle and busy by turns, so that whatever else the machine does weighs on both."""
    taken: dict[str, list[float]] = {}
    done, busy_s = 0, 0.0
    for _ in range(ROUNDS):
        ask_once(engine, question, "idle", taken)
        with busy(engine, question) as clips:
            begun = time.perf_counter()
            time.sleep(1)
            ask_once(engine, question, "while indexing", taken)
            done, busy_s = done + len(clips), busy_s + time.perf_counter() - begun
    for what, each in taken.items():
        each.sort()
        print(f"  {what}: median {each[len(each) // 2]:.0f} ms, worst {each[-1]:.0f} ms (n={len(each)})")
    print(f"  indexing meanwhile: {INDEX_CLIP_S * done / busy_s:.1f} times real time")


def ask_once(engine: EngineProcess, question: Clip, when: str, taken: dict[str, list[float]]) -> None:
    for _ in range(2):
        begun = time.perf_counter()
        engine.client.recognize_clip(question, priority=Priority.QUESTION)
        heard = time.perf_counter()
        engine.client.embed([TYPED], kind=TextKind.QUESTION)
        taken.setdefault(f"recognised {when}", []).append(1000 * (heard - begun))
        taken.setdefault(f"embedded {when}", []).append(1000 * (time.perf_counter() - heard))


class busy:  # noqa: N801  (reads as a state: with busy(...))
    """Clips from as many threads as there are children, and passages to embed, as indexing sends them."""

    def __init__(self, engine: EngineProcess, question: Clip) -> None:
        self._engine = engine
        self._clip = Clip(np.tile(question.samples, 10)[: INDEX_CLIP_S * SAMPLE_RATE_HZ])
        self._over = threading.Event()
        self._done: list[None] = []
        self._threads = [threading.Thread(target=self._hear) for _ in range(engine.client.state().children)]
        self._threads.append(threading.Thread(target=self._embed))

    def __enter__(self) -> list[None]:
        for thread in self._threads:
            thread.start()
        return self._done

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _hear(self) -> None:
        while not self._over.is_set():
            self._engine.client.recognize_clip(self._clip)
            if not self._over.is_set():
                self._done.append(None)

    def _embed(self) -> None:
        while not self._over.is_set():
            self._engine.client.embed([PASSAGE] * 32, kind=TextKind.PASSAGE, priority=Priority.INDEX)


def spoken_question() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "question.wav"
        subprocess.run(["flite", "-voice", "slt", "-t", SPOKEN, "-o", str(path)], check=True)
        return path.read_bytes()


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    measure_front()
    measure_models()
    print(f"load at the end {os.getloadavg()[0]:.1f}")
