"""The whole way with the real engine: its processes, its trial recogniser, its embedder."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.courses.sidecars import Sidecars
from assistant.engine.client import EngineClient
from assistant.engine.service import borrowed_engine
from assistant.engine.spec import EngineSpec
from indexer.services import Services
from knowledge.database import Database
from knowledge.recordings.tables import RecordingState
from tests.indexer.indexing import counted, found_in, index, job_of, said_in
from tests.indexer.talks import SPOKEN, write_talk

pytestmark = pytest.mark.slow
QUESTIONS = SPOKEN.with_suffix(".jsonl")


@pytest.fixture(scope="module")
def real_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineClient]:
    with borrowed_engine(tmp_path_factory.mktemp("engine"), EngineSpec()) as client:
        yield client


@pytest.fixture
def real_services(services: Services, real_engine: EngineClient) -> Services:
    limits = replace(services.limits, patience_s=120.0)
    return replace(services, engine=real_engine, limits=limits)


def what_is_said() -> list[str]:
    """The words of the talk, in its order: the spoken questions by file name."""
    lines = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    return [line["said"] for line in sorted(lines, key=lambda line: line.get("audio") or "") if line.get("audio")]


@pytest.mark.timeout(600)
def test_real_speech_becomes_passages_with_times_and_vectors(real_services: Services, tmp_path: Path) -> None:
    recording = index(real_services, write_talk(tmp_path / "talk.wav", stretches=4))

    assert recording.state is RecordingState.READY, job_of(real_services.database, recording.id).error
    assert recording.recogniser == "pocketsphinx"
    segments = said_in(real_services.database, recording)
    assert all(segment.words for segment in segments)
    assert all(0 <= segment.start_s <= segment.end_s <= (recording.duration_s or 0) for segment in segments)
    assert counted(real_services.database).vectors == len(found_in(real_services.database, recording))


@pytest.mark.timeout(600)
def test_with_its_script_real_speech_is_spelt_as_written(
    real_services: Services, database: Database, tmp_path: Path
) -> None:
    script = tmp_path / "talk.txt"
    script.write_text("\n".join(what_is_said()[:4]), encoding="utf-8")

    recording = index(real_services, write_talk(tmp_path / "talk.wav", stretches=4), sidecars=Sidecars(script=script))

    assert recording.note == "the script is what is said: its spelling is used"
    said = [segment.text for segment in said_in(database, recording)]
    assert sum(text in what_is_said() for text in said) >= 3, said
