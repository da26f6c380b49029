"""A device child: one process, one model, work in by a socket and answers out. The only place where models load.

Knows no HTTP and no queue. It is started by the front as `python -m assistant.engine.device`, gets its spec as the
first line on stdin, dies with the front, and simply dies when its model does: the front replaces it.
"""

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass as checked

from assistant.engine.messages import (
    LENGTHS,
    Embed,
    Frame,
    Heard,
    Loading,
    Ping,
    Pong,
    Ready,
    Recognise,
    Refused,
    Rerank,
    Reranked,
    Unloadable,
    clips_in,
    embedded_frame,
    lengths_of,
    to_bytes,
    to_frame,
)
from assistant.engine.spec import FUNASR, POCKETSPHINX, REMOTE, EmbedderSpec, EngineSpec, RecogniserSpec
from assistant.errors import Busy, EarmarkError, RerankerDown
from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Clip, Recognizer
from knowledge.embedding import TextKind
from knowledge.model_files import WrongModel, embedder_folder, reranker_folder
from knowledge.sentence_embedder import SentenceEmbedder

PR_SET_PDEATHSIG = 1
INDEX_NICENESS = 5
EMBEDDER_NICENESS = 3
"""The child kept for questions gets a core at once, though all are busy; the embedder goes ahead of indexing alone."""
WARM_UP_S = 0.5
Role = Literal["recogniser", "embedder", "reranker"]
EXPORTING_MODULE = "assistant.engine.exporting"
Say = Callable[[str], None]
"""Told what is being done while a model loads."""


@checked(frozen=True, slots=True)
class ChildSpec:
    """One child's part of the engine: which model, on which socket, under which parent.

    `questions_only`: what only recordings need is not loaded. `log_level`: the front's, of `logging`.
    """

    role: Role
    engine: EngineSpec
    socket_fd: int
    parent_pid: int
    niceness: int
    questions_only: bool = False
    log_level: int = logging.WARNING


CHILD_SPEC: TypeAdapter[ChildSpec] = TypeAdapter(ChildSpec)


class Model(Protocol):
    """What a child needs of its model, whichever it is."""

    def ready(self) -> Ready: ...

    def answer(self, frame: Frame) -> Frame: ...

    def in_between(self) -> None:
        """Called when nothing has waited for this model for a while, and now and then where something always does."""

    @property
    def runs_by(self) -> str | None: ...


def load_recogniser(spec: RecogniserSpec, say: Say) -> Recognizer:
    """The recogniser by its name in the settings, with an aligner behind it where one is set."""
    recogniser = _recogniser_alone(spec, say)
    if not spec.aligner or recogniser.gives_word_times:
        return recogniser
    from assistant.recognising.aligning import AlignedRecognizer
    from assistant.recognising.fun_asr.device import place
    from assistant.recognising.qwen_aligner import QwenAligner

    digests = Path(spec.digests) if spec.digests else None
    # Beside Fun-ASR it lies where that lies: what is free there was asked for before.
    placement = getattr(recogniser, "placement", None) or place(spec.device, spec.dtype)
    return AlignedRecognizer(recogniser, QwenAligner(Path(spec.aligner), placement, digests=digests, say=say))


def _recogniser_alone(spec: RecogniserSpec, say: Say) -> Recognizer:
    """The one place where another engine is added."""
    if spec.name == POCKETSPHINX:
        from assistant.recognising.pocketsphinx import PocketsphinxRecognizer

        return PocketsphinxRecognizer()
    if spec.name == FUNASR:
        from assistant.recognising.fun_asr.recogniser import FunAsrRecognizer

        if not spec.model:
            raise WrongModel("funasr has no model folder", "set recognizer_model, or: earmark models pull")
        digests = Path(spec.digests) if spec.digests else None
        return FunAsrRecognizer.load(Path(spec.model), device=spec.device, dtype=spec.dtype, digests=digests, say=say)
    if spec.name == REMOTE:
        from assistant.recognising.remote import RemoteRecognizer

        if not spec.url:
            raise WrongModel("the remote recogniser has no address", "set recognizer_url")
        return RemoteRecognizer(spec.url, spec.key, spec.model or "whisper-1", at_once=1)
    raise WrongModel(f"no recogniser is called {spec.name}", f"known: {POCKETSPHINX}, {FUNASR}, {REMOTE}")


def load_embedder(spec: EmbedderSpec) -> SentenceEmbedder:
    exports = Path(spec.exports) if spec.exports else None
    return SentenceEmbedder(embedder_folder(spec.model), threads=spec.threads_used, exports=exports)


class RecogniserModel:
    runs_by = None

    def __init__(self, spec: EngineSpec, say: Say) -> None:
        started = time.perf_counter()
        self._recogniser = load_recogniser(spec.recogniser, say)
        say("warming up")
        if spec.recogniser.name != REMOTE:
            self._recogniser.recognize([Clip(np.zeros(int(WARM_UP_S * SAMPLE_RATE_HZ), np.float32))])
        self._load_s = time.perf_counter() - started

    def ready(self) -> Ready:
        model = self._recogniser
        return Ready(
            model.name, model.digest, model.languages, model.gives_word_times, None, self._load_s, model.batch_s,
            threads=_threads(),
        )  # fmt: skip

    def answer(self, frame: Frame) -> Frame:
        if not isinstance(frame.message, Recognise):
            raise TypeError(f"a recogniser cannot do {frame.message.kind}")
        return Frame(Heard(tuple(self._recogniser.recognize(clips_in(frame.message, frame.payload)))))

    def in_between(self) -> None:
        """Nothing is left to be done."""


class EmbedderModel:
    def __init__(self, spec: EngineSpec, say: Say) -> None:
        started = time.perf_counter()
        say("reading the embedder")
        self._embedder = load_embedder(spec.embedder)
        self._embedder.embed(["warm"], kind=TextKind.QUESTION)
        self._load_s = time.perf_counter() - started
        self._exports = spec.embedder.exports
        self._exporting: subprocess.Popen[bytes] | None = None

    @property
    def runs_by(self) -> str:
        return self._embedder.runs_by

    def ready(self) -> Ready:
        model = self._embedder
        return Ready(
            model.name, model.digest, model.languages, False, model.dimensions, self._load_s,
            threads=model.threads, runs_by=model.runs_by,
        )  # fmt: skip

    def answer(self, frame: Frame) -> Frame:
        if not isinstance(frame.message, Embed):
            raise TypeError(f"an embedder cannot do {frame.message.kind}")
        vectors = self._embedder.embed(frame.message.texts, kind=frame.message.text_kind)
        return embedded_frame(vectors)

    def in_between(self) -> None:
        """Where the model's export is still to be made, it is made beside, once: torch serves until it is there."""
        if self._exports is None or (self._exporting is not None and self._exporting.poll() is None):
            return
        if self._embedder.take_export() or self._exporting is not None:
            self._exports = None
            return
        command = [sys.executable, "-m", EXPORTING_MODULE, str(self._embedder.folder), self._exports, str(os.getpid())]
        # An engine for one call writes to a person's terminal: only one that serves has a log for this.
        told = None if logging.getLogger().isEnabledFor(logging.INFO) else subprocess.DEVNULL
        try:
            self._exporting = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told)
        except OSError:  # no memory, too many processes: there may be later
            return


class RerankerModel:
    runs_by = None

    def __init__(self, spec: EngineSpec, say: Say) -> None:
        from knowledge.cross_encoder import CrossEncoderReranker

        assert spec.reranker is not None
        started = time.perf_counter()
        say("reading the reranker")
        folder = reranker_folder(spec.reranker.model)
        self._reranker = CrossEncoderReranker(folder, threads=spec.reranker.threads_used)
        self._reranker.score("warm", ["warm"])
        self._load_s = time.perf_counter() - started

    def ready(self) -> Ready:
        model = self._reranker
        return Ready(model.name, model.digest, None, False, None, self._load_s, threads=_threads())

    def answer(self, frame: Frame) -> Frame:
        if not isinstance(frame.message, Rerank):
            raise TypeError(f"a reranker cannot do {frame.message.kind}")
        started = time.perf_counter()
        scores = self._reranker.score(frame.message.question, frame.message.texts)
        if not np.isfinite(scores).all():
            raise RerankerDown("the reranker gave scores that are no numbers", "take another model")
        return Frame(Reranked(tuple(scores.tolist()), time.perf_counter() - started))

    def in_between(self) -> None:
        """Nothing is left to be done."""


MODELS: dict[Role, Callable[[EngineSpec, Say], Model]] = {
    "recogniser": RecogniserModel,
    "embedder": EmbedderModel,
    "reranker": RerankerModel,
}


def main() -> None:
    spec = CHILD_SPEC.validate_json(sys.stdin.buffer.readline())
    die_with_parent(spec.parent_pid)
    logging.getLogger().setLevel(spec.log_level)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the front says when to end
    os.nice(spec.niceness)
    with socket.socket(fileno=spec.socket_fd) as front:
        try:
            engine = spec.engine
            if spec.questions_only:
                engine = replace(engine, recogniser=replace(engine.recogniser, aligner=None))
            model = MODELS[spec.role](engine, lambda detail: front.sendall(to_bytes(Frame(Loading(detail)))))
        except (WrongModel, EarmarkError) as error:
            front.sendall(to_bytes(Frame(Unloadable(error.detail, error.way_out))))
            return
        front.sendall(to_bytes(Frame(model.ready())))
        serve(front, model)


def _threads() -> int:
    """How many a recogniser computes on: those of torch, where it is loaded and computes here and not on a GPU."""
    torch: Any = sys.modules.get("torch")
    if torch is None or torch.cuda.is_initialized():
        return 1
    return int(torch.get_num_threads())


def serve(front: socket.socket, model: Model, *, longest_without_rest_s: float = 60.0) -> None:
    """Answer one frame at a time until the front hangs up. What the model cannot survive ends the process."""
    looked = time.monotonic()
    while (frame := receive(front)) is not None:
        if isinstance(frame.message, Ping):
            front.sendall(to_bytes(Frame(Pong(model.runs_by))))
            model.in_between()
            looked = time.monotonic()
            continue
        try:
            answer = model.answer(frame)
        except EarmarkError as error:
            retry_after_s = error.retry_after_s if isinstance(error, Busy) else None
            answer = Frame(Refused(error.kind, error.detail, error.way_out, retry_after_s))
        front.sendall(to_bytes(answer))
        if time.monotonic() - looked > longest_without_rest_s:
            model.in_between()
            looked = time.monotonic()


def receive(front: socket.socket) -> Frame | None:
    """The next frame; None when the front has hung up."""
    prefix = receive_exactly(front, LENGTHS.size)
    if prefix is None:
        return None
    header_bytes, payload_bytes = lengths_of(prefix)
    header = receive_exactly(front, header_bytes)
    payload = receive_exactly(front, payload_bytes)
    return None if header is None or payload is None else to_frame(header, payload)


def receive_exactly(front: socket.socket, count: int) -> bytes | None:
    buffer = bytearray(count)
    view = memoryview(buffer)
    while view:
        try:
            received = front.recv_into(view)
        except ConnectionResetError:
            return None
        if received == 0:
            return None
        view = view[received:]
    return bytes(buffer)


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process when the front is gone, also when the front is killed."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:
        sys.exit("the front is gone already")


if __name__ == "__main__":
    main()
