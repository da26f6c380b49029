"""The second step: the recording is decoded in a child, its speech found, its playable copy written."""

import contextlib
from collections.abc import Generator

from assistant.hearing.heard import HeardFile, HearingProgress, SpeechClip
from assistant.hearing.listening import hear
from assistant.hearing.speech_spans import CuttingRules
from assistant.jobs.job import JobStep
from indexer.keeping import Progress
from indexer.receive import Source
from indexer.services import Services


class Hearing:
    """A file being heard. `clips()` gives its speech in order; afterwards `file` says what was in it.

    `decoded_s` and `total_s` say how far it is; the total is what the file declares, until it proves wrong.
    """

    def __init__(self, services: Services, source: Source, *, cutting: CuttingRules, playable: bool = True) -> None:
        """`playable`: whether a copy for the player is written on the way."""
        self._services = services
        self._source = source
        self._cutting = cutting
        self._playable_to = source.folder / "playable" if playable else None
        self._ended: HeardFile | None = None
        self.decoded_s = 0.0
        self.total_s: float | None = None

    @property
    def file(self) -> HeardFile:
        if self._ended is None:
            raise ValueError("the file was not heard to its end")
        return self._ended

    def clips(self) -> Generator[SpeechClip | HearingProgress, None, None]:
        """Speech and progress in order. Closing it ends the child that decodes."""
        heard = hear(
            self._source.original,
            limits=self._services.limits.hearing,
            playable_to=self._playable_to,
            cutting=self._cutting,
            name=self._source.name,
        )
        with contextlib.closing(heard):
            for one in heard:
                if isinstance(one, HeardFile):
                    self._ended = one
                    self.decoded_s = self.total_s = one.duration_s
                    continue
                if isinstance(one, HearingProgress):
                    self.decoded_s = one.decoded_s
                    self.total_s = honest_total_s(one)
                yield one


def honest_total_s(progress: HearingProgress) -> float | None:
    """The declared length while it can be true: a file that goes on after its end has an unknown one."""
    if progress.declared_s is None or progress.declared_s < progress.decoded_s:
        return None
    return progress.declared_s


def hear_only(hearing: Hearing, progress: Progress) -> HeardFile:
    """Where somebody wrote down already what is said: only the length and the playable copy are wanted."""
    with contextlib.closing(hearing.clips()) as clips:
        for one in clips:
            if isinstance(one, HearingProgress):
                progress.say(JobStep.HEARING, hearing.decoded_s, hearing.total_s)
    return hearing.file
