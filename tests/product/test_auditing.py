"""`earmark audit` as a person uses it: read, export, sign, verify; and what is said when somebody bent the log."""

import csv
import json
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.product.running import Server, earmark


def bend(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "earmark.db")) as database, database:
        database.execute(statement)


@pytest.fixture(scope="module")
def signed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("signed") / "home"
    for command in ("show", "show", "show", "checkpoint", "show"):
        assert earmark(home, "audit", command).code == 0
    return home


def test_a_name_that_somebody_looks_for_does_not_get_into_the_log(home: Path) -> None:
    assert earmark(home, "audit", "show", "--actor", "Anna Smith", "--object", "Anna Smith").code == 0
    assert earmark(home, "audit", "show", "--since", "0001-01-01T00:00:00+14:00").code == 2
    newest = earmark(home, "audit", "show", "--json").json["items"][0]
    assert newest["details"] == {"by_actor": True, "by_object_id": True}


@pytest.fixture
def home(signed_home: Path, tmp_path: Path) -> Path:
    """With four rows, the first three signed for."""
    return Path(shutil.copytree(signed_home, tmp_path / "home"))


def test_a_log_left_alone_verifies_and_reads_newest_first(home: Path) -> None:
    ran = earmark(home, "audit", "verify")
    assert (ran.code, ran.out) == (0, "")
    assert "rows 1 to 4, against 1 signed statements: nobody bent them" in ran.err
    page = earmark(home, "audit", "show", "--json", "--limit", "2").json
    assert [(row["seq"], row["action"], row["actor"]) for row in page["items"]] == [
        (4, "audit-read", "command-line"), (3, "audit-read", "command-line"),
    ]  # fmt: skip
    further = earmark(home, "audit", "show", "--json", "--after", str(page["next"])).json
    assert [row["seq"] for row in further["items"]] == [2, 1]
    assert earmark(home, "audit", "show", "--actor", "p-1", "--since", "2026-01-01").out == ""


def test_what_was_bent_is_named_with_exit_code_one(home: Path) -> None:
    bend(home, "update audit set actor = 'nobody' where seq = 2")
    assert earmark(home, "audit", "verify").err.splitlines()[-1].endswith(": 1 finding")
    bend(home, "delete from audit where seq > 2")
    ran = earmark(home, "audit", "verify")
    assert ran.code == 1
    assert [line.split(":")[:2] for line in ran.out.splitlines()] == [["row 2", " edited"], ["row 2", " truncated"]]
    document = earmark(home, "audit", "verify", "--json")
    assert (document.code, document.json["findings"], document.json["last"]) == (1, 2, 2)
    assert earmark(home, "audit", "checkpoint").code == 1
    found = {row["subject"]: row for row in earmark(home, "doctor", "--json").json}["audit log"]
    assert (found["health"], "earmark audit verify" in found["way_out"]) == ("broken", True)


def test_copies_kept_elsewhere_find_what_was_made_anew_with_the_key(home: Path, tmp_path: Path) -> None:
    """Whoever has the whole server: log, checkpoints and key are other ones now."""
    copies = tmp_path / "copies"
    copies.mkdir()
    shutil.copy(home / "audit" / "checkpoints.jsonl", copies)
    shutil.copy(home / "keys" / "audit-signing.pub", copies)
    for gone in ("audit", "keys"):
        shutil.rmtree(home / gone)
    bend(home, "delete from audit")
    for _ in range(4):
        earmark(home, "audit", "show")
    assert earmark(home, "audit", "checkpoint").code == 0
    assert earmark(home, "audit", "verify").code == 0
    against = ("--checkpoints", copies / "checkpoints.jsonl", "--public-key", copies / "audit-signing.pub")
    ran = earmark(home, "audit", "verify", *against)
    assert (ran.code, "row 3: rewritten" in ran.out) == (1, True), ran.out


def test_checkpoints_go_where_the_setting_says(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "share" / "checkpoints.jsonl"
    ran = earmark(home, "audit", "checkpoint", EARMARK_AUDIT_CHECKPOINTS=str(file))
    assert (ran.code, ran.out) == (0, file.read_text())
    again = earmark(home, "audit", "checkpoint", EARMARK_AUDIT_CHECKPOINTS=str(file))
    assert (again.code, again.out, file.read_text()) == (0, ran.out, ran.out)
    assert stat.S_IMODE((home / "keys" / "audit-signing.key").stat().st_mode) == 0o600


def test_an_export_is_whole_and_told_of(home: Path, tmp_path: Path) -> None:
    assert earmark(home, "audit", "export", tmp_path / "log.csv", "--object", "audit:").code == 0
    with (tmp_path / "log.csv").open(newline="") as file:
        assert [row["seq"] for row in csv.DictReader(file)] == ["1", "2", "3", "4"]
    assert earmark(home, "audit", "export", tmp_path / "log.jsonl").code == 0
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert (last["action"], last["details"]) == (
        "audit-exported", {"format": "csv", "by_object_kind": True, "rows": 4},
    )  # fmt: skip
    assert stat.S_IMODE((tmp_path / "log.csv").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export", "{}/log.xls"), ".csv or .jsonl"),
        (("export", "{}/there.csv"), "exists already"),
        (("export", "{}/nowhere/log.csv"), "cannot be written"),
        (("show", "--since", "yesterday"), "no day or time"),
        (("show", "--action", "dancing"), "dancing"),
        (("verify", "--checkpoints", "{}/nowhere"), "no such file"),
        (("verify", "--public-key", "{}/there.csv"), "cannot be read as a public key"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    (tmp_path / "there.csv").write_text("keep me")
    given = [argument.replace("{}", str(tmp_path)) for argument in arguments]
    refused = earmark(tmp_path / "home", "audit", *given)
    assert (refused.code, says in refused.err, "Traceback" in refused.err) == (2, True, False), refused.err
    assert (tmp_path / "there.csv").read_text() == "keep me"


def test_a_backup_put_back_is_told_and_is_no_finding(home: Path, tmp_path: Path) -> None:
    assert earmark(home, "backup", tmp_path / "all.tar").code == 0
    for command in ("show", "show", "checkpoint"):
        assert earmark(home, "audit", command).code == 0
    assert earmark(home, "restore", tmp_path / "all.tar", "--force").code == 0
    ran = earmark(home, "audit", "verify")
    assert (ran.code, "a backup was put back that ends with row 4" in ran.err) == (0, True), ran.out + ran.err
    newest = earmark(home, "audit", "show", "--json").json["items"]
    assert [(row["seq"], row["action"]) for row in newest[:2]] == [(5, "backup-restored"), (4, "audit-read")]


@pytest.mark.slow
def test_all_of_it_works_beside_a_running_server(server: Server) -> None:
    for arguments in (("show",), ("checkpoint",), ("verify",)):
        ran = earmark(server.home, "audit", *arguments)
        assert ran.code == 0, ran.err
