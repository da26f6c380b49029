"""The base on disk: written once from published recordings, opened whole, never changed.

A folder: `vectors.npy` (float16) with `vector_rows.npy`, `passages.npy` (ids by row), `recordings.json` (whose rows
are whose), `words/` (tantivy), all sealed by a manifest.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from knowledge.errors import IndexNotWritten
from knowledge.index.delta import unpack_vectors
from knowledge.index.faiss_vectors import FlatVectors, Rows
from knowledge.index.manifest import BaseDamagedError, Manifest, check_files, read_manifest
from knowledge.index.published import PublishedRecording
from knowledge.index.tantivy_words import TantivyWords, WordsDocument, write_words
from knowledge.index.view import TokenField

_WORDS = "words"
_NO_ROWS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class BaseRecording:
    """Whose rows are whose: `rows` of them from `first_row` on; how many tokens they hold together."""

    recording_id: str
    course_id: str
    first_row: int
    rows: int
    words: int
    sounds: int

    def tokens(self, field: TokenField) -> int:
        return self.words if field is TokenField.WORDS else self.sounds


class Base:
    """An opened base. Thread-safe; goes on working when its folder is deleted meanwhile."""

    def __init__(
        self,
        manifest: Manifest,
        recordings: list[BaseRecording],
        passage_ids: NDArray[np.bytes_],
        words: TantivyWords | None,
        vectors: FlatVectors | None,
        vector_rows: Rows,
    ) -> None:
        self.manifest = manifest
        self.recordings = {recording.recording_id: recording for recording in recordings}
        self.passage_ids = passage_ids
        self.words = words
        self.vectors = vectors
        self.vector_rows = vector_rows
        self.courses = frozenset(recording.course_id for recording in recordings)
        self.tokens = {field: sum(each.tokens(field) for each in recordings) for field in TokenField}
        self._by_id = np.argsort(passage_ids)

    def __len__(self) -> int:
        return len(self.passage_ids)

    def rows_of(self, passage_ids: list[str]) -> Rows:
        """A row for each id, -1 where it is not here."""
        if not len(self):
            return np.full(len(passage_ids), -1, np.int64)
        keys = np.array([passage_id.encode() for passage_id in passage_ids], dtype=np.bytes_)
        places = np.searchsorted(self.passage_ids, keys, sorter=self._by_id)
        rows = self._by_id[np.minimum(places, len(self) - 1)]
        found: Rows = np.where(self.passage_ids[rows] == keys, rows, -1)
        return found


def empty_base(*, analysis_version: str) -> Base:
    """Before anything is written: everything is in the delta."""
    manifest = Manifest(0, "", None, analysis_version, 0, ())
    return Base(manifest, [], np.empty(0, np.dtype("S1")), None, None, _NO_ROWS)


def open_base(folder: Path, *, sha256: str) -> Base:
    """Open a base once every file of it is known to be whole. Raises BaseDamagedError."""
    manifest = read_manifest(folder, sha256=sha256)
    check_files(folder, manifest)
    try:
        vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
        return Base(
            manifest,
            read_recordings(folder),
            np.load(folder / "passages.npy", allow_pickle=False),
            TantivyWords(folder / _WORDS),
            FlatVectors(vectors) if len(vectors) else None,
            np.load(folder / "vector_rows.npy", allow_pickle=False),
        )
    except OSError as error:
        raise BaseDamagedError(f"{folder}: {error}") from error


def read_recordings(folder: Path) -> list[BaseRecording]:
    listed: list[list[Any]] = json.loads((folder / "recordings.json").read_text(encoding="utf-8"))
    return [BaseRecording(*each) for each in listed]


def write_base(folder: Path, recordings: Iterable[PublishedRecording]) -> int:
    """Write everything but the manifest into a new folder. How many passages. Raises IndexNotWritten."""
    rows = _Rows()
    try:
        (folder / _WORDS).mkdir(parents=True)
        write_words(folder / _WORDS, rows.documents(recordings))
        rows.save(folder)
    except OSError as error:
        raise IndexNotWritten(f"{folder}: {error.strerror or error}", "free some disk") from error
    return len(rows.passage_ids)


class _Rows:
    """Gathers what is not tantivy's while recordings stream by."""

    def __init__(self) -> None:
        self.passage_ids: list[str] = []
        self._recordings: list[BaseRecording] = []
        self._vectors: list[NDArray[np.float16]] = []
        self._vector_rows: list[Rows] = []

    def documents(self, recordings: Iterable[PublishedRecording]) -> Iterator[WordsDocument]:
        for recording in recordings:
            first = len(self.passage_ids)
            self._take(recording, first)
            for row, tokens in enumerate(recording.tokens, start=first):
                yield WordsDocument(row, recording.course_id, recording.recording_id, tokens)

    def _take(self, recording: PublishedRecording, first: int) -> None:
        self.passage_ids.extend(recording.passage_ids)
        counts = {field: sum(len(each.of(field)) for each in recording.tokens) for field in TokenField}
        self._recordings.append(
            BaseRecording(
                recording.recording_id,
                recording.course_id,
                first,
                len(recording.passage_ids),
                counts[TokenField.WORDS],
                counts[TokenField.SOUNDS],
            )
        )
        rows, vectors = unpack_vectors(recording.vectors)
        if vectors is not None:
            self._vectors.append(vectors)
            self._vector_rows.append(rows + first)

    def save(self, folder: Path) -> None:
        none = np.empty((0, 0), np.float16)
        vectors = np.concatenate(self._vectors) if self._vectors else none
        rows = np.concatenate(self._vector_rows) if self._vector_rows else _NO_ROWS
        ids = np.array([passage_id.encode() for passage_id in self.passage_ids] or [b""], dtype=np.bytes_)
        _save(folder / "vectors.npy", vectors)
        _save(folder / "vector_rows.npy", rows)
        _save(folder / "passages.npy", ids[: len(self.passage_ids)])
        listed = [astuple(recording) for recording in self._recordings]
        (folder / "recordings.json").write_text(json.dumps(listed), encoding="utf-8")


def _save(path: Path, array: NDArray[Any]) -> None:
    """Not by np.save: on a full disk that leaves half a file without a word."""
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, npy.header_data_from_array_1_0(array))
        file.write(np.ascontiguousarray(array).tobytes())
