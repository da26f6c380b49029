"""A recording's way from file to findable, over real sound with an engine that says what it was told to."""

from pathlib import Path

from assistant.jobs.job import JobState, JobStep
from indexer.services import Services
from knowledge.recordings.tables import RecordingState
from tests.indexer.indexing import counted, found_in, index, job_of, said_in
from tests.indexer.scripted_engine import ScriptedEngine


def test_a_talk_becomes_findable_passages(services: Services, engine: ScriptedEngine, talk: Path) -> None:
    recording = index(services, talk)

    assert recording.state is RecordingState.READY, job_of(services.database, recording.id).error
    assert (recording.revision, recording.recogniser, recording.note) == (1, "scripted", None)
    assert 50 < (recording.duration_s or 0) < 70
    assert 20 < (recording.speech_s or 0) < (recording.duration_s or 0)
    assert (services.home / (recording.playable_path or "")).is_file()
    segments, passages = said_in(services.database, recording), found_in(services.database, recording)
    assert len(segments) == len(engine.asked) > 5
    assert [segment.start_s for segment in segments] == sorted(segment.start_s for segment in segments)
    assert passages[0].text.startswith(segments[0].text)
    rows = counted(services.database)
    assert (rows.vectors, rows.changes, rows.clip_results) == (len(passages), 1, 0)


def test_its_job_is_done_and_says_so(services: Services, talk: Path) -> None:
    recording = index(services, talk)

    job = job_of(services.database, recording.id)
    assert (job.state, job.step, job.attempts, job.error) == (JobState.DONE, JobStep.FINISHED, 1, None)
