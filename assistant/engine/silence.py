"""When a child that has not answered counts as lost: hung, stopped or spinning, but never merely starved.

On a busy machine a healthy child may wait long for a core, and killing it would only make more work. So what it is
given is measured in its own processor time; without any processor time it is given as much of the clock.
"""

import os
from pathlib import Path

LEAST_PROGRESS_S = 0.005
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Silence:
    """From a question to a child until its answer.

    `allowed_cpu_s`: of its processor time, all threads together. `allowed_s`: of the clock without any.
    """

    def __init__(self, *, allowed_s: float, allowed_cpu_s: float, now: float, cpu_s: float) -> None:
        self._allowed_s = allowed_s
        self._allowed_cpu_s = allowed_cpu_s
        self._asked_cpu_s = self._worked_cpu_s = cpu_s
        self._worked_at = now

    def is_over(self, *, now: float, cpu_s: float) -> str | None:
        """Why the child counts as lost; None while it may still answer."""
        if cpu_s - self._worked_cpu_s >= LEAST_PROGRESS_S:
            self._worked_at, self._worked_cpu_s = now, cpu_s
        if cpu_s - self._asked_cpu_s >= self._allowed_cpu_s:
            return f"worked {cpu_s - self._asked_cpu_s:.1f} s without an answer"
        if now - self._worked_at >= self._allowed_s:
            return f"neither worked nor answered for {now - self._worked_at:.1f} s"
        return None


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, all its threads together; 0 where it is gone."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / _TICKS_A_SECOND
