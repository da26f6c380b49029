"""`earmark bench calibrate` as a company runs it: looked at, kept, told by doctor, carried away, taken back."""

import json
import re
import shutil
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.recordings import store as recordings
from knowledge.transcripts import store as transcripts
from tests.product.running import earmark, serving

pytestmark = pytest.mark.slow

TRADES = ("violin", "glacier", "sonnet", "volcano", "chess", "orchid", "comet", "yeast", "samurai", "opera", "saddle")
UNTAUGHT = [f"{ask} {trade}?" for ask in ("Who first wrote about the", "What does one pay for a") for trade in TRADES]
"""About what no recording of the demo course says anything of."""


@pytest.fixture
def home(indexed_home: Path, tmp_path: Path) -> Path:
    shutil.copytree(indexed_home, tmp_path / "home", ignore=shutil.ignore_patterns("run"))
    return tmp_path / "home"


@pytest.fixture
def questions(home: Path, tmp_path: Path) -> Path:
    """Two questions for what each segment says, and as many about nothing here."""
    database = Database(f"sqlite:///{home / 'earmark.db'}")
    with database.read() as session:
        [recording] = recordings.list_recordings(session)
        said = transcripts.segments_of(session, recording.id, recording.revision or 1)
    database.close()
    taught = [each for each in said if len(re.findall(r"\w+", each.text)) >= 4]
    rows = [
        {
            "id": f"taught-{asked}-{at}",
            "question": f"{asked} {each.text}?",
            "recording": recording.name,
            "start_s": each.start_s,
            "end_s": each.end_s,
        }
        for asked in ("What is said about", "Who explains")
        for at, each in enumerate(taught)
    ]
    rows += [{"id": f"not-{at}", "question": text, "answers": []} for at, text in enumerate(UNTAUGHT)]
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_verdict_of_ones_own_is_looked_at_kept_and_taken_back(home: Path, questions: Path, tmp_path: Path) -> None:
    calibrate = ("bench", "calibrate", "--questions", questions)
    looked = earmark(home, *calibrate)
    assert looked.code == 0, looked.err
    assert "covered AUROC: " in looked.out
    assert re.search(r"^answerable: answered \d+ → \d+, closest", looked.out, re.MULTILINE)
    assert "nothing is changed" in looked.out
    assert not (home / "verdict.json").exists()

    with serving(home, tmp_path / "serve.log") as server:
        asked = {"text": "What is this recording about?", "explain": True}
        before = server.http.post("/api/v1/questions", json=asked).json()
        kept = earmark(home, *calibrate, "--write", "--json")
        assert kept.code == 0, kept.err
        after = server.http.post("/api/v1/questions", json=asked).json()
    document = json.loads((home / "verdict.json").read_text())
    whole = document["verdicts"]["whole"]
    assert kept.json["written"] == str(home / "verdict.json")
    assert before["explain"]["answered_from"] != after["explain"]["answered_from"] == whole["answered_from"]
    assert document["questions"]["answerable"] >= 20 <= document["questions"]["unanswerable"]

    [told] = [each for each in earmark(home, "doctor", "--json").json if each["subject"] == "verdict"]
    assert f"the company's own, of {document['fitted']}" in told["detail"]
    assert earmark(home, "bench", "calibrate", "--reset").code == 0
    assert not (home / "verdict.json").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--reset alone"),
        (("--reset", "--write"), "--reset alone"),
        (("--questions", "nowhere.jsonl"), "nowhere.jsonl: cannot be read"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    ran = earmark(tmp_path / "home", "bench", "calibrate", *arguments)
    assert (ran.code, told in ran.err) == (2, True), ran.err


def test_too_few_questions_are_refused_before_any_is_asked(home: Path, questions: Path) -> None:
    questions.write_text("".join(questions.read_text().splitlines(keepends=True)[:24]))
    ran = earmark(home, "bench", "calibrate", "--questions", questions, "--write")
    assert ran.code == 2
    assert "24 answerable and 0 unanswerable questions are too few" in ran.err
    assert "asking" not in ran.err
    assert not (home / "verdict.json").exists()
