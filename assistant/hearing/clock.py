"""Where each decoded stretch of sound lies on the clock that a browser shows. Pure: no file, no decoder.

Second 0 is the container's own zero. A late start and a hole become silence; sound before zero moves everything
later, as a browser does; a clock that starts again (chained Ogg) goes on where the sound before it ended.
"""

from dataclasses import dataclass

JITTER_S = 0.05
"""Differences below this are rounding (WebM keeps milliseconds, recorders less): the sound is joined as it is."""
OVERLAP_S = 1.0
"""A clock that steps back by more than this starts again; by less, the doubled sound is dropped."""


@dataclass(frozen=True, slots=True)
class Placement:
    """`start_s`: where it begins. `breaks`: not joined to the sound before. `drop_samples`: doubled ones in front."""

    start_s: float
    breaks: bool
    drop_samples: int = 0


class Timeline:
    """Takes stretches in order of decoding and says where they lie.

    `own_clock` is false for containers without timestamps (wav, mp3 …): there the sound simply runs on.
    `earliest_s` is the first timestamp of any track. A jump that would pass `longest_s` is taken for a lie.
    """

    def __init__(self, *, own_clock: bool, earliest_s: float, longest_s: float) -> None:
        self._own_clock = own_clock
        self._longest_s = longest_s
        self._earliest_s = min(0.0, earliest_s)
        self._offset_s: float | None = None
        self._first_s = 0.0
        self._end_s = 0.0
        self._anchor_s = 0.0
        self._since_anchor: tuple[int, int] = (0, 1)
        self.restarts = 0
        self.holes_s = 0.0

    @property
    def end_s(self) -> float:
        """Where the sound placed so far ends."""
        return self._end_s

    def begin_again(self) -> None:
        """What comes next has a clock of its own, and follows right after."""
        self._offset_s = None
        self.restarts += 1

    def to_clock(self, pts_s: float) -> float:
        """A picture's timestamp on our clock, as the sound stands now."""
        return pts_s + (-self._earliest_s if self._offset_s is None else self._offset_s)

    def place(self, pts_s: float | None, n_samples: int, rate_hz: int) -> Placement:
        """Where `n_samples` at `rate_hz` with the timestamp `pts_s` lie."""
        placement = self._find_place(pts_s if self._own_clock else None, n_samples, rate_hz)
        if placement.breaks or rate_hz != self._since_anchor[1]:
            self._anchor_s, self._since_anchor = placement.start_s, (0, rate_hz)
        samples = self._since_anchor[0] + n_samples - placement.drop_samples
        self._since_anchor = (samples, rate_hz)
        self._end_s = self._anchor_s + samples / rate_hz
        return placement

    def _find_place(self, pts_s: float | None, n_samples: int, rate_hz: int) -> Placement:
        if pts_s is None:
            return Placement(self._end_s, breaks=False)
        if self._offset_s is None:
            zero_s = pts_s if self.restarts else min(self._earliest_s, pts_s)
            self._offset_s, self._first_s = self._end_s - zero_s, pts_s
        step_s = pts_s + self._offset_s - self._end_s
        if abs(step_s) <= JITTER_S:
            return Placement(self._end_s, breaks=False)
        if step_s > 0 and self._end_s + step_s <= self._longest_s:
            self.holes_s += step_s if self._end_s else 0.0
            return Placement(self._end_s + step_s, breaks=True)
        if step_s > 0 or -step_s > OVERLAP_S or pts_s <= self._first_s + JITTER_S:
            self._offset_s -= step_s
            self.restarts += 1
            return Placement(self._end_s, breaks=True)
        return Placement(self._end_s, breaks=False, drop_samples=min(n_samples, round(-step_s * rate_hz)))
