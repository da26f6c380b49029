"""What a base on disk says of itself, and which base is the current one. Knows no engine and no database.

A base folder is never changed once CURRENT names it. CURRENT carries the digest of the manifest, the manifest those
of all other files: whatever is damaged is noticed, in small files before anything reads them, in large ones soon
after (their size before).
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FORMAT = 4
MANIFEST = "manifest.json"
CURRENT = "CURRENT"
_LARGEST_MANIFEST_BYTES = 1 << 20
_POINTER = re.compile(r"(?P<name>[0-9a-f-]{36}) (?P<sha256>[0-9a-f]{64})\n")


class BaseDamagedError(Exception):
    """A base that cannot be trusted: files missing, cut short or changed. It is rebuilt from the database."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """The current base: its folder's name and its manifest's SHA-256."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class FileDigest:
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`change_number`: the last change in the base; `change_mark`: whose and when, so that the changes of another
    database are not mistaken for its own. `embedder_digest`: None where the base has no vectors."""

    change_number: int
    change_mark: str
    embedder_digest: str | None
    analysis_version: str
    passages: int
    files: tuple[FileDigest, ...]


def seal(folder: Path, manifest_of: "ManifestDraft") -> str:
    """Write the manifest over all files of the folder, everything safe on the disk. The manifest's SHA-256."""
    files = tuple(_digest(folder, path) for path in sorted(_files(folder)))
    manifest = Manifest(**asdict(manifest_of), files=files)
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1).encode()
    (folder / MANIFEST).write_bytes(text)
    for path in (*_files(folder), folder / MANIFEST, *_folders(folder)):
        _sync(path)
    return hashlib.sha256(text).hexdigest()


@dataclass(frozen=True, slots=True)
class ManifestDraft:
    """A manifest before its files are known."""

    change_number: int
    change_mark: str
    embedder_digest: str | None
    analysis_version: str
    passages: int


def read_manifest(folder: Path, *, sha256: str) -> Manifest:
    """Raises BaseDamagedError."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            text = file.read(_LARGEST_MANIFEST_BYTES)
    except OSError as error:
        raise BaseDamagedError(f"{folder / MANIFEST}: {error.strerror}") from error
    if hashlib.sha256(text).hexdigest() != sha256:
        raise BaseDamagedError(f"{folder / MANIFEST}: not what was written")
    known = json.loads(text)
    if known.pop("format") != FORMAT:
        raise BaseDamagedError(f"{folder / MANIFEST}: of another version")
    return Manifest(**{**known, "files": tuple(FileDigest(**file) for file in known["files"])})


def check_files(folder: Path, manifest: Manifest, *, up_to_bytes: int | None = None) -> None:
    """Every file is there and as it was written; of those over `up_to_bytes` only the size is looked at.

    Raises BaseDamagedError.
    """
    for file in manifest.files:
        check_file(folder, file, by_size=up_to_bytes is not None and file.size_bytes > up_to_bytes)


def check_file(folder: Path, file: FileDigest, *, by_size: bool = False) -> None:
    """Raises BaseDamagedError."""
    path = folder / file.path
    try:
        whole = path.stat().st_size == file.size_bytes and (by_size or _digest(folder, path) == file)
    except OSError as error:
        raise BaseDamagedError(f"{path}: {error.strerror}") from error
    if not whole:
        raise BaseDamagedError(f"{path}: not what was written")


def read_current(index: Path) -> Pointer | None:
    """Which base is the current one; None where nothing, or nothing readable, says so."""
    try:
        text = (index / CURRENT).read_bytes()[:200].decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    found = _POINTER.fullmatch(text)
    return Pointer(found["name"], found["sha256"]) if found else None


def check_current(index: Path) -> Manifest | None:
    """The current base's manifest after every byte of its files was read; None where there is no base yet.

    Raises BaseDamagedError.
    """
    pointer = read_current(index)
    if pointer is None:
        if (index / CURRENT).exists():
            raise BaseDamagedError(f"{index / CURRENT}: not what was written")
        return None
    try:
        manifest = read_manifest(index / pointer.name, sha256=pointer.sha256)
        check_files(index / pointer.name, manifest)
    except BaseDamagedError:
        if read_current(index) != pointer:  # another one took its place meanwhile
            return check_current(index)
        raise
    return manifest


def indexed_embedder(index: Path) -> str | None:
    """The embedder whose vectors the current base has; None where it has none, or is none."""
    pointer = read_current(index)
    try:
        return None if pointer is None else read_manifest(index / pointer.name, sha256=pointer.sha256).embedder_digest
    except BaseDamagedError:
        return None


def write_current(index: Path, pointer: Pointer) -> None:
    """Make a base the current one, at once or not at all."""
    fresh = index / f"{CURRENT}.new"
    fresh.write_text(f"{pointer.name} {pointer.sha256}\n", encoding="ascii")
    _sync(fresh)
    fresh.replace(index / CURRENT)
    _sync(index)


def _files(folder: Path) -> Iterator[Path]:
    """All that a base consists of: not its manifest, and no lock files, which readers touch."""
    for path in folder.rglob("*"):
        if path.is_file() and path.name != MANIFEST and path.suffix != ".lock":
            yield path


def _folders(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_dir())
    yield folder
    yield folder.parent


def _digest(folder: Path, path: Path) -> FileDigest:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return FileDigest(path.relative_to(folder).as_posix(), file.tell(), sha256)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
