"""Hours of sound in one recording: memory stays flat, however long it is."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from assistant.jobs import store as jobs
from assistant.jobs.job import JobState
from assistant.recognising.recognizer import SAMPLE_RATE_HZ
from indexer.services import Services
from tests.indexer.indexing import counted, recording_of, take
from tests.indexer.talks import PAUSE_S, spoken_questions, write_wav

MOST_BYTES = 1_500_000_000
HOURS = 1.0


def write_long_talk(path: Path, *, hours: float) -> Path:
    pause = np.zeros(int(PAUSE_S * SAMPLE_RATE_HZ), np.int16)
    once = np.concatenate([part for spoken in spoken_questions() for part in (spoken, pause)])
    times = int(hours * 3600 * SAMPLE_RATE_HZ / len(once)) + 1
    return write_wav(path, np.tile(once, times))


def most_memory_of(process: "subprocess.Popen[bytes]", services: Services, job_id: str) -> int:
    """Resident bytes of the worker and its children together, at their most, until the job is over."""
    most = 0
    worker = psutil.Process(process.pid)
    while True:
        with services.database.read() as session:
            if jobs.get(session, job_id).is_over:
                return most
        try:
            family = [worker, *worker.children(recursive=True)]
            most = max(most, sum(member.memory_info().rss for member in family))
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_hour_is_indexed_in_flat_memory(services: Services, tmp_path: Path) -> None:
    received = take(services, write_long_talk(tmp_path / "long.wav", hours=HOURS))
    arguments = [services.database.url, str(services.home), str(tmp_path / "log"), "0", "0"]
    with subprocess.Popen([sys.executable, "-m", "tests.indexer.working", *arguments]) as process:
        most = most_memory_of(process, services, received.job_id or "")
        process.terminate()

    recording = recording_of(services.database, received.recording_id)
    with services.database.read() as session:
        job = jobs.get(session, received.job_id or "")
    assert job.state is JobState.DONE, job.error
    assert recording.duration_s == pytest.approx(HOURS * 3600, abs=60)
    assert counted(services.database).segments > 400
    assert most < MOST_BYTES
    print(f"{HOURS} h: {most / 1e6:.0f} MB at most")
