"""A stream that begins before its work has read anything: what the work needs stays open."""

import json
import shutil
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assistant.engine import front, front_stream
from assistant.engine.front import create_front
from assistant.engine.spec import EmbedderSpec, EngineSpec, RecogniserSpec
from tests.assistant.engine.running_engine import ScriptedServer


def test_a_file_that_is_slow_to_copy_is_still_there_when_the_answer_has_begun(
    server: ScriptedServer, spoken: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(asked: front.TranscriptionRequest, path: Path) -> None:
        time.sleep(0.5)
        with path.open("wb") as file:
            shutil.copyfileobj(asked.file.file, file)

    monkeypatch.setattr(front, "_copy", slowly)
    monkeypatch.setattr(front_stream, "KEEPALIVE_S", 0.05)
    recogniser = RecogniserSpec("remote", "scripted", server.url)
    app = create_front(EngineSpec(recogniser, EmbedderSpec("/nowhere"), children=1), key="key")
    with TestClient(app, base_url="http://127.0.0.1", headers={"Authorization": "Bearer key"}) as client:
        reply = client.post("/v1/audio/transcriptions", files={"file": ("q.wav", spoken)}, data={"stream": "true"})
    events = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: ")]
    assert ": ping" in reply.text
    assert [event["type"] for event in events][-1] == "transcript.text.done", events
    assert events[-1]["text"].startswith("clip number")
