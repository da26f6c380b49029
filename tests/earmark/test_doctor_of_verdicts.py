"""What doctor says of the verdict that is in use."""

import uuid
from pathlib import Path

import pytest

from assistant.answering.own_verdict import OwnVerdict, write_own_verdict
from earmark.doctor import Finding, Health, examine
from earmark.settings import Settings
from knowledge.finding.refusing import Model, Sight, Verdicts
from knowledge.index.manifest import ManifestDraft, Pointer, seal, write_current

VERDICTS = Verdicts(Model(0.0, {}), Model(0.0, {}), answered_from=0.5, absent_below=0.1)
OWN = OwnVerdict("2026-01-02", "e" * 64, 40, 25, {Sight.WHOLE: VERDICTS}, {})


def verdict(home: Path) -> Finding:
    [found] = [each for each in examine(Settings(home=home)) if each.subject == "verdict"]
    return found


def index_of(home: Path, digest: str) -> None:
    name = str(uuid.UUID(int=1))
    (home / "index" / name).mkdir(parents=True)
    sha256 = seal(home / "index" / name, ManifestDraft(1, "mark", digest, "1", 0))
    write_current(home / "index", Pointer(name, sha256))


def test_without_a_verdict_of_its_own_what_ships_is_in_use(tmp_path: Path) -> None:
    assert verdict(tmp_path) == Finding("verdict", Health.WELL, "what ships")


@pytest.mark.parametrize("indexed", ["e" * 64, None])
def test_a_homes_own_verdict_is_told_with_its_date_and_questions(tmp_path: Path, indexed: str | None) -> None:
    write_own_verdict(
        tmp_path / "verdict.json", OwnVerdict("2026-01-02", "e" * 64, 40, 25, {Sight.WHOLE: VERDICTS}, {})
    )
    if indexed:
        index_of(tmp_path, indexed)
    told = "the company's own, of 2026-01-02, from 65 questions (40 of them answerable)"
    assert verdict(tmp_path) == Finding("verdict", Health.WELL, told)


def test_one_of_another_embedder_is_told_not_to_be_in_use(tmp_path: Path) -> None:
    write_own_verdict(
        tmp_path / "verdict.json", OwnVerdict("2026-01-02", "e" * 64, 40, 25, {Sight.WHOLE: VERDICTS}, {})
    )
    index_of(tmp_path, "f" * 64)
    found = verdict(tmp_path)
    assert (found.health, "another embedder" in found.detail) == (Health.NOTE, True)
    assert "calibrate" in found.way_out


def test_a_damaged_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text("{")
    found = verdict(tmp_path)
    assert (found.health, "verdict.json" in found.detail) == (Health.NOTE, True)
