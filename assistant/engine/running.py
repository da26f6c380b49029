"""A running engine: its pools and what can be asked of them. Knows no HTTP and loads no model.

One voice never meets another here: every call keeps its own values, nothing is shared between calls but the queues.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from assistant.engine.client import EngineState, HeardSpeech, OnSegments, Priority
from assistant.engine.lanes import Caller, DeadlinePassed
from assistant.engine.messages import (
    Embed,
    Embedded,
    Frame,
    Heard,
    Refused,
    Rerank,
    Reranked,
    recognise_frame,
    vectors_in,
)
from assistant.engine.pace import Pace
from assistant.engine.pool import KillsModelError, Pool
from assistant.engine.spec import EngineSpec
from assistant.errors import (
    BadInput,
    BadMedia,
    Busy,
    EarmarkError,
    EmbedderDown,
    RecognizerDown,
    RerankerDown,
    UnknownLanguage,
)
from assistant.hearing.heard import Heard as HeardPiece
from assistant.hearing.heard import HeardFile, HearingLimits, SpeechClip
from assistant.hearing.listening import hear, prewarm
from assistant.hearing.speech_spans import clips_for
from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from knowledge.embedding import TextKind, TextVectors, one_after_another
from knowledge.reranking import TextScores
from knowledge.transcripts.segment import UNDETERMINED, Segment

TEXTS_A_PIECE = 16
CHARS_A_PIECE = 2_000
"""Embedding goes in pieces, so that a question waits for one piece (0.1 s of work), not for a whole request."""
TEXTS_A_RERANKED_PIECE = 4
"""Reranking goes in pieces, so that what is left of it ends soon after its deadline."""
SILENCE = np.zeros(0, np.float32)
"""What is kept of a clip's samples once it is on its way."""
USUAL_CLIP_S = 10.0
MOST_FILES = 8
"""Whole files decoded at once, of questions and of the rest each. Questions, which are short, wait for their turn;
more of the rest is turned away."""
REFUSALS = {
    error.kind: error for error in (UnknownLanguage, BadMedia, BadInput, RecognizerDown, EmbedderDown, RerankerDown)
}


@dataclass(frozen=True, slots=True)
class Transcription:
    """A file's or a clip's transcript, and what is doubtful about it. `error`: why a lone clip has none."""

    speech: HeardSpeech
    truncated: bool
    hard_to_hear: str | None
    error: str | None = None


class RunningEngine:
    """Made and used inside one event loop; `start` before, `close` after."""

    def __init__(self, spec: EngineSpec) -> None:
        self.spec = spec
        self._recogniser = Pool("recogniser", spec, children=spec.recogniser_children, down=RecognizerDown)
        self._embedder = Pool("embedder", spec, children=1, down=EmbedderDown)
        self._reranker = Pool("reranker", spec, children=1, down=RerankerDown) if spec.reranker else None
        self._reranking_pace = Pace()
        # Apart, so that questions find room however many long files are being heard.
        self._decoding = {kind: ThreadPoolExecutor(MOST_FILES, thread_name_prefix=f"hear {kind}") for kind in Priority}
        self._hearing = {kind: asyncio.Semaphore(MOST_FILES) for kind in Priority}
        self._files = Counter[tuple[Priority, str]]()

    async def start(self) -> None:
        await asyncio.to_thread(prewarm)
        for pool in self._pools():
            await pool.start()

    async def close(self) -> None:
        await asyncio.gather(*(pool.close() for pool in self._pools()))
        for threads in self._decoding.values():
            threads.shutdown(wait=False, cancel_futures=True)

    def _pools(self) -> list[Pool]:
        return [pool for pool in (self._recogniser, self._embedder, self._reranker) if pool is not None]

    def state(self) -> EngineState:
        reranker = self.spec.reranker
        return EngineState(
            recogniser=self._recogniser.state(self.spec.recogniser.name, trial=self.spec.recogniser.trial),
            embedder=self._embedder.state(self.spec.embedder.model, trial=self.spec.embedder.trial),
            children=self._recogniser.children,
            clips_at_once=self._clips_at_once(),
            reranker=self._reranker.state(reranker.model, trial=False) if self._reranker and reranker else None,
        )

    def _clips_at_once(self) -> int:
        """One for each child and one that waits; where a model takes batches, the clips of two."""
        one_each, model = self._recogniser.children + 1, self._recogniser.model
        if model is None or not model.batch_s:
            return one_each
        return max(one_each, min(self.spec.limits.index, round(2 * model.batch_s / USUAL_CLIP_S)))

    def pids(self) -> dict[str, dict[int, int]]:
        """Process ids of the children that live, by model and number, for people who look after them."""
        return {pool.role: dict(pool.pids) for pool in self._pools()}

    async def recognise_clip(self, clip: Clip, caller: Caller, *, counted: bool = True) -> Recognised:
        """One stretch already cut. A clip that kills the model again and again says so in its slot."""
        try:
            reply = await self._recogniser.submit(
                recognise_frame([clip]),
                caller,
                patience_s=self.spec.patience_s(clip.duration_s),
                counted=counted,
            )
        except KillsModelError as error:
            return Recognised(error=f"this clip kills the recogniser: {error}")
        message = _unless_refused(reply, RecognizerDown).message
        assert isinstance(message, Heard)
        (recognised,) = message.recognised
        return recognised

    async def embed(self, texts: list[str], caller: Caller, *, kind: TextKind) -> TextVectors:
        """Vectors in the order of the texts."""
        pieces = pieces_of(texts)
        rows = await _all_or_first_error(
            self._embed_piece(piece, kind, caller, counted=number == 0) for number, piece in enumerate(pieces)
        )
        return one_after_another(rows)

    async def _embed_piece(self, texts: list[str], kind: TextKind, caller: Caller, *, counted: bool) -> TextVectors:
        try:
            reply = await self._embedder.submit(
                Frame(Embed(tuple(texts), kind)),
                caller,
                patience_s=self.spec.patience.floor_s,
                counted=counted,
            )
        except KillsModelError as error:
            raise EmbedderDown(f"these texts kill the embedder: {error}", "leave them out") from error
        reply = _unless_refused(reply, EmbedderDown)
        assert isinstance(reply.message, Embedded)
        return vectors_in(reply.message, reply.payload)

    async def rerank(self, question: str, texts: list[str], caller: Caller) -> TextScores:
        """Scores in the order of the texts: all of them or none."""
        pool, pace = self._reranker, self._reranking_pace
        if pool is None:
            raise RerankerDown("this engine has no reranker", "set reranker to the folder of one")
        started = time.monotonic()
        characters = _characters(question, texts)
        left_s, needs_s = caller.left_s(started), pace.needs_s(characters)
        if left_s is not None and needs_s > left_s:
            pace.turned_away()
            raise DeadlinePassed(f"reranking takes about {needs_s:.1f} s by now", "allow it more time")
        pieces = [texts[at : at + TEXTS_A_RERANKED_PIECE] for at in range(0, len(texts), TEXTS_A_RERANKED_PIECE)]
        is_loaded = pool.model is not None
        scored: list[TextScores] = []
        try:
            for piece in pieces:  # one after the other: there is one child, and others may come between
                scored.append(await self._rerank_piece(pool, question, piece, caller, counted=not scored))
        except DeadlinePassed:
            if is_loaded and not scored:
                pace.took_at_least(_characters(question, pieces[0]), time.monotonic() - started)
            raise
        return np.concatenate(scored)

    async def _rerank_piece(
        self, pool: Pool, question: str, texts: list[str], caller: Caller, *, counted: bool
    ) -> TextScores:
        frame = Frame(Rerank(question, tuple(texts)))
        try:
            reply = await pool.submit(frame, caller, patience_s=self.spec.patience.floor_s, counted=counted)
        except KillsModelError as error:
            raise RerankerDown(f"these texts kill the reranker: {error}", "leave them out") from error
        message = _unless_refused(reply, RerankerDown).message
        assert isinstance(message, Reranked)
        self._reranking_pace.took(_characters(question, texts), message.took_s)
        return np.array(message.scores, np.float32)

    async def transcribe(
        self,
        path: Path,
        caller: Caller,
        *,
        name: str,
        options: ClipOptions,
        longest_s: float | None = None,
        on_segments: OnSegments | None = None,
    ) -> Transcription:
        """A whole file, called `name` in messages: decoded and cut here, its clips recognised over all children.

        Raises BadInput as soon as it proves longer than `longest_s`.
        """
        self._refuse_too_many(caller)
        whose = (caller.priority, caller.asker)
        self._files[whose] += 1
        try:
            async with asyncio.timeout(caller.left_s(time.monotonic())):
                return await self._transcribe(path, name, options, caller, longest_s, on_segments)
        except TimeoutError as error:
            raise DeadlinePassed("the deadline passed before the file was heard") from error
        except BaseExceptionGroup as group:
            raise _first(group) from group
        finally:
            self._files[whose] -= 1
            self._files += Counter()  # keeps only those that are still heard

    def _refuse_too_many(self, caller: Caller) -> None:
        limits, files = self.spec.limits, self._files
        heard = sum(count for (priority, _), count in files.items() if priority is caller.priority)
        question = caller.priority is Priority.QUESTION
        if heard >= (limits.questions if question else MOST_FILES):
            raise Busy(f"{heard} files are being heard already", "come back later", retry_after_s=5.0)
        own = files[caller.priority, caller.asker]
        if question and caller.asker and own >= limits.questions_of_one:
            raise Busy(f"{own} questions of yours are being heard already", "wait for their answers", retry_after_s=5.0)

    async def _transcribe(
        self,
        path: Path,
        name: str,
        options: ClipOptions,
        caller: Caller,
        longest_s: float | None,
        on_segments: OnSegments | None,
    ) -> Transcription:
        clock = _Clock()
        room = asyncio.Semaphore(self._clips_at_once())
        jobs: list[tuple[SpeechClip, asyncio.Task[Recognised]]] = []
        waiting: deque[tuple[SpeechClip, asyncio.Task[Recognised]]] = deque()
        end: HeardFile | None = None

        def tell(_done: object) -> None:
            while on_segments and waiting and waiting[0][1].done():
                clip, task = waiting.popleft()
                if task.cancelled() or task.exception():
                    waiting.clear()
                elif segments := segments_of(clip, task.result()):
                    on_segments(segments)

        async def recognise(piece: SpeechClip) -> Recognised:
            try:
                return await self.recognise_clip(Clip(piece.samples, options), caller, counted=False)
            finally:
                room.release()
                clock.recognised()

        threads = self._decoding[caller.priority]
        async with (
            asyncio.TaskGroup() as group,
            self._hearing[caller.priority],
            aclosing(self._pieces(path, name, clock, threads)) as pieces,
        ):
            async for piece in pieces:
                if longest_s is not None and _reaches_s(piece) > longest_s:
                    raise BadInput(f"{name}: longer than {longest_s:g} s", "send a shorter one")
                if isinstance(piece, SpeechClip):
                    await room.acquire()
                    clock.first_clip()
                    jobs.append((replace(piece, samples=SILENCE), group.create_task(recognise(piece))))
                    waiting.append(jobs[-1])
                    jobs[-1][1].add_done_callback(tell)
                elif isinstance(piece, HeardFile):
                    end = piece
        assert end is not None
        results = [(clip, task.result()) for clip, task in jobs]
        return _transcription(results, end, options, clock)

    async def _pieces(
        self, path: Path, name: str, clock: "_Clock", threads: ThreadPoolExecutor
    ) -> AsyncGenerator[HeardPiece, None]:
        """`hear` in a thread, a piece at a time; however this ends, its decoding child ends too."""
        loop = asyncio.get_running_loop()
        limits = HearingLimits(max_hours=self.spec.max_hours)
        model = self._recogniser.model
        cutting = clips_for(word_times=model is None or model.gives_word_times)
        pieces = hear(path, limits=limits, cutting=cutting, name=name)
        step: asyncio.Future[HeardPiece | None] | None = None
        try:
            while True:
                started = time.perf_counter()
                step = loop.run_in_executor(threads, next, pieces, None)
                piece = await asyncio.shield(step)
                clock.decode_s += time.perf_counter() - started
                if piece is None:
                    return
                yield piece
        finally:
            if step is not None and not step.done():
                step.add_done_callback(partial(_close_after, pieces))
            else:
                pieces.close()


class _Clock:
    """Wall time of the two halves of hearing a file."""

    def __init__(self) -> None:
        self.decode_s = 0.0
        self._first_clip_at: float | None = None
        self._recognised_at: float | None = None

    def first_clip(self) -> None:
        if self._first_clip_at is None:
            self._first_clip_at = time.perf_counter()

    def recognised(self) -> None:
        self._recognised_at = time.perf_counter()

    @property
    def recognise_s(self) -> float:
        if self._first_clip_at is None or self._recognised_at is None:
            return 0.0
        return self._recognised_at - self._first_clip_at


def pieces_of(texts: Sequence[str]) -> list[list[str]]:
    """The texts in order, in pieces of bounded work; one that is longer alone is a piece of its own."""
    pieces: list[list[str]] = []
    chars = 0
    for text in texts:
        chars += len(text)
        if not pieces or chars > CHARS_A_PIECE or len(pieces[-1]) == TEXTS_A_PIECE:
            pieces.append([])
            chars = len(text)
        pieces[-1].append(text)
    return pieces


def _characters(question: str, texts: Sequence[str]) -> int:
    """What a cross-encoder reads: the question again with each text."""
    return sum(len(question) + len(text) for text in texts)


def _close_after(pieces: Generator[HeardPiece, None, None], last: asyncio.Future[HeardPiece | None]) -> None:
    """Nobody waits for the last piece any more: whatever it was is let go, and the decoding child ends."""
    if not last.cancelled():
        last.exception()
    pieces.close()


def _unless_refused(reply: Frame, down: type[EarmarkError]) -> Frame:
    message = reply.message
    if not isinstance(message, Refused):
        return reply
    if message.error == Busy.kind:
        raise Busy(message.detail, message.way_out, retry_after_s=message.retry_after_s or 2.0)
    raise REFUSALS.get(message.error, down)(message.detail, message.way_out)


def _transcription(
    results: list[tuple[SpeechClip, Recognised]], end: HeardFile, options: ClipOptions, clock: _Clock
) -> Transcription:
    segments = tuple(segment for clip, result in results for segment in segments_of(clip, result))
    doubts = [result.hard_to_hear or result.error for _, result in results]
    speech = HeardSpeech(
        segments=segments,
        language=options.language or commonest_language(segments),
        duration_s=end.duration_s,
        decode_ms=1000 * clock.decode_s,
        recognise_ms=1000 * clock.recognise_s,
    )
    return Transcription(
        speech,
        truncated=any(result.truncated for _, result in results),
        hard_to_hear=next((doubt for doubt in doubts if doubt), None),
    )


def _reaches_s(piece: HeardPiece) -> float:
    """How far into the file this piece shows that it goes."""
    if isinstance(piece, SpeechClip):
        return piece.end_s
    return piece.duration_s if isinstance(piece, HeardFile) else piece.decoded_s


def segments_of(clip: SpeechClip, result: Recognised) -> list[Segment]:
    """A clip's segments on the recording's clock; a clip that failed is a stretch to listen to, never silence."""
    if result.error is not None:
        return [Segment(clip.start_s, clip.end_s, "", hard_to_hear=result.error)]
    return [segment.shifted(clip.start_s) for segment in result.segments]


def commonest_language(segments: tuple[Segment, ...]) -> str:
    seconds: Counter[str] = Counter()
    for segment in segments:
        seconds[segment.language] += round(1000 * (segment.end_s - segment.start_s))
    return seconds.most_common(1)[0][0] if seconds else UNDETERMINED


async def _all_or_first_error(pieces: Iterable[Coroutine[None, None, TextVectors]]) -> list[TextVectors]:
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(piece) for piece in pieces]
    except BaseExceptionGroup as group_error:
        raise _first(group_error) from group_error
    return [task.result() for task in tasks]


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first real failure inside a group of tasks."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
