"""Where somebody speaks: a state machine fed with samples that gives back stretches of speech, each at most 30 s.

Pure but for the detector it is given (any function from blocks of samples to probabilities of speech). Knows nothing
of files.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from assistant.hearing.heard import SpeechClip
from assistant.hearing.levelling import Leveller
from assistant.hearing.silero import BLOCK, Probabilities
from assistant.recognising.recognizer import MAX_CLIP_S, SAMPLE_RATE_HZ, Samples

BLOCK_S = BLOCK / SAMPLE_RATE_HZ
BATCH = 31 * BLOCK
"""Samples given to the detector at a time: about one second."""


@dataclass(frozen=True, slots=True)
class CuttingRules:
    """Measured with Silero on recordings with known speech (0.5, 0.5 s, 0.1 s); `aim_s`: cut beyond it if possible.

    `stay`: probability under which speech that has begun is over. `pause_s`: the shortest pause worth cutting at.
    """

    threshold: float = 0.5
    stay: float = 0.35
    join_s: float = 0.5
    pad_s: float = 0.1
    shortest_s: float = 0.1
    pause_s: float = 0.1
    aim_s: float = MAX_CLIP_S - 0.2
    longest_s: float = MAX_CLIP_S - 0.2


LONG_CLIPS = CuttingRules()
"""For recognisers that time words."""
SHORT_CLIPS = CuttingRules(pause_s=0.3, aim_s=12.0)
"""For recognisers without word times: then a clip's bounds are all that is known of when a sentence was said."""
WHOLE_SENTENCES = CuttingRules(join_s=1.0, pad_s=0.2)
"""For listening for known sentences, whose speaker may pause within one."""


def clips_for(*, word_times: bool) -> CuttingRules:
    """How speech is cut for a recogniser that does or does not say when each word was said."""
    return LONG_CLIPS if word_times else SHORT_CLIPS


@dataclass(frozen=True, slots=True)
class Span:
    """Blocks [first, end) in which somebody speaks, pauses inside included."""

    first: int
    end: int


class SpanCutter:
    """Probabilities in, spans out, each as soon as it is certain."""

    def __init__(self, rules: CuttingRules) -> None:
        self._rules = rules
        self._join = round(rules.join_s / BLOCK_S)
        self._next = 0
        self._start: int | None = None
        self._voiced: list[bool] = []
        self._heard: list[float] = []

    @property
    def open_from(self) -> int | None:
        """The first block of the span that is not over yet."""
        return self._start

    def feed(self, probabilities: Probabilities) -> Iterator[Span]:
        for probability in probabilities.tolist():
            yield from self._step(probability)

    def finish(self) -> Iterator[Span]:
        yield from self._close()

    def _step(self, probability: float) -> Iterator[Span]:
        self._next += 1
        if self._start is None:
            if probability < self._rules.threshold:
                return
            self._start = self._next - 1
        bar = self._rules.stay if self._voiced and self._voiced[-1] else self._rules.threshold
        self._voiced.append(probability >= bar)
        self._heard.append(probability)
        if not any(self._voiced[-self._join :]):
            yield from self._close()
        elif len(self._voiced) * BLOCK_S > self._rules.aim_s:
            yield from self._cut()

    def _close(self) -> Iterator[Span]:
        if self._start is None:
            return
        length = _voiced_length(self._voiced)
        if length * BLOCK_S >= self._rules.shortest_s:
            yield Span(self._start, self._start + length)
        self._start, self._voiced, self._heard = None, [], []

    def _cut(self) -> Iterator[Span]:
        """Give away the front of an over-long span, up to its best pause."""
        assert self._start is not None
        pause = best_pause(self._voiced, shortest=max(1, round(self._rules.pause_s / BLOCK_S)))
        if pause is None:
            if len(self._voiced) * BLOCK_S <= self._rules.longest_s:
                return
            quietest = len(self._heard) // 2 + int(np.argmin(self._heard[len(self._heard) // 2 :]))
            pause = (quietest, quietest)
        yield Span(self._start, self._start + pause[0])
        self._start += pause[1]
        self._voiced, self._heard = self._voiced[pause[1] :], self._heard[pause[1] :]


def best_pause(voiced: list[bool], *, shortest: int) -> tuple[int, int] | None:
    """The longest run of silent blocks, as [first, end), the later of equals; None below `shortest` blocks.

    A pause in the first third would leave a scrap, so it counts only where there is no other; the run at the very
    end is not over and does not count.
    """
    runs = [run for run in _silent_runs(voiced) if run[1] - run[0] >= shortest and run[1] < len(voiced)]
    late = [run for run in runs if run[0] >= len(voiced) // 3]
    return max(late or runs, key=lambda run: (run[1] - run[0], run[0]), default=None)


def _silent_runs(voiced: list[bool]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[1], np.asarray(voiced, dtype=np.int8), [1]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _voiced_length(voiced: list[bool]) -> int:
    return max((place + 1 for place, speaks in enumerate(voiced) if speaks), default=0)


class SpeechSpans:
    """Samples in, clips of speech out; keeps no more sound than the stretch that is being heard."""

    def __init__(self, detect: Callable[[Samples], Probabilities], rules: CuttingRules = LONG_CLIPS) -> None:
        self._detect, self._rules = detect, rules
        self._cutter, self._leveller = SpanCutter(rules), Leveller()
        self._kept = np.zeros(0, dtype=np.float32)
        self._kept_from = 0
        self._detected = 0
        self._given_until = 0
        self.speech_s = 0.0

    @property
    def _total(self) -> int:
        return self._kept_from + len(self._kept)

    def feed(self, samples: Samples) -> Iterator[SpeechClip]:
        """Clips that are certain now. `samples` follow those of the last call."""
        for start in range(0, len(samples), BATCH):
            self._kept = np.concatenate([self._kept, samples[start : start + BATCH]])
            while self._total - self._detected >= BATCH:
                yield from self._detect_next(BATCH)
                self._forget()

    def finish(self) -> Iterator[SpeechClip]:
        """The last clips, once no more samples come."""
        left = self._total - self._detected
        padding = -left % BLOCK
        self._kept = np.concatenate([self._kept, np.zeros(padding, dtype=np.float32)])
        yield from self._detect_next(left + padding)
        for span in self._cutter.finish():
            yield self._clip(span, end_of_sound=self._total - padding)

    def _detect_next(self, n_samples: int) -> Iterator[SpeechClip]:
        at = self._detected - self._kept_from
        probabilities = self._detect(self._leveller.level(self._kept[at : at + n_samples]))
        self._detected += n_samples
        for span in self._cutter.feed(probabilities):
            yield self._clip(span, end_of_sound=self._total)

    def _clip(self, span: Span, *, end_of_sound: int) -> SpeechClip:
        pad = round(self._rules.pad_s * SAMPLE_RATE_HZ)
        open_from = self._cutter.open_from
        limit = end_of_sound if open_from is None else (span.end + max(open_from, span.end)) * BLOCK // 2
        first = max(self._given_until, span.first * BLOCK - pad)
        end = min(limit, span.end * BLOCK + pad, end_of_sound)
        self._given_until = end
        self.speech_s += (end - first) / SAMPLE_RATE_HZ
        samples = self._kept[first - self._kept_from : end - self._kept_from].copy()
        return SpeechClip(first / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ, samples)

    def _forget(self) -> None:
        open_from = self._cutter.open_from
        needed = self._detected if open_from is None else open_from * BLOCK
        keep_from = max(self._kept_from, needed - round(self._rules.pad_s * SAMPLE_RATE_HZ))
        self._kept = self._kept[keep_from - self._kept_from :]
        self._kept_from = keep_from
