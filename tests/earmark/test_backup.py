"""Backups: everything comes back, consistent even when the server runs; nothing that was tampered with comes in."""

import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from assistant.audit.checkpoints import CheckpointBook, make_checkpoint
from assistant.audit.event import COMMAND_LINE, AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.errors import BadInput, Busy
from assistant.topics import store
from assistant.topics.rules import TopicRules
from assistant.topics.updating import update_topics
from assistant.topics.week import Week
from earmark.backup import (
    MANIFEST,
    BackupFailedError,
    BadArchiveError,
    HomeNotEmptyError,
    backup,
    restore,
)
from earmark.migrations import NewerSchemaError, migrate
from knowledge.database import Database, utc_now
from knowledge.file_lock import file_lock
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Recording
from knowledge.transcripts import store as transcripts
from tests.assistant.topics.logs import ask, people
from tests.postgres import PostgresServer
from tests.shelf import enter, publish, remove, shelve


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "old"
    (home / "index").mkdir(parents=True)
    (home / "index" / "CURRENT").write_text("a cache")
    (home / "earmark.toml").write_text("engine_key = 'secret'")
    return home


@pytest.fixture
def filled(home: Path) -> Iterator[Database]:
    """A home with two recordings, one of them removed."""
    database = Database(f"sqlite:///{home / 'earmark.db'}")
    migrate(database, home)
    for recording in (shelve(database, ["put on the gloves", "close the door"]), shelve(database, ["gone"])):
        give_files(home, recording.recording_id)
    remove(database, recording.recording_id)
    yield database
    database.close()


def test_the_key_that_signs_for_the_audit_log_stays_out(home: Path, filled: Database, tmp_path: Path) -> None:
    with filled.write() as session:
        append(session, AuditEvent(COMMAND_LINE, AuditAction.BACKUP_MADE))
    book = CheckpointBook(home, home / "audit" / "checkpoints.jsonl")
    make_checkpoint(filled, book, now=utc_now())
    key = (home / "keys" / "audit-signing.key").read_bytes()
    backup(home, filled, tmp_path / "all.tar")
    with tarfile.open(tmp_path / "all.tar") as archive:
        assert not [name for name in archive.getnames() if name.startswith(("keys", "audit"))]
    assert key.splitlines()[1] not in (tmp_path / "all.tar").read_bytes()


def test_what_was_backed_up_comes_back(home: Path, filled: Database, tmp_path: Path) -> None:
    written = backup(home, filled, tmp_path / "all.tar")
    read = restore(tmp_path / "all.tar", tmp_path / "new")
    assert (read.files, read.size_bytes) == (written.files, written.size_bytes)
    assert written.missing == ()
    fresh = Database(f"sqlite:///{tmp_path / 'new' / 'earmark.db'}")
    with filled.read() as before, fresh.read() as after:
        [recording] = recordings.list_recordings(after)
        assert [recording] == recordings.list_recordings(before)
        assert ids_of(recordings.list_recordings(after, removed=True)) == ids_of(
            recordings.list_recordings(before, removed=True)
        )
        assert transcripts.segments_of(after, recording.id, 1) == transcripts.segments_of(before, recording.id, 1)
    assert sound_of(tmp_path / "new", recording.id) == sound_of(home, recording.id)
    fresh.close()


def test_neither_the_index_nor_settings_nor_removed_files_are_in_a_backup(
    home: Path, filled: Database, tmp_path: Path
) -> None:
    backup(home, filled, tmp_path / "all.tar")
    with filled.read() as session:
        [kept] = recordings.list_recordings(session)
    with tarfile.open(tmp_path / "all.tar") as archive:
        assert set(archive.getnames()) == {
            "earmark.db",
            f"files/{kept.id}/original",
            f"files/{kept.id}/script.txt",
            MANIFEST,
        }
    assert (tmp_path / "all.tar").stat().st_mode & 0o077 == 0


def test_the_homes_own_verdict_comes_back_and_an_older_one_is_set_aside(
    home: Path, filled: Database, tmp_path: Path
) -> None:
    (home / "verdict.json").write_text("fitted here")
    backup(home, filled, tmp_path / "all.tar")
    new = tmp_path / "new"
    restore(tmp_path / "all.tar", new)
    assert (new / "verdict.json").read_text() == "fitted here"
    assert (new / "verdict.json").stat().st_mode & 0o077 == 0
    (home / "verdict.json").unlink()
    backup(home, filled, tmp_path / "without.tar")
    restore(tmp_path / "without.tar", new, force=True)
    assert not (new / "verdict.json").exists()
    [aside] = new.glob("before-restore-*/verdict.json")
    assert aside.read_text() == "fitted here"


def test_a_backup_while_others_write_holds_one_state_of_everything(
    home: Path, filled: Database, tmp_path: Path
) -> None:
    stop = threading.Event()
    failures: list[BaseException] = []
    writer = threading.Thread(target=come_and_go, args=(home, stop, failures))
    writer.start()
    try:
        for number in range(8):
            backup(home, filled, tmp_path / f"{number}.tar")
    finally:
        stop.set()
        writer.join()
    assert not failures
    for number in range(8):
        new = tmp_path / f"new-{number}"
        assert restore(tmp_path / f"{number}.tar", new).missing == ()
        assert_whole(new)


def test_a_file_that_the_home_has_lost_is_named(home: Path, filled: Database, tmp_path: Path) -> None:
    with filled.read() as session:
        [recording] = recordings.list_recordings(session)
    (home / "files" / recording.id / "original").unlink()
    assert backup(home, filled, tmp_path / "all.tar").missing == (f"files/{recording.id}/original",)


def test_a_backup_never_replaces_a_file(home: Path, filled: Database, tmp_path: Path) -> None:
    (tmp_path / "all.tar").write_text("mine")
    with pytest.raises(BadInput, match="exists already"):
        backup(home, filled, tmp_path / "all.tar")
    assert (tmp_path / "all.tar").read_text() == "mine"


def test_a_folder_that_is_not_there_is_named_and_nothing_is_left(home: Path, filled: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupFailedError, match="nowhere"):
        backup(home, filled, tmp_path / "nowhere" / "all.tar")
    assert list((home / "run").glob("backup-*")) == []


def test_what_a_killed_backup_left_behind_is_let_go(home: Path, filled: Database, tmp_path: Path) -> None:
    left = home / "run" / "backup-killed" / "files"
    left.mkdir(parents=True)
    backup(home, filled, tmp_path / "all.tar")
    assert not left.exists()


def test_a_damaged_database_is_not_backed_up(home: Path, filled: Database, tmp_path: Path) -> None:
    filled.close()
    with (home / "earmark.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(30_000))
    with pytest.raises(BackupFailedError):
        backup(home, filled, tmp_path / "all.tar")
    assert not (tmp_path / "all.tar").exists()


@pytest.mark.faults
@pytest.mark.parametrize("share", [0.0, 0.5, 0.97])
def test_a_full_disk_leaves_no_half_backup(home: Path, filled: Database, tmp_path: Path, share: float) -> None:
    """A limit on the size of files stands for the disk."""
    backup(home, filled, tmp_path / "whole.tar")
    limit = int((tmp_path / "whole.tar").stat().st_size * share)
    child = subprocess.run(
        [sys.executable, "-c", BACKUP_ON_A_FULL_DISK, filled.url, home, tmp_path / "all.tar", str(limit)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.startswith("refused")
    assert [path for path in tmp_path.iterdir() if "all.tar" in path.name] == []
    assert list((home / "run").glob("backup-*")) == []
    backup(home, filled, tmp_path / "all.tar")


BACKUP_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from assistant.errors import PartDown
from earmark.backup import backup
from knowledge.database import Database
database, home, target = Database(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
try:
    backup(home, database, target)
except PartDown as error:
    print("refused", error)
"""


@pytest.mark.postgres
def test_postgres_is_refused_with_the_commands_to_use(postgres: PostgresServer, home: Path, tmp_path: Path) -> None:
    database = Database(postgres.fresh_url())
    with pytest.raises(BadInput, match="pg_dump"):
        backup(home, database, tmp_path / "all.tar")
    database.close()


def test_a_home_with_recordings_is_not_restored_over(home: Path, filled: Database, tmp_path: Path) -> None:
    backup(home, filled, tmp_path / "all.tar")
    with pytest.raises(HomeNotEmptyError):
        restore(tmp_path / "all.tar", home)


def test_weeks_that_hr_may_have_seen_are_empty_in_a_restored_home(home: Path, filled: Database, tmp_path: Path) -> None:
    last_month = utc_now() - timedelta(days=30)
    ask(filled, people(6), about="leave", at=last_month)
    backup(home, filled, tmp_path / "all.tar")
    restore(tmp_path / "all.tar", tmp_path / "new")
    with closing(Database(f"sqlite:///{tmp_path / 'new' / 'earmark.db'}")) as restored:
        assert update_topics(restored, TopicRules(), now=utc_now(), languages=None) == []
        with restored.read() as session:
            closed = store.state(session).last_closed
            assert closed is not None
            assert closed >= Week.of(last_month, UTC)
            assert store.topics(session) == {}


def test_by_force_what_was_there_is_set_aside(home: Path, filled: Database, tmp_path: Path) -> None:
    backup(home, filled, tmp_path / "all.tar")
    shelve(filled, ["written after the backup"])
    filled.close()
    restore(tmp_path / "all.tar", home, force=True)
    assert_whole(home)
    [aside] = home.glob("before-restore-*")
    assert {path.name for path in aside.iterdir()} >= {"earmark.db", "files", "index"}
    assert not (home / "index").exists()


def test_nothing_is_restored_under_a_running_server(home: Path, filled: Database, tmp_path: Path) -> None:
    backup(home, filled, tmp_path / "all.tar")
    with file_lock(tmp_path / "new" / "run" / "serve.lock", wait_s=0), pytest.raises(Busy, match="server"):
        restore(tmp_path / "all.tar", tmp_path / "new")


def test_a_backup_of_a_newer_earmark_is_refused(home: Path, filled: Database, tmp_path: Path) -> None:
    with filled.write() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    backup(home, filled, tmp_path / "all.tar")
    with pytest.raises(NewerSchemaError):
        restore(tmp_path / "all.tar", tmp_path / "new")
    assert_nothing_came(tmp_path / "new")


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.9])
def test_a_changed_byte_is_noticed_wherever_it_is(home: Path, filled: Database, tmp_path: Path, place: float) -> None:
    backup(home, filled, tmp_path / "all.tar")
    content = bytearray((tmp_path / "all.tar").read_bytes())
    at = next(at for at in range(int(len(content) * place), len(content)) if content[at])
    content[at] ^= 0x20
    (tmp_path / "all.tar").write_bytes(content)
    with pytest.raises(BadArchiveError):
        restore(tmp_path / "all.tar", tmp_path / "new")
    assert_nothing_came(tmp_path / "new")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95])
def test_an_archive_cut_short_is_refused(home: Path, filled: Database, tmp_path: Path, share: float) -> None:
    backup(home, filled, tmp_path / "all.tar")
    os.truncate(tmp_path / "all.tar", int((tmp_path / "all.tar").stat().st_size * share))
    with pytest.raises(BadArchiveError):
        restore(tmp_path / "all.tar", tmp_path / "new")
    assert_nothing_came(tmp_path / "new")


def _named(name: str) -> Callable[[tarfile.TarInfo], None]:
    def change(member: tarfile.TarInfo) -> None:
        member.name = name

    return change


def _typed(kind: bytes, target: str = "/etc/passwd") -> Callable[[tarfile.TarInfo], None]:
    def change(member: tarfile.TarInfo) -> None:
        member.type, member.linkname, member.size = kind, target, 0

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_named("/etc/cron.d/evil"), id="absolute"),
        pytest.param(_named("../evil"), id="parent"),
        pytest.param(_named("files/../../evil"), id="parent inside"),
        pytest.param(_named("files/a/.ssh"), id="hidden"),
        pytest.param(_named("files/a/b/c"), id="deeper"),
        pytest.param(_named("run/engine.json"), id="run state"),
        pytest.param(_named("earmark.toml"), id="settings"),
        pytest.param(_named("files/a/b\n"), id="newline"),
        pytest.param(_named("earmark.db"), id="twice"),
        pytest.param(_typed(tarfile.SYMTYPE), id="link"),
        pytest.param(_typed(tarfile.LNKTYPE), id="hard link"),
        pytest.param(_typed(tarfile.CHRTYPE), id="device"),
        pytest.param(_typed(tarfile.FIFOTYPE), id="pipe"),
        pytest.param(_typed(tarfile.DIRTYPE), id="folder"),
    ],
)
def test_a_member_that_could_reach_elsewhere_is_refused(
    home: Path, filled: Database, tmp_path: Path, change: Callable[[tarfile.TarInfo], None]
) -> None:
    backup(home, filled, tmp_path / "all.tar")
    smuggle(tmp_path / "all.tar", tmp_path / "evil.tar", change)
    with pytest.raises(BadArchiveError):
        restore(tmp_path / "evil.tar", tmp_path / "new")
    assert_nothing_came(tmp_path / "new")
    assert not (tmp_path / "evil").exists()


def test_a_file_left_out_of_the_archive_is_noticed(home: Path, filled: Database, tmp_path: Path) -> None:
    backup(home, filled, tmp_path / "all.tar")
    with tarfile.open(tmp_path / "all.tar") as whole, tarfile.open(tmp_path / "less.tar", "w") as less:
        for member in whole:
            if not member.name.endswith("script.txt"):
                less.addfile(member, whole.extractfile(member))
    with pytest.raises(BadArchiveError, match=r"script\.txt"):
        restore(tmp_path / "less.tar", tmp_path / "new")


@pytest.mark.parametrize("content", [b"", b"not a tar file at all" * 100, b"\x1f\x8b" + bytes(2000)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "all.tar").write_bytes(content)
    with pytest.raises(BadArchiveError):
        restore(tmp_path / "all.tar", tmp_path / "new")


def ids_of(listed: Sequence[Recording]) -> list[tuple[str, str]]:
    """With their states: of one that was removed restoring leaves no more."""
    return [(each.id, each.state) for each in listed]


def give_files(home: Path, recording_id: str) -> None:
    folder = home / "files" / recording_id
    folder.mkdir(parents=True)
    (folder / "original").write_bytes(hashlib.sha256(recording_id.encode()).digest() * 100)
    (folder / "script.txt").write_text(recording_id)
    (folder / "original.part").write_bytes(b"being copied")
    (folder / "playable.webm").write_bytes(b"being made")


def come_and_go(home: Path, stop: threading.Event, failures: list[BaseException]) -> None:
    """Recordings are taken in, published, removed with their files: what a busy server does."""
    database = Database(f"sqlite:///{home / 'earmark.db'}")
    there: list[str] = []
    try:
        while not stop.is_set():
            there.append(f"r{len(there)}-{os.urandom(4).hex()}")
            give_files(home, there[-1])
            enter(database, recording_id=there[-1])
            publish(database, there[-1], ["words that come", "and go"])
            if len(there) > 5:
                gone = there.pop(0)
                remove(database, gone, purged=True)
                for path in (home / "files" / gone).iterdir():
                    path.unlink()
    except BaseException as error:
        failures.append(error)
        raise
    finally:
        database.close()


def assert_whole(home: Path) -> None:
    """Every recording of the database has the file that is its own."""
    with closing(sqlite3.connect(home / "earmark.db")) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        ids = [row[0] for row in database.execute("select id from recording where state != 'removed'")]
    assert ids
    for recording_id in ids:
        assert sound_of(home, recording_id) == hashlib.sha256(recording_id.encode()).digest() * 100


def assert_nothing_came(home: Path) -> None:
    assert not (home / "earmark.db").exists()
    assert not (home / "files").exists()
    assert not list(home.glob(".restore-*"))


def sound_of(home: Path, recording_id: str) -> bytes:
    return (home / "files" / recording_id / "original").read_bytes()


def smuggle(source: Path, target: Path, change: Callable[[tarfile.TarInfo], None]) -> None:
    """The same archive with one more member, which its manifest lists, too."""
    content = b"evil"
    with tarfile.open(source) as whole, tarfile.open(target, "w") as more:
        for member in whole:
            file = whole.extractfile(member)
            assert file is not None
            data = file.read()
            if member.name == MANIFEST:
                extra = tarfile.TarInfo("files/a/b")
                extra.size = len(content)
                change(extra)
                more.addfile(extra, io.BytesIO(content))
                manifest = json.loads(data)
                digest = hashlib.sha256(content).hexdigest()
                manifest["files"].append({"path": extra.name, "size_bytes": len(content), "sha256": digest})
                data = json.dumps(manifest).encode()
                member.size = len(data)
            more.addfile(member, io.BytesIO(data))
