"""For how long things are kept. The ages are the company's; knows no clock and no table."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keeping:
    """In days. `questions`, `recordings`: 0 for ever, recordings from their publication on. `question_sounds`: 0
    where a question's sound is dropped as soon as it is heard."""

    questions_days: int = 365
    recordings_days: int = 0
    question_sounds_days: int = 0

    def recording_until(self, published_at: dt.datetime | None) -> dt.datetime | None:
        """When a recording is removed; None where nobody does, or it is not published."""
        return _until(published_at, self.recordings_days)

    def sound_until(self, kept_at: dt.datetime | None) -> dt.datetime | None:
        """When a question's sound is deleted; None where there is none."""
        return _until(kept_at, self.question_sounds_days)


def due_before(days: int, now: dt.datetime) -> dt.datetime | None:
    """What is older is deleted; None where it is kept for ever."""
    return now - dt.timedelta(days=days) if days else None


def _until(since: dt.datetime | None, days: int) -> dt.datetime | None:
    return since + dt.timedelta(days=days) if since is not None and days else None
