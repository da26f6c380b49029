"""A reranker through the whole product: set, named, used, explained; wrong or gone, and questions go on."""

import os
import signal
import wave
from pathlib import Path

import httpx
import numpy as np
import pytest

from assistant.engine.live import read_live_engine
from knowledge.model_files import MINILM, packaged_model_folder
from tests.product.running import earmark, serving, wait_until
from tests.small_cross_encoder import small_cross_encoder

SAID = (
    "You report a near miss on the yellow form the same day.",
    "Fire extinguishers hang beside every exit of the hall.",
    "The canteen opens at half past eleven and closes at two.",
    "Holidays are entered by your team lead before the end of March.",
    "The yellow form lies in the foreman's office beside the door.",
    "Visitors wear a helmet and are never left alone in the hall.",
)
ASK = ("ask", "--text", "Where do I report a near miss?", "--no-log", "--explain", "--json")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_cross_encoder(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose recordings brought their subtitles, so that nothing has to be heard."""
    folder = tmp_path_factory.mktemp("reranking")
    for number, text in enumerate(SAID):
        with wave.open(str(folder / f"{number}.wav"), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(16_000)
            sound.writeframes(np.random.default_rng(number).integers(-99, 99, 6 * 16_000, np.int16).tobytes())
        (folder / f"{number}.srt").write_text(f"1\n00:00:00,500 --> 00:00:05,500\n{text}\n")
    files = [folder / f"{number}.wav" for number in range(len(SAID))]
    ran = earmark(folder / "home", "index", *files, "--course", "Safety", "--json")
    assert ran.code == 0, ran.err
    return folder / "home"


@pytest.mark.slow
@pytest.mark.faults
def test_a_reranker_is_named_used_and_explained_and_questions_outlive_it(
    home: Path, model: Path, tmp_path: Path
) -> None:
    with serving(home, tmp_path / "serve.log", EARMARK_RERANKER=str(model)) as server:
        wait_until(lambda: reranker_is(server.http.get("/healthz").json(), "ready"), timeout_s=60, what="a reranker")
        assert server.http.get("/healthz").json()["reranker"]["name"] == "small"
        assert "reranking with small" in server.http.get("/").text
        assert "small" in next(row["detail"] for row in doctor(home, str(model)) if row["subject"] == "engine")

        asked = earmark(home, *ASK)
        assert asked.code == 0, asked.err
        assert asked.json["notes"] == []
        for hit in asked.json["hits"]:
            parts = {each["channel"]: each for each in hit["explain"]["channels"]}
            assert parts["reranked"]["weight"] == 0.5
            points = sum(each["points"] for each in parts.values())
            assert points + hit["explain"]["lowered"] == pytest.approx(hit["score"], abs=1e-3)
        logits = sorted({part_of(hit)["score"] for hit in asked.json["hits"]})
        assert len(logits) > 1
        told = earmark(home, *ASK[:-1])
        assert "question and passage read together" in told.out

        address = read_live_engine(home)
        assert address is not None
        secret = {"Authorization": f"Bearer {address.key}"}
        children = httpx.get(f"{address.url}/v1/children", headers=secret, trust_env=False).json()
        os.kill(children["reranker"]["0"], signal.SIGKILL)
        assert server.http.post("/api/v1/questions", json={"text": ASK[2]}).json()["hits"]
        wait_until(lambda: earmark(home, *ASK).json["notes"] == [], timeout_s=60, what="the reranker again")


@pytest.mark.slow
def test_a_wrong_folder_is_told_in_plain_words_and_answers_come_without(home: Path) -> None:
    wrong = str(packaged_model_folder(MINILM))
    told = next(row for row in doctor(home, wrong) if row["subject"] == "reranker")
    assert told["health"] == "broken"
    assert "is no cross-encoder but BertModel" in told["detail"]
    assert "sequence-classification" in told["way_out"]

    plain, asked = earmark(home, *ASK), earmark(home, *ASK, EARMARK_RERANKER=wrong)
    assert (plain.code, asked.code) == (0, 0)
    assert (plain.json["notes"], asked.json["notes"]) == ([], ["not-reranked"])
    assert [hit["text"] for hit in asked.json["hits"]] == [hit["text"] for hit in plain.json["hits"]]
    assert "reranked" not in str(plain.json)


def reranker_is(health: dict[str, dict[str, str] | None], state: str) -> bool:
    reranker = health["reranker"]
    return reranker is not None and reranker["state"] == state


def doctor(home: Path, reranker: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = earmark(home, "doctor", "--json", EARMARK_RERANKER=reranker).json
    return rows


def part_of(hit: dict[str, dict[str, list[dict[str, float]]]]) -> dict[str, float]:
    return next(each for each in hit["explain"]["channels"] if each["channel"] == "reranked")
