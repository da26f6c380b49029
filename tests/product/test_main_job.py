"""The main job over real processes: recordings in, a question by voice or typed, the right moment out."""

import json
import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import httpx
import pytest

from bench.random_fun_asr import build_small_model
from knowledge.finding.refusing import fitted
from knowledge.model_files import MINILM_SHA256, digest_of
from tests.product.running import Server, command, earmark, processes_of, serving, wait_until

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[2] / "data"


def demo_questions(recording: str, *, spoken: bool) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in (DATA / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        row
        for row in rows
        if ("audio" in row) is spoken and row["expect"] and Path(str(row["expect"]["recording"])).stem == recording
    ]


def test_a_second_index_of_the_same_file_skips_it(indexed_home: Path) -> None:
    listed = earmark(indexed_home, "recordings", "--json").json
    name = listed["items"][0]["recording"]
    course = listed["items"][0]["course"]
    path = next(path for path in (DATA / "courses").rglob("*") if path.name == name)
    again = earmark(indexed_home, "index", path, "--course", course.upper(), "--json")
    assert again.code == 0
    assert again.json["indexed"] == []
    assert again.json["skipped"][0]["recording_id"] == listed["items"][0]["recording_id"]


@pytest.mark.faults
def test_an_index_that_waits_for_another_s_worker_goes_on_alone_when_that_is_gone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    long, short = sorted((DATA / "courses").rglob("*.opus"), key=lambda path: -path.stat().st_size)[:2]
    first = subprocess.Popen(command(home, "index", long), stderr=subprocess.PIPE, text=True, start_new_session=True)
    with first:
        assert first.stderr is not None
        while "listening" not in first.stderr.readline():
            assert first.poll() is None
        second = subprocess.Popen(command(home, "index", short, "--json"), stdout=subprocess.PIPE, text=True)
        with second:
            wait_until(lambda: len(earmark(home, "jobs", "--json").json["items"]) == 2, timeout_s=30, what="two jobs")
            os.killpg(first.pid, signal.SIGKILL)
            out, _ = second.communicate(timeout=150)
    assert second.returncode == 0
    assert len(json.loads(out)["indexed"]) == 1


def test_a_typed_question_gets_the_contracts_document(indexed_home: Path) -> None:
    ran = earmark(indexed_home, "ask", "--text", "What is this recording about?", "--json")
    assert ran.code == 0, ran.err
    assert set(ran.json) >= {
        "id", "question", "verdict", "confident", "probability", "covered", "answer", "hits", "timings_ms",
    }  # fmt: skip
    hit = ran.json["hits"][0]
    assert hit["passage_start_s"] <= hit["start_s"] <= hit["end_s"] <= hit["passage_end_s"] + 0.001
    assert hit["url"] == f"/recordings/{hit['recording_id']}?t={hit['start_s']:.3f}"


def test_why_is_told_to_people_and_to_programs(indexed_home: Path) -> None:
    asked = ("ask", "--text", "What torque does this recording need?", "--no-log", "--explain")
    told = earmark(indexed_home, *asked)
    document = earmark(indexed_home, *asked, "--json").json
    assert told.code == 0, told.err
    assert "Not said here: torque" in told.out
    assert "That the first moment is right:" in told.out
    first = document["hits"][0]
    score = next(line.split("\t")[-1] for line in told.out.splitlines() if line.startswith("score\t"))
    assert float(score) == pytest.approx(first["score"], abs=1e-3)  # both are rounded, to different places
    points = sum(each["points"] for each in first["explain"]["channels"])
    assert points + first["explain"]["lowered"] == pytest.approx(first["score"], abs=1e-3)
    verdicts = fitted(digest_of(MINILM_SHA256))
    for name, weights in (("covered", verdicts.covered.weights), ("right", verdicts.right.weights)):
        assert {each["feature"]: each["weight"] for each in document["explain"][name]["parts"]} == weights


def test_fun_asr_hears_recordings_and_questions_through_the_whole_product(tmp_path: Path) -> None:
    model = build_small_model(tmp_path / "small")
    fun_asr = {"EARMARK_RECOGNIZER": "funasr", "EARMARK_RECOGNIZER_MODEL": str(model)}
    home, recording = tmp_path / "home", min((DATA / "courses").rglob("*.opus"), key=lambda path: path.stat().st_size)
    indexed = earmark(home, "index", recording, "--json", **fun_asr)
    assert indexed.code == 0, indexed.err
    assert indexed.json["indexed"][0]["segments"] > 5
    asked = earmark(home, "ask", DATA / "questions" / "spoken-car.flac", "--json", **fun_asr)
    assert asked.code == 0, asked.err
    assert asked.json["question"]["text"]
    (model / "config.yaml").write_text("model: another\n")
    changed = earmark(home, "transcribe", recording, **fun_asr)
    assert changed.code == 3
    assert "config.yaml" in changed.err


@pytest.mark.parametrize(
    ("wrong", "says"),
    [(("ask", "--bogus"), "--bogus"), (("nonsense",), "nonsense"), (("serve", "--port", "many"), "'--port'")],
)
def test_wrong_use_is_told_in_a_line_or_two(tmp_path: Path, wrong: tuple[str, ...], says: str) -> None:
    ran = earmark(tmp_path / "home", *wrong)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert says in ran.err


def test_a_course_nobody_knows_is_refused_with_those_there_are(indexed_home: Path) -> None:
    ran = earmark(indexed_home, "ask", "--text", "anything?", "--course", "Juggling")
    assert ran.code == 2
    assert "no course is called Juggling; known: " in ran.err


def test_chinese_is_refused_of_the_english_trial_recogniser(indexed_home: Path) -> None:
    recording = next(path for path in (DATA / "courses").rglob("*") if path.is_file())
    ran = earmark(indexed_home, "transcribe", recording, "--language", "zh")
    assert ran.code == 2
    assert "zh" in ran.err
    assert "English" in ran.err


def test_a_second_server_on_the_same_home_names_the_first(server: Server) -> None:
    second = earmark(server.home, "serve", "--port", "0")
    assert second.code == 2
    assert str(server.process.pid) in second.err


def test_a_taken_port_is_named(server: Server, tmp_path: Path) -> None:
    port = server.address.rsplit(":", 1)[1]
    second = earmark(tmp_path / "other", "serve", "--port", port)
    assert second.code == 2
    assert f"port {port}" in second.err
    assert "in use" in second.err


def test_a_recording_just_indexed_is_findable_by_a_running_server_and_gone_once_removed(
    server: Server, indexed_home: Path
) -> None:
    known = {item["recording"] for item in earmark(indexed_home, "recordings", "--json").json["items"]}
    path = next(p for p in sorted((DATA / "courses").rglob("*")) if p.is_file() and p.name not in known)
    indexed = earmark(server.home, "index", path, "--course", "Just now", "--json")
    assert indexed.code == 0, indexed.err
    recording_id = indexed.json["indexed"][0]["recording_id"]
    question = (DATA / "truth" / f"{path.stem}.txt").read_text(encoding="utf-8").split(".")[0]

    def found() -> bool:
        answer = server.http.post("/api/v1/questions", json={"text": question}).json()
        return any(hit["recording_id"] == recording_id for hit in answer["hits"])

    assert wait_until(found, timeout_s=5, what="the new recording is found") < 5
    assert earmark(server.home, "remove", recording_id).code == 0
    assert not found()
    noted = earmark(server.home, "audit", "show", "--json", "--object", f"recording:{recording_id}").json["items"]
    assert [row["action"] for row in noted] == ["recording-removed", "recording-added"]
    assert {row["actor"] for row in noted} == {"command-line"}


def test_a_spoken_question_through_the_api_finds_its_recording(server: Server) -> None:
    name = earmark(server.home, "recordings", "--json").json["items"][0]["recording"]
    rows = demo_questions(Path(name).stem, spoken=True) or pytest.fail("the demo course has no spoken question for it")
    sound = DATA / str(rows[0]["audio"])
    answer = server.http.post("/api/v1/questions", files={"audio": (sound.name, sound.read_bytes())}).json()
    assert answer["question"]["text"]
    assert answer["hits"][0]["recording"] == name
    assert answer["timings_ms"]["recognise"] > 0


@pytest.mark.faults
@pytest.mark.parametrize("part", ["engine", "worker", "web"])
def test_a_killed_process_comes_back_and_questions_go_on(server: Server, part: str) -> None:
    victim = next(pid for pid, line in processes_of(server.home) if f" {part}" in line)
    os.kill(victim, signal.SIGKILL)

    def answers() -> bool:
        try:
            reply = server.http.post("/api/v1/questions", json={"text": "How do I report a near miss?"})
        except httpx.HTTPError:
            return False
        return reply.status_code == 200 and reply.json()["timings_ms"]["embed"] > 0 and not reply.json()["notes"]

    wait_until(answers, timeout_s=60, what=f"questions are answered after {part} was killed")
    wait_until(
        lambda: any(f" {part}" in line for pid, line in processes_of(server.home) if pid != victim),
        timeout_s=30,
        what=f"{part} runs again",
    )


@pytest.mark.faults
def test_nothing_is_left_running_when_the_parent_is_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(home, tmp_path / "log") as running:
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait(5)
        wait_until(lambda: not processes_of(home), timeout_s=15, what="no process of this home is left")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert earmark(home, "recordings").code == 0
    with sqlite3.connect(home / "earmark.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    ran = earmark(home, "recordings")
    assert ran.code == 2
    assert "9999_from_the_future" in ran.err


def test_an_unknown_setting_is_refused_with_the_nearest(tmp_path: Path) -> None:
    ran = earmark(tmp_path / "home", "recordings", EARMARK_RECOGNISER="remote")
    assert ran.code == 2
    assert "did you mean EARMARK_RECOGNIZER" in ran.err
