"""A home's own verdict: written whole, read at once when it changes, and never trusted where it does not belong."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from assistant.answering.own_verdict import (
    DamagedVerdict,
    OwnVerdict,
    OwnVerdicts,
    read_own_verdict,
    write_own_verdict,
)
from knowledge.finding.refusing import Model, Sight, Verdicts, fitted

DIGEST = "e" * 64
SURE = Verdicts(Model(1.0, {"cosine": 2.0}), Model(0.5, {}), answered_from=0.4, absent_below=0.1)


def own(digest: str = DIGEST, verdicts: Verdicts = SURE) -> OwnVerdict:
    return OwnVerdict("2026-01-02", digest, 40, 20, {Sight.WHOLE: verdicts}, {"held_out": {"F1": 0.5}})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "verdict.json"


def test_what_was_written_is_read(path: Path) -> None:
    write_own_verdict(path, own())
    assert read_own_verdict(path) == own()
    assert str(read_own_verdict(path)) == "of 2026-01-02, from 60 questions (40 of them answerable)"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["verdict.json"]


def test_where_there_is_none_what_ships_decides(path: Path) -> None:
    assert read_own_verdict(path) is None
    assert OwnVerdicts(path)(DIGEST, Sight.WHOLE) == fitted(DIGEST)


def test_a_change_counts_from_the_next_question(path: Path) -> None:
    verdicts_for = OwnVerdicts(path)
    assert verdicts_for(DIGEST, Sight.WHOLE) == fitted(DIGEST)
    write_own_verdict(path, own())
    assert verdicts_for(DIGEST, Sight.WHOLE) == SURE
    shyer = Verdicts(SURE.covered, SURE.right, answered_from=0.9, absent_below=0.1)
    write_own_verdict(path, own(verdicts=shyer))
    assert verdicts_for(DIGEST, Sight.WHOLE) == shyer
    path.unlink()
    assert verdicts_for(DIGEST, Sight.WHOLE) == fitted(DIGEST)


def test_a_sight_that_was_not_fitted_is_judged_by_what_ships(path: Path) -> None:
    write_own_verdict(path, own())
    assert OwnVerdicts(path)(DIGEST, Sight.WITHOUT_TOKENS) == fitted(DIGEST, Sight.WITHOUT_TOKENS)


@pytest.mark.parametrize("digest", ["f" * 64, None])
def test_beside_another_embedder_it_is_not_used(path: Path, digest: str | None) -> None:
    write_own_verdict(path, own())
    verdicts_for = OwnVerdicts(path)
    with capture_logs() as logged:
        told = [verdicts_for(digest, Sight.WHOLE) for _ in range(3)]
    assert told == [fitted(digest)] * 3
    warned = [each for each in logged if each["log_level"] == "warning"]
    assert len(warned) == (0 if digest is None else 1)  # a server logs it once, not at each question
    assert all("another embedder" in each["event"] for each in warned)


def change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 9},
        {"verdicts": {"sideways": {}}},
        {"verdicts": {"whole": {}}},
        {"verdicts": []},
        {"questions": None},
        {"questions": {"answerable": float("inf"), "unanswerable": 20}},
        {"verdicts": {"whole": {"covered": {"intercept": 10**400, "weights": {}}}}},
        {"embedder_digest": DIGEST, "verdicts": {"whole": {"covered": {"intercept": "x", "weights": {}}}}},
    ],
)
def test_a_damaged_file_is_named_and_what_ships_is_used(path: Path, changes: dict[str, Any]) -> None:
    write_own_verdict(path, own())
    change(path, **changes)
    with pytest.raises(DamagedVerdict, match=r"verdict\.json"):
        read_own_verdict(path)
    verdicts_for = OwnVerdicts(path)
    with capture_logs() as logged:
        assert [verdicts_for(DIGEST, Sight.WHOLE) for _ in range(3)] == [fitted(DIGEST)] * 3
    assert [each["log_level"] for each in logged] == ["warning"]
    assert "verdict.json" in logged[0]["reason"]


@pytest.mark.parametrize("text", ["", "[1]", "{", "null", "\x00\xff", "[" * 100_000])
def test_what_is_no_verdict_at_all_is_refused(path: Path, text: str) -> None:
    path.write_text(text, encoding="latin-1")
    with pytest.raises(DamagedVerdict):
        read_own_verdict(path)


def test_a_file_that_was_mended_is_used_again(path: Path) -> None:
    path.write_text("{")
    verdicts_for = OwnVerdicts(path)
    assert verdicts_for(DIGEST, Sight.WHOLE) == fitted(DIGEST)
    write_own_verdict(path, own())
    assert verdicts_for(DIGEST, Sight.WHOLE) == SURE


def test_a_write_that_fails_leaves_the_old_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_own_verdict(path, own())

    def full_disk(_descriptor: int) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_own_verdict(path, own(digest="f" * 64))
    assert read_own_verdict(path) == own()
    assert [each.name for each in path.parent.iterdir()] == ["verdict.json"]
