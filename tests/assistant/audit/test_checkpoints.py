"""Statements: signed, kept outside the database, believed only with their key; over both databases."""

import dataclasses
import datetime as dt
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from assistant.audit.checkpoints import (
    CheckpointBook,
    check_all,
    check_newest,
    last_sight,
    make_checkpoint,
    mark_restored,
)
from assistant.audit.event import AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.audit.reading import AuditFilter, read
from assistant.audit.signing_key import PRIVATE, PUBLIC, UnusableKey, read_public_keys, signing_key
from assistant.audit.statement import Statement, StatementKind, read_signed, sign
from assistant.audit.tables import AuditRow
from assistant.audit.verify import Fault
from knowledge.database import Database
from tests.assistant.audit.chains import MINUTE, NOON, chain_of

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
SAID = Statement(StatementKind.CHECKPOINT, 7, "a" * 64, NOON)


@pytest.fixture
def book(tmp_path: Path) -> CheckpointBook:
    return CheckpointBook(tmp_path, tmp_path / "elsewhere" / "checkpoints.jsonl")


def write(database: Database, count: int, *, start: dt.datetime = NOON) -> None:
    with database.write() as session:
        for number in range(count):
            append(session, AuditEvent("p-1", AuditAction.EXPORTED, "course", f"c-{number}"), now=start)


def bend(database: Database, statement: str) -> None:
    with database.write() as session:
        session.execute(text(statement))


def faults(database: Database, book: CheckpointBook) -> list[tuple[int, Fault]]:
    return [(each.seq, each.fault) for each in check_all(database, book)]


class TestLines:
    def test_a_statement_comes_back_from_its_line(self) -> None:
        signed = read_signed([sign(SAID, KEY) + "\n", "\n"], [OTHER_KEY.public_key(), KEY.public_key()])
        assert signed.statements == (SAID,)
        assert signed.forged == signed.cut_short == ()

    def test_a_line_of_another_key_is_not_believed(self) -> None:
        signed = read_signed([sign(SAID, OTHER_KEY)], [KEY.public_key()])
        assert signed.statements == ()
        assert "not among those to trust" in signed.forged[0][1]

    @given(st.data())
    def test_no_changed_line_is_believed(self, data: st.DataObject) -> None:
        line = sign(SAID, KEY)
        at = data.draw(st.integers(0, len(line) - 1))
        letter = data.draw(st.characters(codec="utf-8", exclude_characters=line[at]))
        changed = line[:at] + letter + line[at + 1 :]
        signed = read_signed([changed], [KEY.public_key()])
        assert signed.statements in ((), (SAID,))
        assert signed.statements == () or json.loads(changed) == json.loads(line)

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("{}", "fields of a statement"),
            ("[1}", "not JSON"),
            (json.dumps({**json.loads(sign(SAID, KEY)), "seq": "7"}), "right kinds"),
            (json.dumps({**json.loads(sign(SAID, KEY)), "seq": 8}), "does not belong"),
            (json.dumps({**json.loads(sign(SAID, KEY)), "signature": "ä"}), "does not belong"),
        ],
    )
    def test_a_broken_line_is_named_with_why(self, line: str, why: str) -> None:
        [(number, told)] = read_signed(["", line], [KEY.public_key()]).forged
        assert number == 2
        assert why in told

    def test_a_line_cut_short_by_a_power_failure_is_no_forgery(self) -> None:
        signed = read_signed([sign(SAID, KEY), sign(SAID, KEY)[:40]], [KEY.public_key()])
        assert (signed.cut_short, signed.forged) == ((2,), ())


class TestKey:
    def test_it_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        folder = tmp_path / "keys"
        first = signing_key(folder)
        assert signing_key(folder).private_bytes_raw() == first.private_bytes_raw()
        assert (folder.stat().st_mode & 0o777, (folder / PRIVATE).stat().st_mode & 0o777) == (0o700, 0o600)
        [public] = read_public_keys([folder / PUBLIC])
        assert public.public_bytes_raw() == first.public_key().public_bytes_raw()
        assert sorted(path.name for path in folder.iterdir()) == [PRIVATE, PUBLIC]

    def test_of_many_that_make_it_at_once_all_get_the_same(self, tmp_path: Path) -> None:
        make = "import sys, pathlib; from assistant.audit.signing_key import signing_key;"
        make += "print(signing_key(pathlib.Path(sys.argv[1])).private_bytes_raw().hex())"
        makers = [
            subprocess.Popen([sys.executable, "-c", make, tmp_path / "keys"], stdout=subprocess.PIPE) for _ in range(4)
        ]
        assert len({maker.communicate(timeout=60)[0] for maker in makers}) == 1

    @pytest.mark.parametrize("name", [PRIVATE, PUBLIC])
    def test_a_broken_one_is_named(self, tmp_path: Path, name: str) -> None:
        signing_key(tmp_path)
        (tmp_path / name).write_text("nothing")
        with pytest.raises(UnusableKey, match=name):
            signing_key(tmp_path) if name == PRIVATE else read_public_keys([tmp_path / PUBLIC])


class TestBook:
    def test_a_checkpoint_says_where_the_log_stands_and_is_made_once(
        self, databases: Database, book: CheckpointBook
    ) -> None:
        assert make_checkpoint(databases, book, now=NOON) is None
        write(databases, 3)
        made = make_checkpoint(databases, book, now=NOON)
        assert made is not None
        assert (made.seq, made.kind) == (3, StatementKind.CHECKPOINT)
        assert make_checkpoint(databases, book, now=NOON + MINUTE) is None
        write(databases, 1)
        make_checkpoint(databases, book, now=NOON + MINUTE)
        assert [each.seq for each in book.signed().statements] == [3, 4]
        assert book.file.stat().st_mode & 0o777 == 0o600
        assert faults(databases, book) == []
        assert check_newest(databases, book) == []

    def test_the_next_line_stands_apart_from_one_that_was_cut_short(self, book: CheckpointBook) -> None:
        book.add(SAID)
        with book.file.open("a") as file:
            file.write('{"kind":"check')
        book.add(dataclasses.replace(SAID, seq=8))
        signed = book.signed()
        assert [each.seq for each in signed.statements] == [7, 8]
        assert signed.cut_short == (2,)

    def test_the_newest_are_found_without_reading_all(self, book: CheckpointBook) -> None:
        key = signing_key(book.key_folder)
        book.file.parent.mkdir()
        lines = [sign(dataclasses.replace(SAID, seq=seq), key) for seq in range(1, 600)]
        book.file.write_text("\n".join(lines) + "\n")
        last = last_sight(book.newest())
        assert last is not None
        assert last.seq == 599
        assert len(book.newest()) < 400

    def test_many_processes_add_whole_lines(self, book: CheckpointBook) -> None:
        add = """
import dataclasses, sys, pathlib
from assistant.audit.checkpoints import CheckpointBook
from tests.assistant.audit.test_checkpoints import SAID
for number in range(20):
    CheckpointBook(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])).add(SAID)
"""
        adders = [subprocess.Popen([sys.executable, "-c", add, book.home, book.file]) for _ in range(3)]
        assert [adder.wait(60) for adder in adders] == [0, 0, 0]
        signed = book.signed()
        assert (len(signed.statements), signed.forged, signed.cut_short) == (60, (), ())


class TestChecking:
    """Bent where it lies: in the database."""

    @pytest.fixture
    def log(self, databases: Database, book: CheckpointBook) -> Database:
        for number in range(4):
            write(databases, 3, start=NOON + number * MINUTE)
            make_checkpoint(databases, book, now=NOON + number * MINUTE)
        write(databases, 2, start=NOON + 4 * MINUTE)
        return databases

    @pytest.mark.parametrize(
        ("statement", "expected"),
        [
            ("update audit set actor = 'p-9' where seq = 5", [(5, Fault.EDITED)]),
            ("update audit set details = '{ }' where seq = 5", [(5, Fault.EDITED)]),
            ("update audit set at = 'never' where seq = 13", [(13, Fault.EDITED), (13, Fault.EDITED)]),
            ("update audit set hash = previous where seq = 14", [(14, Fault.EDITED)]),
            ("delete from audit where seq = 5", [(5, Fault.MISSING)]),
            ("delete from audit where seq < 5", [(1, Fault.MISSING)]),
            ("delete from audit where seq > 10", [(10, Fault.TRUNCATED)]),
            ("delete from audit", [(0, Fault.TRUNCATED)]),
        ],
    )
    def test_what_was_bent_is_named(
        self, log: Database, book: CheckpointBook, statement: str, expected: list[tuple[int, Fault]]
    ) -> None:
        assert faults(log, book) == []
        bend(log, statement)
        assert faults(log, book) == expected

    @pytest.mark.parametrize("seq", [12, 13, 14])
    def test_bent_newest_rows_are_found_by_the_quick_check_too(
        self, log: Database, book: CheckpointBook, seq: int
    ) -> None:
        assert check_newest(log, book) == []
        bend(log, f"update audit set outcome = 'failed' where seq = {seq}")
        assert [each.seq for each in check_newest(log, book)] == [seq]

    def test_a_cut_log_is_found_by_the_quick_check_too(self, log: Database, book: CheckpointBook) -> None:
        bend(log, "delete from audit where seq > 10")
        assert [each.fault for each in check_newest(log, book)] == [Fault.TRUNCATED]

    def test_a_bent_log_is_signed_on_and_still_found(self, log: Database, book: CheckpointBook) -> None:
        bend(log, "delete from audit where seq > 10")
        write(log, 5, start=NOON + 9 * MINUTE)
        assert make_checkpoint(log, book, now=NOON + 9 * MINUTE) is not None
        assert faults(log, book) == [(11, Fault.UNTIMELY), (12, Fault.REWRITTEN)]

    def test_a_forged_line_is_found(self, log: Database, book: CheckpointBook) -> None:
        with book.file.open("a") as file:
            file.write(sign(SAID, OTHER_KEY) + "\n")
        assert faults(log, book) == [(5, Fault.FORGED)]

    def test_a_backup_put_back_is_said_and_then_no_finding(self, log: Database, book: CheckpointBook) -> None:
        bend(log, "delete from audit where seq > 7")  # what restoring an older database comes to
        assert faults(log, book) == [(7, Fault.TRUNCATED)]
        assert mark_restored(log, book, now=NOON + 20 * MINUTE) is not None
        assert faults(log, book) == []
        write(log, 9, start=NOON + 21 * MINUTE)
        make_checkpoint(log, book, now=NOON + 21 * MINUTE)
        assert faults(log, book) == check_newest(log, book) == []
        assert mark_restored(log, book, now=NOON + 22 * MINUTE) is None


@pytest.mark.parametrize("bytes_", ["cast(x'ff' as text)", "x'00ff'", "7"])
def test_bytes_that_are_no_text_are_found_in_sqlite_and_hide_no_other(
    database: Database, book: CheckpointBook, bytes_: str
) -> None:
    write(database, 3)
    bend(database, f"update audit set actor = {bytes_} where seq = 2")
    assert (2, Fault.EDITED) in faults(database, book)
    assert {seq for seq, _ in faults(database, book)} <= {2, 3}
    with database.read() as session:
        assert [each.seq for each in read(session, AuditFilter()).entries] == [3, 2, 1]


def test_a_long_log_is_verified_in_the_memory_of_a_short_one(databases: Database, book: CheckpointBook) -> None:
    with databases.write() as session:
        session.execute(insert(AuditRow), [dataclasses.asdict(row) for row in chain_of(20_000)])
    tracemalloc.start()
    assert faults(databases, book) == []
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 8e6  # 3.5 MB; all rows together are 16 MB


def test_a_checkpoint_file_that_cannot_be_written_says_so(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    write(database, 1)
    with pytest.raises(OSError, match="file"):
        make_checkpoint(database, CheckpointBook(tmp_path, tmp_path / "file" / "checkpoints.jsonl"), now=NOON)
    assert not os.path.exists(tmp_path / "file" / "checkpoints.jsonl")  # noqa: PTH110
