"""The values of a transcript: what was said, and when. Knows nothing of databases or engines."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

UNDETERMINED = "und"
"""BCP 47 for a language nobody told or detected."""


class TimeSource(StrEnum):
    """Who measured a segment's seconds. Nothing else may set them (DESIGN, rule 1)."""

    VAD = "vad"
    RECOGNISER = "recogniser"
    ALIGNER = "aligner"
    SUBTITLE = "subtitle"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Word:
    """A word with seconds that something really measured; `probability` in [0, 1] where the engine gives one."""

    start_s: float
    end_s: float
    text: str
    probability: float | None = None

    def __post_init__(self) -> None:
        if self.end_s < self.start_s:
            raise ValueError(f"word {self.text!r} runs backwards: {self.start_s} s to {self.end_s} s")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech and its words. Seconds count from second 0 of the recording, as a browser shows it.

    `words` is empty where nothing measured them. `hard_to_hear` says why a person should listen before
    trusting the text. `invented`: by rule nobody said this, so it stays out of the index until a person has listened;
    text that is only doubtful stays in, for much of it is found all the same.
    """

    start_s: float
    end_s: float
    text: str
    language: str = UNDETERMINED
    time_source: TimeSource = TimeSource.VAD
    words: tuple[Word, ...] = field(default=())
    hard_to_hear: str | None = None
    invented: bool = False

    @property
    def searchable(self) -> bool:
        return not self.invented and bool(self.text.strip())

    def __post_init__(self) -> None:
        if self.start_s < 0 or self.end_s < self.start_s:
            raise ValueError(f"segment runs backwards or before 0: {self.start_s} s to {self.end_s} s")

    def shifted(self, by_s: float) -> "Segment":
        """The same segment on a clock that started `by_s` seconds earlier."""
        moved = tuple(Word(word.start_s + by_s, word.end_s + by_s, word.text, word.probability) for word in self.words)
        return replace(self, start_s=self.start_s + by_s, end_s=self.end_s + by_s, words=moved)
