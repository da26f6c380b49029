"""When a silent child counts as lost, by the clock and by its own processor time."""

import os
import time

from assistant.engine.silence import Silence, cpu_seconds


def silence() -> Silence:
    return Silence(allowed_s=30, allowed_cpu_s=30, now=100, cpu_s=5)


def test_a_child_that_spins_is_lost_after_the_processor_time_it_is_allowed() -> None:
    watched = silence()
    assert watched.is_over(now=120, cpu_s=25) is None
    assert "worked 30.0 s" in (watched.is_over(now=130, cpu_s=35) or "")


def test_a_child_that_is_stopped_is_lost_after_as_much_of_the_clock() -> None:
    watched = silence()
    assert watched.is_over(now=129, cpu_s=5) is None
    assert "neither worked nor answered" in (watched.is_over(now=130, cpu_s=5) or "")


def test_a_child_that_hardly_gets_a_core_is_not_lost() -> None:
    watched = silence()
    assert [watched.is_over(now=100 + 20 * step, cpu_s=5 + 0.5 * step) for step in range(1, 50)] == [None] * 49


def test_a_child_that_worked_and_then_stopped_is_lost() -> None:
    watched = silence()
    assert watched.is_over(now=150, cpu_s=10) is None
    assert watched.is_over(now=181, cpu_s=10)


def test_processor_time_is_read_and_a_process_that_is_gone_has_none() -> None:
    begun = time.process_time()
    while time.process_time() - begun < 0.05:
        pass
    assert abs(cpu_seconds(os.getpid()) - time.process_time()) < 0.5
    assert cpu_seconds(2**22 + 1) == 0
