"""The third step: clips go to the engine, a few at once, while more are decoded; each result is kept as it comes."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from types import TracebackType

from sqlalchemy.orm import Session

from assistant.engine.client import EngineClient, EngineState, Priority
from assistant.errors import BadInput, Cancelled, EarmarkError, RecognizerDown, UnknownLanguage
from assistant.hearing.heard import SpeechClip
from assistant.jobs.job import Job, JobStep
from assistant.recognising.invention import invention_reason
from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from indexer.clip_results import ClipKey, ClipResult, kept_clips, options_digest, save_clip_results
from indexer.hear import Hearing
from indexer.keeping import Progress, keep, pause_of
from indexer.patience import patiently
from indexer.services import Services
from knowledge.transcripts.segment import Segment

_LOOKED_EVERY_S = 1.0

NO_ROOM = "there was more speech in one stretch than the recogniser had room for"


class NothingRecognisedError(EarmarkError):
    """Every single clip failed: something is wrong that trying the same again will not mend."""

    kind = "nothing-recognised"


@dataclass(frozen=True, slots=True)
class _Sent:
    key: ClipKey
    start_s: float
    end_s: float


class Recognising:
    """Clips under way. Used by one thread, as a context: leaving it gives up what has not come back.

    A result is written with the job's progress in one fenced transaction, so that a killed job neither loses a
    clip nor recognises it twice.
    """

    def __init__(self, services: Services, job: Job, hearing: Hearing, progress: Progress, state: EngineState) -> None:
        self._services = services
        self._job = job
        self._hearing = hearing
        self._progress = progress
        self._recogniser_digest = state.recogniser.digest
        self._in_flight = state.clips_at_once
        self._pool = ThreadPoolExecutor(self._in_flight, thread_name_prefix="clip")
        self._given_up = threading.Event()
        self._pending: dict[Future[Recognised], _Sent] = {}
        with services.database.read() as session:
            self._kept = kept_clips(session, job.recording_id)

    def __enter__(self) -> "Recognising":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._given_up.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def key(self, clip: SpeechClip, options: ClipOptions) -> ClipKey:
        return ClipKey(
            round(clip.start_s * 1000), round(clip.end_s * 1000), options_digest(self._recogniser_digest, options)
        )

    def send(self, clip: SpeechClip, options: ClipOptions) -> ClipKey:
        """Have a clip recognised unless its result is kept; waits while enough are under way."""
        key = self.key(clip, options)
        if key in self._kept:
            self.tell()
            return key
        while len(self._pending) >= self._in_flight:
            self._keep_finished()
        call = _recogniser_of(self._services.engine, Clip(clip.samples, options))
        future = self._pool.submit(patiently, call, patience_s=self._services.limits.patience_s, pause=self._pause)
        self._pending[future] = _Sent(key, clip.start_s, clip.end_s)
        return key

    def tell(self) -> None:
        """Say how far hearing is while nothing is recognised: at the start, in long silence, after a restart."""
        if not self._pending:
            self._progress.say(JobStep.HEARING, self._hearing.decoded_s, self._hearing.total_s)
        elif any(future.done() for future in self._pending):
            self._keep_finished()

    def drain(self) -> None:
        """Wait until every clip is back and kept."""
        while self._pending:
            self._keep_finished()

    def _keep_finished(self) -> None:
        """Wait for a clip or two, a second at most, and keep what came. Raises Cancelled, and what a clip raised."""
        finished, _ = wait(self._pending, timeout=_LOOKED_EVERY_S, return_when=FIRST_COMPLETED)
        if not finished:
            self._progress.say(JobStep.RECOGNISING, self._done_s(), self._hearing.total_s)
            return
        back = [(self._pending.pop(future), future) for future in finished]
        failures = [future for _, future in back if future.exception() is not None]
        results = [_result(sent, future.result()) for sent, future in back if future.exception() is None]
        if results:
            keep(self._services, self._job, lambda session: self._write(session, results))
            self._kept.update(result.key for result in results)
        for future in failures:
            future.result()

    def _write(self, session: Session, results: list[ClipResult]) -> None:
        save_clip_results(session, self._job.recording_id, results)
        self._progress.note(session, JobStep.RECOGNISING, self._done_s(), self._hearing.total_s)

    def _done_s(self) -> float:
        """Everything before the first clip still under way."""
        return min((sent.start_s for sent in self._pending.values()), default=self._hearing.decoded_s)

    def _pause(self, seconds: float) -> None:
        if self._given_up.wait(seconds):
            raise Cancelled("nobody waits for this clip any more")


def recogniser_state(services: Services, job: Job) -> EngineState:
    """The engine's state once its recogniser is ready. Raises RecognizerDown, Cancelled."""

    def ask() -> EngineState:
        state = services.engine.state()
        if state.recogniser.state != "ready":
            raise RecognizerDown(
                f"the recogniser {state.recogniser.name} is {state.recogniser.state}", state.recogniser.detail or ""
            )
        return state

    return patiently(ask, patience_s=services.limits.patience_s, pause=pause_of(services, job))


def _recogniser_of(engine: EngineClient, clip: Clip) -> Callable[[], Recognised]:
    def recognise() -> Recognised:
        try:
            return engine.recognize_clip(clip, priority=Priority.INDEX)
        except UnknownLanguage:
            raise
        except BadInput as error:  # this clip alone is at fault: the others go on
            return Recognised(error=error.detail)

    return recognise


def _result(sent: _Sent, recognised: Recognised) -> ClipResult:
    """On the recording's clock; what is doubtful is marked, and what was hardly said stays out of the index."""
    said = [segment for segment in recognised.segments if segment.text.strip()]
    whole = " ".join(segment.text for segment in said)
    doubt = recognised.hard_to_hear or (NO_ROOM if recognised.truncated else None)
    invention = invention_reason(whole, sent.end_s - sent.start_s)
    marked = (_marked(segment, doubt, invention).shifted(sent.start_s) for segment in said)
    return ClipResult(sent.key, tuple(marked), recognised.error)


def _marked(segment: Segment, doubt: str | None, whole_invention: str | None) -> Segment:
    invention = whole_invention or invention_reason(segment.text, segment.end_s - segment.start_s)
    reason = invention or segment.hard_to_hear or doubt
    return replace(segment, hard_to_hear=reason, invented=segment.invented or invention is not None)
