"""`earmark courses`: what is there, and how each is heard from now on."""

from pathlib import Path

import pytest

from tests.product.running import earmark

SPOKEN = Path(__file__).parents[2] / "data" / "questions" / "spoken-fire.flac"


@pytest.mark.slow
def test_a_course_is_told_how_it_is_heard(tmp_path: Path) -> None:
    assert earmark(tmp_path, "index", SPOKEN, "--course", "Safety").code == 0

    told = earmark(tmp_path, "courses", "safety", "--language", "英文", "--no-itn", "--json")
    assert (told.code, told.json["items"][0]["language"], told.json["items"][0]["itn"]) == (0, "en", False)
    told = earmark(tmp_path, "courses", "Safety", "--language", "any", "--itn", "--json")
    assert (told.json["items"][0]["language"], told.json["items"][0]["itn"]) == (None, True)

    for wrong, says in (
        (("Nowhere", "--language", "en"), "there is no course Nowhere"),
        (("--language", "en"), "no course is named"),
        (("Safety", "--language", "../etc"), "no code of a language"),
    ):
        refused = earmark(tmp_path, "courses", *wrong)
        assert (refused.code, says in refused.err) == (2, True), refused.err


def test_a_socket_that_cannot_be_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("keep me")
    for path, says in ((tmp_path / "nowhere" / "web.sock", "no such folder"), (tmp_path / "notes.txt", "no socket")):
        refused = earmark(tmp_path / "home", "web", "--socket", path, timeout_s=60)
        assert (refused.code, says in refused.err, "Traceback" in refused.err) == (2, True, False), refused.err
    assert (tmp_path / "notes.txt").read_text() == "keep me"


def test_doctor_says_what_is_wrong_with_an_aligner(tmp_path: Path) -> None:
    for recogniser, folder, health in (
        ("pocketsphinx", tmp_path, "note"), ("remote", tmp_path / "nowhere", "broken"),
    ):  # fmt: skip
        found = earmark(
            tmp_path, "doctor", "--json", EARMARK_ALIGNER=str(folder), EARMARK_RECOGNIZER=recogniser,
            EARMARK_RECOGNIZER_URL="http://127.0.0.1:9",
        ).json  # fmt: skip
        assert next(row["health"] for row in found if row["subject"] == "aligner") == health
