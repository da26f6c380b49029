"""Error rates and speed over a manifest."""

import json
from pathlib import Path

import pytest

from assistant.errors import BadInput, UnknownLanguage
from earmark.bench.asr import HeardText, run_asr_bench

LINES = [
    {"audio_filepath": "a.flac", "duration": 4.0, "text": "Close the fire door.", "language": "en", "speech": "human"},
    {"audio_filepath": "b.flac", "duration": 6.0, "text": "Bay 14 is closed.", "language": "en", "speech": "human"},
    {"audio_filepath": "c.flac", "duration": 2.0, "text": "请戴好安全帽。", "language": "zh", "speech": "human"},
    {"audio_filepath": "d.flac", "duration": 3.0, "text": "Guten Tag", "language": "de"},
]
HEARD = {"a": "close a fire door", "b": "bay fourteen is closed", "c": "请带好安全帽"}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in LINES) + "\n")
    return path


def transcribe(path: Path, language: str | None) -> HeardText:
    if language == "de":
        raise UnknownLanguage("language 'de'", "ask in English")
    return HeardText(HEARD[path.stem], recognise_s=0.5)


def test_each_language_and_kind_is_counted_apart(manifest: Path) -> None:
    rows = {(row.language, row.speech): row for row in run_asr_bench(manifest, transcribe).rows}
    english, chinese = rows["en", "human"], rows["zh", "human"]
    assert english.words.rate == pytest.approx(1 / 8)
    assert english.rtfx == pytest.approx(10.0)
    assert chinese.words.rate == chinese.characters.rate == pytest.approx(1 / 6)
    assert rows["de", "unknown"].words.deleted == 2


def test_a_file_that_fails_is_named_and_harms_no_other(manifest: Path) -> None:
    report = run_asr_bench(manifest, transcribe)
    assert [(Path(path).name, "'de'" in reason) for path, reason in report.failures] == [("d.flac", True)]
    assert sum(row.utterances - row.failed for row in report.rows) == 3


def test_the_report_is_a_table_and_a_document(manifest: Path) -> None:
    report = run_asr_bench(manifest, transcribe)
    assert "| en | human | 2 | 0 | 10 | 12.5 |" in report.as_table()
    document = json.loads(json.dumps(report.as_document()))
    assert [row["language"] for row in document["rows"]] == ["de", "en", "zh"]


def test_every_file_is_told_of_as_it_ends(manifest: Path) -> None:
    told: list[str] = []
    run_asr_bench(manifest, transcribe, on_file=lambda heard: told.append(heard.utterance.path.name))
    assert told == ["a.flac", "b.flac", "c.flac", "d.flac"]


@pytest.mark.parametrize("text", ["", "\n", "not json", "[]", '{"audio_filepath": "a"}', '{"duration": "long"}'])
def test_a_broken_manifest_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.jsonl").write_text(text)
    with pytest.raises(BadInput, match=r"m\.jsonl"):
        run_asr_bench(tmp_path / "m.jsonl", transcribe)


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        run_asr_bench(tmp_path / "none.jsonl", transcribe)
