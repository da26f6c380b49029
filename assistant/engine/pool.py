"""The front's side of device children: start, feed, watch, replace. Loads no model and knows no HTTP.

Runs inside one event loop. A `Pool` keeps work until its answer is in: when a child dies or goes silent the work goes
to another, at the front of its lane.
"""

import asyncio
import contextlib
import itertools
import logging
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

import assistant
from assistant.engine.client import ModelState
from assistant.engine.device import CHILD_SPEC, EMBEDDER_NICENESS, INDEX_NICENESS, ChildSpec, Role
from assistant.engine.lanes import Caller, DeadlinePassed, LaneLimits, Lanes, Ticket, is_kept_for_questions
from assistant.engine.messages import (
    LENGTHS,
    Embed,
    Frame,
    Loading,
    Ping,
    Pong,
    Ready,
    Recognise,
    Rerank,
    Unloadable,
    apart,
    lengths_of,
    to_bytes,
    to_frame,
    together,
)
from assistant.engine.silence import Silence, cpu_seconds
from assistant.engine.spec import EngineSpec
from assistant.errors import PartDown
from assistant.recognising.recognizer import SAMPLE_RATE_HZ

log = structlog.get_logger(__name__)

HEALTHY_AFTER_S = 60.0
"""A child that lived this long starts the back-off anew when it dies."""
LOOK_EVERY_S = 0.5
"""How often a child that works is looked at."""
DEVICE_MODULE = "assistant.engine.device"
STDERR_FD = 2
"""Whatever a library prints belongs to the log."""
LONGEST_BATCH_PATIENCE_S = 300.0
STEPS_IN_AFTER_S = 10.0
"""A batch of questions usually takes less, also on a processor."""
BYTES_A_SECOND = 4 * SAMPLE_RATE_HZ
FAILED_LOADS_TO_GIVE_UP = 3
"""So many children in a row ended while loading: whoever waits is told that the model is down."""


class ChildLostError(Exception):
    """The child died, went silent or spoke nonsense."""


class CannotLoadError(Exception):
    """The model cannot be loaded as things are; `str()` is the reason and the way out."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work on its way: the frame is kept here until the answer is in."""

    frame: Frame
    patience_s: float
    answer: asyncio.Future[Frame]


class Pool:
    """All children of one model."""

    def __init__(
        self,
        role: Role,
        spec: EngineSpec,
        *,
        children: int,
        down: type[PartDown],
    ) -> None:
        self.role = role
        self.children = children
        self._spec = spec
        self._down = down
        self._lanes = Lanes(spec.limits, children=children)
        self._jobs: dict[int, Job] = {}
        self._ids = itertools.count(1)
        self._work_came = [asyncio.Event() for _ in range(children)]
        self._ready: dict[int, Ready] = {}
        self._busy_since: dict[int, float] = {}
        self._last_ready: Ready | None = None
        self._reason: str | None = None
        self._loading: str | None = None
        self._failed_loads = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.pids: dict[int, int] = {}

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._keep_child(number), name=f"{self.role} {number}")
            for number in range(self.children)
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job in self._jobs.values():
            if not job.answer.done():
                job.answer.set_exception(self._down("the engine is shutting down", "try again in a moment"))

    @property
    def limits(self) -> LaneLimits:
        return self._spec.limits

    @property
    def model(self) -> Ready | None:
        """What the model said of itself when it was last loaded."""
        return self._last_ready

    def state(self, name: str, *, trial: bool) -> ModelState:
        model = self._last_ready
        state = "ready" if self._ready else ("down" if self._reason else "loading")
        return ModelState(
            name=model.name if model else name,
            digest=model.digest if model else "",
            state=state,
            trial=trial,
            detail=None if self._ready else self._reason or self._loading,
            languages=model.languages if model else None,
            gives_word_times=model.gives_word_times if model else False,
            dimensions=model.dimensions if model else None,
            runs_by=model.runs_by if model else None,
        )

    async def submit(
        self,
        frame: Frame,
        caller: Caller,
        *,
        patience_s: float,
        counted: bool = True,
    ) -> Frame:
        """The answer to this work. Raises Busy, DeadlinePassed, or the pool's `down`. Cancelling gives the place up."""
        if self._reason and not self._ready:
            raise self._down(f"the {self.role} is down: {self._reason}")
        ticket = Ticket(next(self._ids), caller.priority, _size_of(frame), caller.deadline_at, caller.asker)
        self._lanes.admit(ticket, now=time.monotonic(), counted=counted)
        job = Job(frame, patience_s, asyncio.get_running_loop().create_future())
        self._jobs[ticket.id] = job
        self._tell_children()
        try:
            async with asyncio.timeout(caller.left_s(time.monotonic())):
                return await job.answer
        except TimeoutError as error:
            raise DeadlinePassed("the deadline passed before the answer was there") from error
        finally:
            self._lanes.cancel(ticket.id)
            self._jobs.pop(ticket.id, None)

    def _tell_children(self) -> None:
        for event in self._work_came:
            event.set()

    async def _keep_child(self, number: int) -> None:
        """Start the child, again and again, with growing pauses, until cancelled."""
        patience = self._spec.patience
        pause_s = patience.backoff_s
        while True:
            started = time.monotonic()
            try:
                await self._live(number)
            except ChildLostError as error:
                log.warning("child lost", role=self.role, child=number, reason=str(error))
                if self._failed_loads >= FAILED_LOADS_TO_GIVE_UP:
                    self._give_up(f"it ended {self._failed_loads} times while loading: {error}")
            except CannotLoadError as error:
                log.error("model cannot be loaded", role=self.role, child=number, reason=str(error))
                self._give_up(str(error))
            if time.monotonic() - started > HEALTHY_AFTER_S:
                pause_s = patience.backoff_s
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, patience.longest_backoff_s)

    def _give_up(self, reason: str) -> None:
        """No child is alive and this one cannot be: whoever waits is told now. Trying goes on."""
        if self._ready:
            return
        self._reason = reason
        for job in list(self._jobs.values()):
            if not job.answer.done():
                job.answer.set_exception(self._down(f"the {self.role} is down: {reason}"))

    async def _live(self, number: int) -> None:
        """One child's life. Ends by ChildLostError, CannotLoadError or cancellation, the process gone."""
        kept = is_kept_for_questions(number, self.children)
        child = await Child.start(self.role, self._spec, niceness=self._niceness(number), questions_only=kept)
        self.pids[number] = child.pid
        try:
            self._failed_loads += 1
            ready = await child.ready(self._spec.patience.load_s, on_loading=self._loads)
            self._failed_loads = 0
            log.info("child ready", role=self.role, child=number, pid=child.pid, load_s=round(ready.load_s, 2))
            self._ready[number] = self._last_ready = ready
            self._reason = None
            while True:
                await self._serve_next(number, child)
        finally:
            self._ready.pop(number, None)
            self.pids.pop(number, None)
            await child.end()

    def _loads(self, detail: str) -> None:
        self._loading = detail

    async def _serve_next(self, number: int, child: "Child") -> None:
        ticket = self._lanes.take(number, now=time.monotonic(), questions=self._takes_questions(number))
        if ticket is None:
            await self._idle(number, child)
            return
        most_bytes = round(self._ready[number].batch_s * BYTES_A_SECOND)
        tickets = [ticket, *self._lanes.take_along(ticket, most_bytes=most_bytes, now=time.monotonic())]
        self._busy_since[number] = time.monotonic()
        try:
            answers = await self._ask(child, [self._jobs[each.id] for each in tickets])
        except ChildLostError:
            for each in reversed(tickets):  # the first of them waits at the very front again
                self._died_over(each)
            raise
        except asyncio.CancelledError:
            for each in tickets:
                self._lanes.finish(each.id)
            raise
        finally:
            self._busy_since.pop(number, None)
        for each, answer in zip(tickets, answers, strict=True):
            self._lanes.finish(each.id)
            job = self._jobs.get(each.id)
            if job is not None and not job.answer.done():
                job.answer.set_result(answer)

    def _takes_questions(self, number: int) -> bool:
        """Children of a model that takes batches share one device: two at questions only slow each other down.

        But where the one that is kept for them does not come back, another steps in.
        """
        kept = next((each for each in self._ready if is_kept_for_questions(each, self.children)), None)
        if kept is None or kept == number or not self._ready[number].batch_s:
            return True
        return time.monotonic() - self._busy_since.get(kept, math.inf) > STEPS_IN_AFTER_S

    async def _ask(self, child: "Child", batch: Sequence[Job]) -> list[Frame]:
        """One answer a job. A batch that was refused as a whole is asked for one by one."""
        patience_s = max(
            max(job.patience_s for job in batch), min(LONGEST_BATCH_PATIENCE_S, sum(job.patience_s for job in batch))
        )
        answers = apart(await child.ask(together([job.frame for job in batch]), within_s=patience_s), len(batch))
        if answers is not None:
            return answers
        return [await child.ask(job.frame, within_s=job.patience_s) for job in batch]

    def _died_over(self, ticket: Ticket) -> None:
        job = self._jobs.get(ticket.id)
        wanted = job is not None and not job.answer.done()
        again = self._lanes.died(ticket.id, wanted=wanted)
        self._tell_children()  # also where nothing waits again: somebody must take what this child would have taken
        if not again and job is not None and not job.answer.done():
            job.answer.set_exception(KillsModelError(ticket.deaths + 1))

    async def _idle(self, number: int, child: "Child") -> None:
        """Wait for work; ask now and then whether the child is still there."""
        came = self._work_came[number]
        came.clear()
        patience = self._spec.patience
        try:
            async with asyncio.timeout(patience.ping_every_s):
                await child.until_work_or_death(came)
        except TimeoutError:
            pong = (await child.ask(Frame(Ping()), within_s=patience.pong_within_s)).message
            if isinstance(pong, Pong) and pong.runs_by != self._ready[number].runs_by:
                log.info("model runs by another library", role=self.role, child=number, runs_by=pong.runs_by)
                self._ready[number] = self._last_ready = replace(self._ready[number], runs_by=pong.runs_by)

    def _niceness(self, number: int) -> int:
        if self.role == "embedder":
            return EMBEDDER_NICENESS
        first_for_questions = self.children == 1 or is_kept_for_questions(number, self.children)
        return 0 if first_for_questions else INDEX_NICENESS


class KillsModelError(Exception):
    """This work has taken several children with it."""

    def __init__(self, deaths: int) -> None:
        super().__init__(f"the model died {deaths} times over it")
        self.deaths = deaths


class Child:
    """One process and the socket to it."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._threads = 1
        self._reader = reader
        self._writer = writer
        self.pid = process.pid

    @classmethod
    async def start(cls, role: Role, spec: EngineSpec, *, niceness: int, questions_only: bool) -> "Child":
        try:
            return await cls._started(role, spec, niceness=niceness, questions_only=questions_only)
        except OSError as error:  # no memory, no descriptors, too many processes: there may be later
            raise ChildLostError(f"cannot be started: {error.strerror}") from error

    @classmethod
    async def _started(cls, role: Role, spec: EngineSpec, *, niceness: int, questions_only: bool) -> "Child":
        ours, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as undone:
            undone.callback(ours.close)
            process = subprocess.Popen(  # noqa: ASYNC220  (a spawn takes a millisecond; nothing is waited for)
                [sys.executable, "-m", DEVICE_MODULE],
                stdin=subprocess.PIPE,
                stdout=STDERR_FD,
                pass_fds=(theirs.fileno(),),
                env=child_environment(),
            )
            level = logging.getLogger().getEffectiveLevel()
            child_spec = ChildSpec(role, spec, theirs.fileno(), os.getpid(), niceness, questions_only, level)
            assert process.stdin is not None
            with suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(CHILD_SPEC.dump_json(child_spec) + b"\n")
            undone.pop_all()
        reader, writer = await asyncio.open_connection(sock=ours, limit=4_000_000)
        return cls(process, reader, writer)

    async def ready(self, within_s: float, *, on_loading: Callable[[str], None]) -> Ready:
        try:
            async with asyncio.timeout(within_s):
                while isinstance(message := (await self._receive()).message, Loading):
                    on_loading(message.detail)
        except TimeoutError as error:
            raise ChildLostError(f"process {self.pid} was not ready after {within_s:.0f} s") from error
        if isinstance(message, Unloadable):
            raise CannotLoadError(f"{message.detail}; {message.way_out}" if message.way_out else message.detail)
        if not isinstance(message, Ready):
            raise ChildLostError(f"said {message.kind} before it was ready")
        self._threads = message.threads
        return message

    async def ask(self, frame: Frame, *, within_s: float) -> Frame:
        """The child's answer. `within_s`: processor time of each of its threads, or clock time without any."""
        silence = Silence(
            allowed_s=within_s,
            allowed_cpu_s=within_s * self._threads,
            now=time.monotonic(),
            cpu_s=cpu_seconds(self.pid),
        )
        self._writer.write(to_bytes(frame))
        answer = asyncio.create_task(self._receive())
        try:
            while not (await asyncio.wait((answer,), timeout=LOOK_EVERY_S))[0]:
                if reason := silence.is_over(now=time.monotonic(), cpu_s=cpu_seconds(self.pid)):
                    raise ChildLostError(f"process {self.pid} {reason}")
            return answer.result()
        finally:
            answer.cancel()

    async def until_work_or_death(self, came: asyncio.Event) -> None:
        """Returns when there may be work. Raises ChildLostError when the idle child hangs up."""
        waits = asyncio.create_task(came.wait())
        hangs_up = asyncio.create_task(self._reader.read(1))
        try:
            await asyncio.wait((waits, hangs_up), return_when=asyncio.FIRST_COMPLETED)
            if hangs_up.done():
                raise ChildLostError(f"process {self.pid} ended while idle")
        finally:
            waits.cancel()
            hangs_up.cancel()
            await asyncio.gather(waits, hangs_up, return_exceptions=True)

    async def end(self) -> None:
        self._writer.close()
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    async def _receive(self) -> Frame:
        try:
            header_bytes, payload_bytes = lengths_of(await self._reader.readexactly(LENGTHS.size))
            header = await self._reader.readexactly(header_bytes)
            return to_frame(header, await self._reader.readexactly(payload_bytes))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise ChildLostError(f"process {self.pid} ended") from error
        except ValueError as error:
            raise ChildLostError(f"process {self.pid} spoke nonsense: {type(error).__name__}") from error


def child_environment() -> dict[str, str]:
    """The child finds our packages wherever the front was started."""
    ours = str(Path(assistant.__path__[0]).parent)
    others = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([ours, others] if others else [ours])}


def _size_of(frame: Frame) -> int:
    message = frame.message
    texts = message.texts if isinstance(message, Embed | Rerank) else ()
    scripts = [each.script or "" for each in message.options] if isinstance(message, Recognise) else []
    return len(frame.payload) + sum(len(text) for text in (*texts, *scripts))
