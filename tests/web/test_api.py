"""The API as documented: its documents, its problems, OpenAI's form of transcription, health and metrics."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from assistant.engine.client import EngineState, ModelState
from assistant.jobs.job import JobState
from knowledge.finding.refusing import fitted
from knowledge.model_files import MINILM_SHA256, digest_of
from tests.web.house import WebHouse, trial_state, write_tone

JOB_KEYS = {
    "id", "kind", "recording_id", "state", "step", "done", "total", "unit", "error", "attempts", "created_at", "eta_s"
}  # fmt: skip

PACKAGED = digest_of(MINILM_SHA256)


def test_a_question_is_answered_by_the_document_of_the_command_line(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()
    house.answer_with("near miss", recording_id)

    answer = browser.post("/api/v1/questions", json={"text": "a near miss", "k": 1}).json()

    assert answer["verdict"] == "answered"
    assert answer["confident"] is True
    assert answer["hits"][0]["recording_id"] == recording_id
    assert answer["hits"][0]["start_s"] == 10.0
    assert answer["hits"][0]["sentence"]["exact"] is True
    assert answer["timings_ms"]["decode"] is None
    assert set(answer) == {
        "id", "question", "verdict", "confident", "probability", "covered", "answer", "hits", "notes", "timings_ms"
    }  # fmt: skip


def test_a_voice_is_answered_too(browser: TestClient, house: WebHouse) -> None:
    house.answer_with("near miss", house.add_recording())

    answer = browser.post("/api/v1/questions", files={"audio": ("q.wav", b"sound")}, data={"k": "2"}).json()

    assert answer["question"] == {"text": "how do I report a near miss", "language": "en", "duration_s": 2.5}
    assert house.asking.sounds == [("q.wav", b"sound")]


def test_why_is_told_where_it_is_asked_for(browser: TestClient, house: WebHouse) -> None:
    house.answer_with("near miss", house.add_recording())

    typed = browser.post("/api/v1/questions", json={"text": "a near miss", "explain": True}).json()
    spoken = browser.post("/api/v1/questions", files={"audio": ("q.wav", b"x")}, data={"explain": "true"}).json()
    without = browser.post("/api/v1/questions", json={"text": "a near miss", "explain": False}).json()

    for answer in (typed, spoken):
        why = answer["hits"][0]["explain"]
        assert {"asked": "misses", "written": ["miss"]} in why["said"]
        assert sum(each["points"] for each in why["channels"]) == pytest.approx(answer["hits"][0]["score"], abs=1e-3)
        assert {each["feature"] for each in answer["explain"]["right"]["parts"]} == set(fitted(PACKAGED).right.weights)
    assert "explain" not in without
    assert "explain" not in without["hits"][0]
    assert "score" in without["hits"][0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"{}",
        b'{"text": ""}',
        b'{"text": "x", "k": 0}',
        b'{"text": "x", "nope": 1}',
        b"\xff\xfe",
    ],
)
def test_a_bad_question_is_a_problem_that_says_what_is_wrong(browser: TestClient, body: bytes) -> None:
    reply = browser.post("/api/v1/questions", content=body, headers={"content-type": "application/json"})

    problem = reply.json()
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert problem["status"] == 400
    assert problem["type"] == "urn:earmark:problem:bad-input"
    assert problem["detail"]
    assert problem["way_out"]


@pytest.mark.parametrize(
    "path", ["/api/v1/jobs/x", "/api/v1/recordings/x", "/api/v1/nothing", "/api/v1/recordings?course=x"]
)
def test_what_is_not_there_is_a_problem(browser: TestClient, path: str) -> None:
    reply = browser.get(f"/api/v1/{path}")

    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/v1/recordings?limit=0", "/api/v1/jobs?state=odd", "/api/v1/jobs?limit=x"])
def test_a_wrong_parameter_is_a_problem(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code == 422
    assert browser.get(path).headers["content-type"] == "application/problem+json"


def test_lists_go_on_from_their_next(browser: TestClient, house: WebHouse) -> None:
    for number in range(3):
        house.add_job(state=JobState.DONE, name=f"{number}.mp3")

    for kind in ("recordings", "jobs"):
        first = browser.get(f"/api/v1/{kind}", params={"limit": 2}).json()
        rest = browser.get(f"/api/v1/{kind}", params={"limit": 2, "after": first["next"]}).json()
        ids = [one["id"] for one in first["items"] + rest["items"]]
        assert len(set(ids)) == 3
        assert rest["next"] is None


def test_a_list_goes_on_though_the_last_of_the_page_before_is_gone(browser: TestClient, house: WebHouse) -> None:
    recordings = [house.add_recording(name=f"{n}.wav", duration_s=20.0 + n) for n in range(3)]
    first = browser.get("/api/v1/recordings", params={"limit": 1}).json()
    assert first["next"] == recordings[2]
    browser.delete(f"/api/v1/recordings/{recordings[2]}")
    rest = browser.get("/api/v1/recordings", params={"after": first["next"]}).json()
    assert [one["id"] for one in rest["items"]] == [recordings[1], recordings[0]]


def test_a_job_has_the_fields_of_the_contract(browser: TestClient, house: WebHouse) -> None:
    job_id = house.add_job(state=JobState.RUNNING)

    assert set(browser.get(f"/api/v1/jobs/{job_id}").json()) == JOB_KEYS


def test_a_transcript_has_words_only_where_they_were_timed(browser: TestClient, house: WebHouse) -> None:
    transcript = browser.get(f"/api/v1/recordings/{house.add_recording()}/transcript").json()

    assert transcript["language"] == "en"
    assert transcript["segments"][0]["words"][0]["text"] == "Welcome"
    assert transcript["segments"][0]["time_source"] == "recogniser"


def test_two_recordings_in_one_request_are_refused_before_either_is_taken(browser: TestClient, house: WebHouse) -> None:
    tone = write_tone(house.folder / "tone.wav", duration_s=0.5).read_bytes()

    reply = browser.post("/api/v1/recordings", files=[("file", ("a.wav", tone)), ("file", ("b.wav", tone + b"\0\0"))])

    assert reply.status_code == 400
    assert browser.get("/api/v1/recordings").json()["items"] == []


def test_a_removed_recording_is_gone(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()

    assert browser.delete(f"/api/v1/recordings/{recording_id}").status_code == 204
    assert browser.get(f"/api/v1/recordings/{recording_id}").status_code == 410
    assert browser.delete(f"/api/v1/recordings/{recording_id}").status_code == 410


@pytest.mark.parametrize(
    ("wanted", "beginning"),
    [
        ("json", '{"text":"the yellow form the same day"}'),
        ("text", "the yellow form the same day\n"),
        ("srt", "1\n00:00:00,500"),
        ("vtt", "WEBVTT"),
    ],
)
def test_openais_clients_get_their_transcription(
    browser: TestClient, house: WebHouse, wanted: str, beginning: str
) -> None:
    reply = browser.post(
        "/v1/audio/transcriptions",
        files={"file": ("a.mp3", b"sound")},
        data={"model": "whisper-1", "response_format": wanted},
    )

    assert reply.text.startswith(beginning)
    assert house.engine.heard_files == ["a.mp3"]


def test_verbose_transcriptions_have_segments_and_words(browser: TestClient) -> None:
    reply = browser.post(
        "/v1/audio/transcriptions", files={"file": ("a.mp3", b"sound")}, data={"response_format": "verbose_json"}
    )

    document = reply.json()
    assert document["duration"] == 2.5
    assert document["segments"][0]["start"] == 0.5
    assert document["words"][0]["word"] == "the"


def events_of(reply: httpx.Response) -> list[dict[str, Any]]:
    assert reply.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line.removeprefix("data: ")) for line in reply.text.splitlines() if line.startswith("data: ")]


def streamed(browser: TestClient, wanted: str) -> httpx.Response:
    return browser.post(
        "/v1/audio/transcriptions",
        files={"file": ("a.mp3", b"sound")},
        data={"response_format": wanted, "stream": "true"},
    )


def test_a_streamed_transcription_comes_in_deltas_that_are_the_whole_text(browser: TestClient) -> None:
    *deltas, done = events_of(streamed(browser, "json"))

    assert {event["type"] for event in deltas} == {"transcript.text.delta"}
    assert done == {"type": "transcript.text.done", "text": "the yellow form the same day"}
    assert "".join(event["delta"] for event in deltas) == done["text"]


def test_a_streamed_verbose_transcription_comes_in_segments(browser: TestClient) -> None:
    first, second, done = events_of(streamed(browser, "verbose_json"))

    assert (first["type"], first["id"], first["start"], first["text"]) == (
        "transcript.text.segment", 0, 0.5, "the yellow form",
    )  # fmt: skip
    assert (second["id"], second["end"]) == (1, 2.5)
    assert (done["language"], done["duration"], "segments" in done) == ("en", 2.5, False)


def test_a_stream_that_breaks_off_says_why(browser: TestClient, house: WebHouse) -> None:
    house.engine.fails_midway = True
    delta, failure = events_of(streamed(browser, "json"))

    assert delta["type"] == "transcript.text.delta"
    assert (failure["type"], failure["status"], failure["error"]["code"]) == ("error", 503, "recogniser-down")


def test_subtitles_are_not_streamed(browser: TestClient) -> None:
    reply = streamed(browser, "srt")
    assert (reply.status_code, "not streamed" in reply.text) == (400, True)


def test_an_unknown_format_and_a_missing_file_are_problems(browser: TestClient) -> None:
    odd = browser.post(
        "/v1/audio/transcriptions", files={"file": ("a.mp3", b"sound")}, data={"response_format": "docx"}
    )
    none = browser.post("/v1/audio/transcriptions", files={"other": ("a.mp3", b"sound")})

    assert odd.status_code == none.status_code == 400


def test_the_documentation_lists_every_path_and_loads_nothing_from_elsewhere(browser: TestClient) -> None:
    document = browser.get("/api/openapi.json").json()
    page = browser.get("/api/docs")

    assert "/api/v1/questions" in document["paths"]
    for path in document["paths"]:
        assert path in page.text
    assert 'src="http' not in page.text


def test_health_names_what_runs_and_that_it_is_a_trial(browser: TestClient) -> None:
    health = browser.get("/healthz").json()

    assert health["status"] == "ok"
    assert health["recogniser"]["name"] == "pocketsphinx"
    assert health["recogniser"]["trial"] is True
    assert health["embedder"]["name"] == "all-MiniLM-L6-v2"
    assert health["embedder"]["runs_by"] == "ONNX Runtime"


def test_ready_only_when_every_part_is(browser: TestClient, house: WebHouse) -> None:
    assert browser.get("/readyz").status_code == 200
    loading = trial_state()
    house.engine.now = EngineState(loading.recogniser, _loading(loading), 2)
    assert browser.get("/readyz").status_code == 503
    house.engine.now = None
    assert browser.get("/readyz").status_code == 503
    assert browser.get("/healthz").status_code == 200


def test_a_method_that_somebody_made_up_is_no_label_of_its_own(browser: TestClient) -> None:
    """Else whoever reaches the port fills the registry, with whatever words they like."""
    for made_up in ("SECRETWORD", "SECRETWORD2"):
        browser.request(made_up, "/recordings")
    text = browser.get("/metrics").text
    assert "SECRETWORD" not in text
    assert 'earmark_requests_total{method="other",route="/recordings",status="405"} 2.0' in text


def test_metrics_count_answers_and_routes_but_never_words_or_ids(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()
    browser.post("/ask", data={"text": "secretword"})
    browser.get(f"/recordings/{recording_id}")

    text = browser.get("/metrics").text

    assert 'earmark_answers_total{spoken="no",verdict="absent"} 1.0' in text
    assert "earmark_recordings 1.0" in text
    assert "/recordings/{recording_id}" in text
    assert recording_id not in text
    assert "secretword" not in text


def _loading(state: EngineState) -> ModelState:
    return replace(state.embedder, state="loading")
