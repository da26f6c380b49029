"""Backup and restore of a home: one tar file with the database, the recordings' files, questions' kept sounds and the
home's own verdict where it has one, all digests inside.

Works while the server runs: SQLite is copied through its backup API, files are pinned by hard links in the same
moment. Left out: the index (a cache), settings (they may hold keys), run state and logs. A PostgreSQL database has
better tools of its own: it is refused with the commands to use.

The list of deletions lies beside the archive, never in it: it must be newer than what it frees. Restoring does again
what the home's own list, the one beside the archive and that of the setting say, before anything is put in place.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import sqlite3
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import earmark
from assistant.answering.own_verdict import FILE_NAME as VERDICT
from assistant.errors import BadInput, Busy, DiskFull, PartDown
from assistant.forgetting.deletions import (
    OWN_NAME,
    DeletionKind,
    list_beside,
    merge_deletions,
    note_deletion,
    own_list,
    read_deletions,
)
from assistant.questions.sounds import FOLDER as SOUNDS
from earmark.forgetting import SET_ASIDE, STAGING, free_home
from earmark.migrations import migrate
from earmark.settings import default_database_url
from indexer.forgetting import Replayed
from knowledge.database import Database, utc_now
from knowledge.durable_files import sync_folder
from knowledge.file_lock import file_lock

FORMAT = 1
DATABASE = "earmark.db"
FILES = "files"
MANIFEST = "MANIFEST.json"
_ATTEMPTS = 5
_BLOCK_BYTES = 1 << 20
_MARGIN_BYTES = 64 << 20
_LARGEST_MANIFEST_BYTES = 256 << 20
_SOUND = re.compile(r"[A-Za-z0-9_-]+\.[a-z0-9]+(?<!\.part)")
_MEMBER = re.compile(
    rf"{re.escape(DATABASE)}|{re.escape(VERDICT)}|{FILES}/[A-Za-z0-9_-]+/[A-Za-z0-9_][A-Za-z0-9._-]*"
    rf"|{SOUNDS}/{_SOUND.pattern}"
)
# Neither a file still being copied, nor a playable copy that no row knows yet.
_FINISHED = re.compile(r"(?!playable\.)[A-Za-z0-9_][A-Za-z0-9._-]*(?<!\.part)")
_NO_LINKS = {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.EOPNOTSUPP}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class BadArchiveError(BadInput):
    """Not a backup, or one that was cut short or changed: nothing of it is used."""

    kind = "bad-archive"


class HomeNotEmptyError(BadInput):
    kind = "home-not-empty"


class BackupFailedError(PartDown):
    kind = "backup-failed"


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Archived:
    """What went into an archive or came out of it. `missing`: files that the home itself had lost before.
    `replayed`: what was deleted since the archive was written, and was deleted from it again."""

    files: int
    size_bytes: int
    missing: tuple[str, ...] = ()
    replayed: Replayed = field(default_factory=Replayed)


@dataclass(frozen=True, slots=True)
class _Pinned:
    """A folder with the database's copy and links to the files that belong to it."""

    folder: Path
    schema: str | None
    missing: tuple[str, ...]

    def paths(self) -> list[str]:
        names = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())
        return sorted(names, key=lambda name: (name != DATABASE, name))


def backup(home: Path, database: Database, target: Path) -> Archived:
    """Write everything worth keeping into a new file, whole or not at all; the list of deletions beside it.

    Raises BadInput (target exists, PostgreSQL), Busy, DiskFull, BackupFailedError.
    """
    _refuse_postgres(home, database)
    if target.exists():
        raise BadInput(f"{target} exists already", "choose another name; a backup never replaces one")
    partial = target.with_name(f".{target.name}.partial")
    try:
        with _one_at_a_time(home), _pinned(home, database) as pinned:
            archived = _write_archive(partial, pinned)
        partial.replace(target)
        sync_folder(target.parent)
        merge_deletions(own_list(home), list_beside(target.parent))
    except OSError as error:
        raise _plain(error, target) from error
    finally:
        partial.unlink(missing_ok=True)
    return archived


def restore(source: Path, home: Path, *, force: bool = False, beside: Path | None = None) -> Archived:
    """Put an archive's content into a home, without what was deleted since. Every digest is checked before anything
    is put in place.

    With `force` what the home holds is set aside in HOME/before-restore-…, not deleted. `beside`: a folder whose list
    of deletions is replayed, too.
    Raises BadArchiveError, HomeNotEmptyError, NewerSchemaError, Busy (a server runs there), DiskFull.
    """
    if not source.is_file():
        raise BadArchiveError(f"{source}: there is no such file", "name an archive that backup wrote")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file_lock(home / "run" / "serve.lock", wait_s=0) as had:
            if not had:
                raise Busy(f"a server is running on {home}", "stop it, then restore")
            if not force and _holds_something(home):
                raise HomeNotEmptyError(f"{home} holds recordings already", "restore into an empty home")
            with tempfile.TemporaryDirectory(prefix=STAGING, dir=home) as staging:
                archived = _unpack(source, Path(staging))
                _gather_deletions(home, source.parent, beside)
                _close_weeks(Path(staging))
                replayed = free_home(Path(staging), read_deletions(own_list(home)))
                _put_in_place(Path(staging), home)
    except OSError as error:
        raise _plain(error, home) from error
    return replace(archived, replayed=replayed)


def _close_weeks(staging: Path) -> None:
    """Those that HR may have seen after the backup was made, from questions that are lost with it."""
    from assistant.topics.updating import close_without_figures  # a second of libraries, which no backup waits for

    database = Database(default_database_url(staging))
    try:
        migrate(database, staging)
        close_without_figures(database, now=utc_now())
    finally:
        database.close()


def _gather_deletions(home: Path, *folders: Path | None) -> None:
    """Into the home's own list, which a worker goes by later, too. What was removed here but not purged yet is in no
    list: its tombstone says so."""
    note_deletion(home, DeletionKind.RECORDING, _tombstones(home))
    for folder in folders:
        if folder is not None:
            merge_deletions(list_beside(folder), own_list(home))


def _tombstones(home: Path) -> list[str]:
    known = {each.id for each in read_deletions(own_list(home))}
    if not (home / DATABASE).exists():
        return []
    try:
        with closing(sqlite3.connect(home / DATABASE)) as database:
            rows = database.execute("select id from recording where state = 'removed'").fetchall()
    except sqlite3.Error:
        return []  # damaged, or no database: often why somebody restores
    return [str(row[0]) for row in rows if row[0] not in known]


def _refuse_postgres(home: Path, database: Database) -> None:
    if not database.is_sqlite:
        raise BadInput(
            "the database is PostgreSQL, which brings better tools",
            'pg_dump --format=custom --file=earmark.dump "$EARMARK_DATABASE_URL", '
            f"then: tar -C {home} -cf files.tar {FILES} (and {SOUNDS}, {VERDICT} and {OWN_NAME}, if they are there)",
        )


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Under the lock also what a killed backup left pinned is let go."""
    with file_lock(home / "run" / "backup.lock", wait_s=0) as had:
        if not had:
            raise Busy("another backup of this home is being written", "wait until it is through")
        for left in (home / "run").glob("backup-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextmanager
def _pinned(home: Path, database: Database) -> Iterator[_Pinned]:
    """Files are linked before the database is copied, so that one removed meanwhile is there, and after it, so that
    one that came meanwhile is. Only what did both in this moment is missed: then all is done again."""
    for attempt in range(1, _ATTEMPTS + 1):
        with tempfile.TemporaryDirectory(prefix="backup-", dir=home / "run") as name:
            folder = Path(name)
            _pin_files(home, folder)
            schema = _copy_database(database, folder / DATABASE)
            _pin_files(home, folder)
            _pin_verdict(home, folder)
            missing = tuple(_keep_known(folder))
            if not missing or attempt == _ATTEMPTS:
                yield _Pinned(folder, schema, missing)
                return


def _copy_database(database: Database, copy: Path) -> str | None:
    path = database.engine.url.database
    assert path is not None
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("pragma journal_mode = delete")
            found = target.execute("pragma quick_check").fetchone()[0]
            schema = target.execute("select version_num from alembic_version").fetchone()[0]
    except sqlite3.Error as error:
        raise BackupFailedError(
            f"{path} cannot be copied: {error}", "look at its disk; see `earmark doctor`"
        ) from error
    if found != "ok":
        raise BackupFailedError(f"{path} is damaged: {found}", "restore the newest backup")
    return str(schema)


def _pin_files(home: Path, folder: Path) -> None:
    """Links every file of every recording, and every question's sound, that is not linked yet."""
    for source in (home / FILES).glob("*/*"):
        target = folder / source.relative_to(home)
        if _MEMBER.fullmatch(f"{FILES}/{source.parent.name}/{source.name}") and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(source, target)
    for source in (home / SOUNDS).glob("*"):
        target = folder / SOUNDS / source.name
        if _SOUND.fullmatch(source.name) and not target.exists():
            target.parent.mkdir(exist_ok=True)
            _link(source, target)


def _pin_verdict(home: Path, folder: Path) -> None:
    if (home / VERDICT).exists():
        _link(home / VERDICT, folder / VERDICT)


def _keep_known(folder: Path) -> Iterator[str]:
    """Lets go of what the copied database does not know of. Yields the names of files that it knows in vain."""
    known = _known_files(folder / DATABASE)
    for path in (folder / FILES).glob("*/*"):
        wanted = known.get(path.parent.name)
        if wanted is None or (path.name not in wanted and not _FINISHED.fullmatch(path.name)):
            path.unlink()
    questions = _known_questions(folder / DATABASE)
    for path in (folder / SOUNDS).glob("*"):
        if path.name.partition(".")[0] not in questions:
            path.unlink()
    for recording_id, wanted in known.items():
        names = sorted(f"{FILES}/{recording_id}/{name}" for name in wanted)
        yield from (name for name in names if not (folder / name).exists())


def _known_files(copy: Path) -> dict[str, set[str]]:
    """Recordings that are not removed, and which files their rows name."""
    with closing(sqlite3.connect(copy)) as database:
        rows = database.execute(
            "select id, original_path, playable_path from recording where state != 'removed' order by id"
        ).fetchall()
    return {str(row[0]): {Path(path).name for path in row[1:] if path} for row in rows}


def _known_questions(copy: Path) -> set[str]:
    with closing(sqlite3.connect(copy)) as database:
        return {str(row[0]) for row in database.execute("select id from question")}


def _link(source: Path, target: Path) -> None:
    """A copy where the file system has no hard links; nothing where the file went away, or never was a plain one."""
    try:
        if stat.S_ISREG(source.lstat().st_mode):
            os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copy2(source, target, follow_symlinks=False)


def _write_archive(target: Path, pinned: _Pinned) -> Archived:
    files: list[ArchivedFile] = []
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        with tarfile.open(fileobj=sink, mode="w:", format=tarfile.PAX_FORMAT) as archive:
            for name in pinned.paths():
                with (pinned.folder / name).open("rb") as source:
                    files.append(_add(archive, name, source, os.fstat(source.fileno()).st_size))
            manifest = _manifest_text(pinned, files)
            _add(archive, MANIFEST, BytesIO(manifest), len(manifest))
        sink.flush()
        os.fsync(sink.fileno())
    return Archived(len(files), sum(file.size_bytes for file in files), pinned.missing)


def _add(archive: tarfile.TarFile, name: str, source: IO[bytes], size_bytes: int) -> ArchivedFile:
    """Digest and archive from the same reading, so that they cannot differ."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size_bytes, 0o600, int(utc_now().timestamp())
    hashing = _Hashing(source)
    archive.addfile(member, hashing)
    return ArchivedFile(name, size_bytes, hashing.sha256.hexdigest())


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        block = self._source.read(size)
        self.sha256.update(block)
        return block


def _manifest_text(pinned: _Pinned, files: list[ArchivedFile]) -> bytes:
    known = {
        "format": FORMAT,
        "earmark": earmark.__version__,
        "schema": pinned.schema,
        "created_at": utc_now().isoformat(),
        "missing": pinned.missing,
        "files": [asdict(file) for file in files],
    }
    return json.dumps(known, indent=1).encode()


def _unpack(source: Path, staging: Path) -> Archived:
    _refuse_without_room(source, staging)
    try:
        with tarfile.open(source, mode="r:") as archive:
            found, manifest = _extract_all(archive, staging)
        listed = _listed(manifest)
    except (tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise BadArchiveError(f"{source}: not a whole backup: {error}", "use another one") from error
    if found != listed:
        wrong = sorted(found.keys() ^ listed.keys()) or sorted(name for name in found if found[name] != listed[name])
        raise BadArchiveError(f"{source}: {wrong[0]} is not what was backed up", "use another backup")
    if DATABASE not in found:
        raise BadArchiveError(f"{source}: holds no database", "use another backup")
    return Archived(len(found), sum(file.size_bytes for file in found.values()), tuple(manifest["missing"]))


def _refuse_without_room(source: Path, staging: Path) -> None:
    needed, free = source.stat().st_size + _MARGIN_BYTES, shutil.disk_usage(staging).free
    if free < needed:
        raise DiskFull(
            f"restoring needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free", "free some disk, then try again"
        )


def _extract_all(archive: tarfile.TarFile, staging: Path) -> tuple[dict[str, ArchivedFile], dict[str, Any]]:
    """Only plain files of our own names, each once: no link, device, absolute path or `..` ever gets further."""
    found: dict[str, ArchivedFile] = {}
    for member in archive:
        content = archive.extractfile(member) if member.type == tarfile.REGTYPE else None
        if content is None:
            raise ValueError(f"{member.name!r} is no plain file")
        if member.name == MANIFEST:
            return found, json.loads(content.read(_LARGEST_MANIFEST_BYTES))
        if not _MEMBER.fullmatch(member.name) or member.name in found:
            raise ValueError(f"{member.name!r} does not belong into a backup")
        with content:
            found[member.name] = _extract(content, staging, member.name)
    raise ValueError("it ends before its manifest")


def _extract(content: IO[bytes], staging: Path, name: str) -> ArchivedFile:
    target = staging / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hashing = _Hashing(content)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        while block := hashing.read(_BLOCK_BYTES):
            sink.write(block)
        sink.flush()
        os.fsync(sink.fileno())
        return ArchivedFile(name, sink.tell(), hashing.sha256.hexdigest())


def _listed(manifest: dict[str, Any]) -> dict[str, ArchivedFile]:
    if manifest["format"] != FORMAT:
        raise ValueError(f"written in format {manifest['format']}, this Earmark reads {FORMAT}")
    return {file["path"]: ArchivedFile(**file) for file in manifest["files"]}


def _holds_something(home: Path) -> bool:
    return (home / DATABASE).exists() or any((home / FILES).glob("*"))


def _put_in_place(staging: Path, home: Path) -> None:
    """The database last: a home with files alone, where power fails in between, is still an empty one to `serve`."""
    aside = home / f"{SET_ASIDE}{utc_now():%Y%m%dT%H%M%S%f}"
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", FILES, SOUNDS, VERDICT, "index"):
        if (home / name).exists():
            aside.mkdir(mode=0o700, exist_ok=True)
            (home / name).rename(aside / name)
    (staging / FILES).mkdir(mode=0o700, exist_ok=True)
    (staging / FILES).rename(home / FILES)
    for name in (SOUNDS, VERDICT):
        if (staging / name).exists():
            (staging / name).rename(home / name)
    sync_folder(home)
    (staging / DATABASE).rename(home / DATABASE)
    sync_folder(home)


def _plain(error: OSError, path: Path) -> DiskFull | BackupFailedError:
    if error.errno in _NO_ROOM:
        return DiskFull(f"{path}: the disk is full", "free some disk, or write to another one")
    return BackupFailedError(f"{error.filename or path}: {error.strerror or error}", "look at its name and its rights")
