"""Figures of searching at scale: times, memory, how much of the truth was found."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

_MB = 1e6
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds on the clock; `core_p50`: of processor time, which other work on the machine does not lengthen."""

    p50: float
    p95: float
    p99: float
    longest: float
    core_p50: float

    def __str__(self) -> str:
        return f"{self.p50:.1f} / {self.p95:.1f} / {self.p99:.1f} ms, {self.core_p50:.1f} ms of a core"


@dataclass(frozen=True, slots=True)
class Memory:
    """MB of a process: private to it, and mapped files whose pages the system may drop."""

    private: float
    mapped: float

    def __str__(self) -> str:
        return f"{self.private:.0f} MB private, {self.mapped:.0f} MB mapped"


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds that one call took: on the clock, and of this thread's core."""

    wall: float
    core: float


def time_call(call: Callable[[], object]) -> Taken:
    started, core = time.perf_counter(), time.thread_time()
    call()
    return Taken(time.perf_counter() - started, time.thread_time() - core)


def time_each(call: Callable[[_T], object], values: Sequence[_T], *, at_most_s: float = float("inf")) -> Spread:
    """`at_most_s`: after so long the rest of the values is left out."""
    started = time.perf_counter()
    taken: list[Taken] = []
    for value in values:
        taken.append(time_call(partial(call, value)))
        if time.perf_counter() - started > at_most_s:
            break
    return spread_of(taken)


def spread_of(taken: Sequence[Taken]) -> Spread:
    walls = [each.wall * 1e3 for each in taken]
    p50, p95, p99 = np.percentile(walls, [50, 95, 99])
    core = np.percentile([each.core * 1e3 for each in taken], 50)
    return Spread(float(p50), float(p95), float(p99), max(walls), float(core))


def memory_of_this_process() -> Memory:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 / _MB for line in lines if line.startswith("Rss")}
    return Memory(sizes["RssAnon"], sizes["RssFile"])


def recall(found: Sequence[set[str]], truth: Sequence[set[str]]) -> float:
    """Of the exact nearest the share that was found, over the questions asked: as many of those in `truth`."""
    shares = [len(one & other) / len(other) for one, other in zip(found, truth, strict=False) if other]
    return float(np.mean(shares)) if shares else 1.0


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / _MB
