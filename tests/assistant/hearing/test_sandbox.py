"""What becomes of a file whose child is killed, hangs or runs ahead; and of the child when nobody listens."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from assistant.errors import BadMedia, DiskFull, PartDown
from assistant.hearing.heard import HeardFile, HearingLimits, HearingProgress
from assistant.hearing.listening import hear, prewarm
from tests.assistant.hearing.making_media import bursts, write_sound

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes seconds to hear."""
    folder = tmp_path_factory.mktemp("hours")
    return write_sound(
        folder / "hours.flac", bursts([1.0], duration_s=3600, rate_hz=8_000), codec="flac", rate_hz=8_000
    )


def server() -> psutil.Process:
    """The decoders' server of this process."""
    prewarm()
    return next(child for child in psutil.Process().children() if "hearing.sandbox" in " ".join(child.cmdline()))


def wait_until(happens: Callable[[], bool], *, seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def the_child() -> psutil.Process:
    (child,) = server().children()
    return child


def test_a_child_that_crashes_is_a_refusal_and_the_next_file_is_heard(hours: Path, tmp_path: Path) -> None:
    heard = hear(hours)
    next(heard)
    the_child().send_signal(signal.SIGSEGV)

    with pytest.raises(BadMedia, match=r"hours\.flac: the decoder broke down on it \(signal SIGSEGV\)"):
        list(heard)

    good = write_sound(tmp_path / "good.wav", bursts([1.0], duration_s=2), codec="pcm_s16le")
    assert isinstance(list(hear(good))[-1], HeardFile)


def test_a_child_that_says_nothing_is_stopped(hours: Path) -> None:
    heard = hear(hours, limits=HearingLimits(slow_for_s=1.0))
    next(heard)
    child = the_child()
    child.suspend()

    with pytest.raises(BadMedia, match=r"hours\.flac: the decoder gave nothing for 1 s and was stopped"):
        list(heard)

    wait_until(lambda: not child.is_running())


def test_closing_the_generator_kills_the_child(hours: Path) -> None:
    heard = hear(hours)
    next(heard)
    child = the_child()

    heard.close()

    wait_until(lambda: not child.is_running())
    wait_until(lambda: not server().children())


def test_a_reader_that_takes_its_time_is_waited_for(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "minutes.wav", bursts([1.0], duration_s=120), codec="pcm_s16le")
    heard = hear(path, limits=HearingLimits(slow_for_s=1.0))
    assert isinstance(next(heard), HearingProgress)
    time.sleep(2.0)

    assert isinstance(list(heard)[-1], HeardFile)


def test_a_server_that_was_killed_is_replaced(hours: Path, tmp_path: Path) -> None:
    heard = hear(hours)
    next(heard)
    killed = server()
    killed.kill()

    with pytest.raises(PartDown, match="server was stopped"):
        list(heard)

    good = write_sound(tmp_path / "good.wav", bursts([1.0], duration_s=2), codec="pcm_s16le")
    assert isinstance(list(hear(good))[-1], HeardFile)


def test_server_and_children_end_with_their_owner(hours: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from assistant.hearing.listening import hear\n"
        "heard = hear(Path(sys.argv[1])); next(heard); print('hearing', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen([sys.executable, "-c", program, str(hours)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"hearing\n"
        family = psutil.Process(owner.pid).children(recursive=True)
        assert len(family) == 2
        owner.kill()

    wait_until(lambda: not any(process.is_running() for process in family))


def test_several_files_are_heard_at_once(tmp_path: Path) -> None:
    paths = [
        write_sound(tmp_path / f"{number}.wav", bursts([1.0], duration_s=2 + number), codec="pcm_s16le")
        for number in range(6)
    ]
    lengths: dict[int, float] = {}

    def hear_one(number: int) -> None:
        *_, last = hear(paths[number])
        assert isinstance(last, HeardFile)
        lengths[number] = last.duration_s

    threads = [threading.Thread(target=hear_one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert lengths == {number: 2.0 + number for number in range(6)}


@pytest.mark.timed
def test_a_question_waits_milliseconds_for_its_child(tmp_path: Path) -> None:
    question = write_sound(
        tmp_path / "question.wav", bursts([1.0], duration_s=5, rate_hz=16_000), codec="pcm_s16le", rate_hz=16_000
    )
    prewarm()
    list(hear(question))
    took_s = []
    for _ in range(5):
        started = time.perf_counter()
        list(hear(question))
        took_s.append(time.perf_counter() - started)

    print(f"a 5 s question, decoded and cut: {min(took_s) * 1000:.0f} ms")
    assert min(took_s) < 0.25


@pytest.mark.skipif(not Path("/dev/full").exists() or os.geteuid() != 0, reason="filling a small disk needs root")
def test_a_full_disk_is_said_and_leaves_nothing_behind(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no small file system can be mounted here")
    sound = write_sound(tmp_path / "talk.wav", bursts(range(1, 60), duration_s=60), codec="pcm_s16le")
    try:
        with pytest.raises(DiskFull, match=r"talk\.wav: no room on the disk"):
            list(hear(sound, playable_to=small / "copy"))
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.slow
def test_two_hours_stay_in_flat_memory(tmp_path: Path) -> None:
    path = write_sound(
        tmp_path / "two-hours.flac",
        bursts(range(1, 7200, 10), duration_s=7200, rate_hz=8_000),
        codec="flac",
        container="flac",
        rate_hz=8_000,
    )
    before = psutil.Process().memory_info().rss
    peak_child = peak_own = 0

    for piece in hear(path, playable_to=tmp_path / "copy"):
        if isinstance(piece, HearingProgress):
            peak_child = max([peak_child, *(child.memory_info().rss for child in server().children())])
            peak_own = max(peak_own, psutil.Process().memory_info().rss)

    print(f"two hours: child {peak_child >> 20} MB, reader +{(peak_own - before) >> 20} MB")
    assert 0 < peak_child < 250_000_000
    assert peak_own - before < 30_000_000
