"""The unit of search. Knows nothing of how it is found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """Neighbouring segments of one recording, `first_segment` to `last_segment` inclusive, by ordinal."""

    id: str
    recording_id: str
    course_id: str
    revision: int
    ordinal: int
    first_segment: int
    last_segment: int
    start_s: float
    end_s: float
    text: str
    language: str
