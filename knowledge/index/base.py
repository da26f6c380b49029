"""The base on disk: written once from published recordings, opened whole, never changed.

A folder: `vectors.faiss` (float16, mapped) with `vector_rows.npy`, `recording_means.npy` (float32, the vectors of each
recording together, one after another) and, where there are many, `lists.faiss`;
`passages.npy` (ids by row) with `by_id.npy` (rows by id); `places.npy` and for each field `…_said.npy` with
`…_starts.npy` (the tokens of each passage) and `…_tokens.npy` with `…_token_starts.npy`, `…_held.npy` (how many
passages of each course hold each token); `recordings.json` (whose rows are whose); `words/` (tantivy); all sealed by a
manifest. What grows with the passages is mapped: it is read where it lies.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.finding.languages import Script
from knowledge.index.arrays import mapped, write_array
from knowledge.index.faiss_vectors import MappedVectors, Rows
from knowledge.index.holdings import HELD, Holdings, HoldingsCount
from knowledge.index.manifest import BaseDamagedError, Manifest, check_files, read_manifest
from knowledge.index.published import PublishedRecording
from knowledge.index.tantivy_words import TantivyWords
from knowledge.index.tokens import TokenStream
from knowledge.index.view import HashedTokens, Place, TokenField

WORDS = "words"
_SCRIPTS = {str(script): script for script in Script}
PASSAGE_ID = np.dtype("S36")
PLACE = np.dtype(
    [
        ("ordinal", "<i4"),
        ("first_segment", "<i4"),
        ("last_segment", "<i4"),
        ("start_s", "<f8"),
        ("end_s", "<f8"),
        ("language", "<u2"),
        ("script", "<u2"),
    ]
)
"""A passage's place but for what its recording says; `language` and `script` number the names of `recordings.json`."""


@dataclass(frozen=True, slots=True)
class BaseRecording:
    """Whose rows are whose: `rows` of them from `first_row` on; how many tokens they hold together."""

    recording_id: str
    course_id: str
    revision: int
    first_row: int
    rows: int
    words: int
    sounds: int

    def tokens(self, field: TokenField) -> int:
        return self.words if field is TokenField.WORDS else self.sounds


@dataclass(frozen=True, slots=True)
class BaseArrays:
    """What a base holds by row, mapped. `names`: of languages and scripts."""

    passage_ids: NDArray[np.bytes_]
    by_id: NDArray[np.int32]
    places: NDArray[np.void]
    tokens: Mapping[TokenField, TokenStream]
    holdings: Mapping[TokenField, Holdings]
    vector_rows: Rows
    means: NDArray[np.float32]
    names: Sequence[str]


class Base:
    """An opened base. Thread-safe; goes on working when its folder is deleted meanwhile."""

    def __init__(
        self,
        manifest: Manifest,
        recordings: list[BaseRecording],
        arrays: BaseArrays,
        words: TantivyWords | None,
        vectors: MappedVectors | None,
    ) -> None:
        self.manifest = manifest
        self.recordings = {recording.recording_id: recording for recording in recordings}
        self.words = words
        self.vectors = vectors
        self.vector_rows = arrays.vector_rows
        self.courses = frozenset(recording.course_id for recording in recordings)
        self.holdings = arrays.holdings
        self._arrays = arrays
        self._holdings_of: tuple[frozenset[str] | None, Mapping[TokenField, Holdings]] = None, {}
        self._course_numbers = numbered_courses(each.course_id for each in recordings)
        self._in_order = recordings
        self._first_rows = np.array([each.first_row for each in recordings], np.int64)
        self._numbers = {each.recording_id: number for number, each in enumerate(recordings)}
        self._means = arrays.means.reshape(len(recordings), -1) if arrays.means.size else None
        self._sizes = np.array([each.rows for each in recordings], np.int64)

    def __len__(self) -> int:
        return len(self._arrays.passage_ids)

    def touch(self) -> None:
        """Map the vectors' pages while another base still serves, so that no question waits for that."""
        if self.vectors is not None:
            self.vectors.touch()

    def rows_of(self, passage_ids: Sequence[str]) -> Rows:
        """A row for each id, -1 where it is not here."""
        if not len(self) or not passage_ids:
            return np.full(len(passage_ids), -1, np.int64)
        keys = np.array([passage_id.encode() for passage_id in passage_ids], dtype=np.bytes_)
        places = np.searchsorted(self._arrays.passage_ids, keys, sorter=self._arrays.by_id)
        rows = self._arrays.by_id[np.minimum(places, len(self) - 1)]
        found: Rows = np.where(self._arrays.passage_ids[rows] == keys, rows, -1).astype(np.int64)
        return found

    def ids_of(self, rows: Rows) -> list[str]:
        return [passage_id.decode() for passage_id in self._arrays.passage_ids[rows].tolist()]

    def rows_where(self, wanted: "Collection[str] | None" = None, *, courses: frozenset[str]) -> NDArray[np.bool_]:
        """Which rows are of these courses; of `wanted` recordings alone where given."""
        chosen = [
            each.course_id in courses and (wanted is None or each.recording_id in wanted) for each in self._in_order
        ]
        return np.repeat(np.array(chosen, np.bool_), self._sizes)

    def course_mask(self, courses: frozenset[str]) -> NDArray[np.bool_]:
        """By the numbers that `holdings` have for courses: which are among these."""
        return np.array([course in courses for course in self._course_numbers], np.bool_)

    def holdings_of(self, recording_ids: frozenset[str]) -> Mapping[TokenField, Holdings]:
        """`holdings` as if nothing but these recordings were here. Kept until others are asked for."""
        kept = self._holdings_of
        if kept[0] != recording_ids:
            kept = self._holdings_of = recording_ids, self._counted(recording_ids)
        return kept[1]

    def _counted(self, recording_ids: frozenset[str]) -> dict[TokenField, Holdings]:
        counts = {field: HoldingsCount() for field in TokenField}
        for recording in map(self.recordings.__getitem__, sorted(recording_ids)):
            course = self._course_numbers[recording.course_id]
            for field, count in counts.items():
                first, last = recording.first_row, recording.first_row + recording.rows
                count.add(course, self._arrays.tokens[field].between(first, last))
        return {field: count.holdings() for field, count in counts.items()}

    def recording_vector(self, recording_id: str) -> Vectors | None:
        """The mean of its vectors, of length 1, zeros where it has none; None where it is not here."""
        number = self._numbers.get(recording_id)
        return None if number is None or self._means is None else self._means[number]

    def around(self, rows: Rows, *, step: int) -> list[list[str]]:
        """For each row the ids `step` before and after it in its recording, and its own."""
        owners = np.searchsorted(self._first_rows, rows, side="right") - 1
        first = self._first_rows[owners]
        near = rows[:, None] + np.array([-step, 0, step])
        inside = (near >= first[:, None]) & (near < (first + self._sizes[owners])[:, None])
        ids = self.ids_of(near[inside])
        ends = np.cumsum(inside.sum(axis=1)).tolist()
        return [ids[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def places(self, rows: Rows) -> list[Place]:
        owners = np.searchsorted(self._first_rows, rows, side="right") - 1
        found = zip(self.ids_of(rows), owners.tolist(), self._arrays.places[rows].tolist(), strict=True)
        return [self._place(passage_id, self._in_order[owner], held) for passage_id, owner, held in found]

    def said(self, rows: Rows) -> list[HashedTokens]:
        streams = [self._arrays.tokens[field].of_rows(rows) for field in TokenField]
        return [HashedTokens(*each) for each in zip(*streams, strict=True)]

    def recordings_of(self, recording_ids: Collection[str]) -> Iterator[PublishedRecording]:
        """As they were published when the base was written, for the next one."""
        for recording in self._in_order:
            if recording.recording_id in recording_ids:
                yield self._recording(recording)

    def _recording(self, recording: BaseRecording) -> PublishedRecording:
        first, last = recording.first_row, recording.first_row + recording.rows
        vectors = slice(*np.searchsorted(self.vector_rows, [first, last]))
        some = self.vectors is not None and vectors.start < vectors.stop
        return PublishedRecording(
            recording.recording_id,
            recording.course_id,
            recording.revision,
            tuple(self.places(np.arange(first, last))),
            {field: self._arrays.tokens[field].between(first, last) for field in TokenField},
            np.asarray(self.vector_rows[vectors]) - first,
            self.vectors.stored(np.arange(vectors.start, vectors.stop)) if some and self.vectors else None,
        )

    def _place(self, passage_id: str, recording: BaseRecording, held: tuple[Any, ...]) -> Place:
        ordinal, first_segment, last_segment, start_s, end_s, language, script = held
        return Place(
            passage_id,
            recording.recording_id,
            recording.course_id,
            recording.revision,
            ordinal,
            first_segment,
            last_segment,
            start_s,
            end_s,
            self._arrays.names[language],
            _SCRIPTS[self._arrays.names[script]],
        )


def numbered_courses(in_order: Iterable[str]) -> dict[str, int]:
    """Courses by number: each as it first comes in the order of the rows."""
    return {course: number for number, course in enumerate(dict.fromkeys(in_order))}


def empty_base(*, analysis_version: str) -> Base:
    """Before anything is written: everything is in the delta."""
    none = TokenStream(np.empty(0, np.uint32), np.zeros(1, np.int64))
    arrays = BaseArrays(
        np.empty(0, PASSAGE_ID),
        np.empty(0, np.int32),
        np.empty(0, PLACE),
        dict.fromkeys(TokenField, none),
        dict.fromkeys(TokenField, HoldingsCount().holdings()),
        np.empty(0, np.int64),
        np.empty(0, np.float32),
        (),
    )
    return Base(Manifest(0, "", None, analysis_version, 0, ()), [], arrays, None, None)


def open_base(folder: Path, *, sha256: str, checked_bytes: int | None = None) -> Base:
    """Open a base once its files are known to be whole: all of them, or those up to `checked_bytes`, of larger ones
    their size alone. Raises BaseDamagedError."""
    manifest = read_manifest(folder, sha256=sha256)
    check_files(folder, manifest, up_to_bytes=checked_bytes)
    try:
        names, recordings = read_recordings(folder)
        return Base(
            manifest,
            recordings,
            BaseArrays(
                mapped(folder / "passages.npy"),
                mapped(folder / "by_id.npy"),
                mapped(folder / "places.npy"),
                {field: _stream(folder, field) for field in TokenField},
                {field: _holdings(folder, field) for field in TokenField},
                mapped(folder / "vector_rows.npy"),
                mapped(folder / "recording_means.npy"),
                names,
            ),
            TantivyWords(folder / WORDS),
            _vectors(folder),
        )
    except (OSError, ValueError) as error:
        raise BaseDamagedError(f"{folder}: {error}") from error


def read_recordings(folder: Path) -> tuple[list[str], list[BaseRecording]]:
    """Names of languages and scripts, and the recordings in the order of their rows."""
    kept: dict[str, list[Any]] = json.loads((folder / "recordings.json").read_text(encoding="utf-8"))
    return kept["names"], [BaseRecording(*each) for each in kept["recordings"]]


def write_recordings(folder: Path, names: Sequence[str], recordings: Sequence[BaseRecording]) -> None:
    kept = {"names": names, "recordings": [astuple(each) for each in recordings]}
    (folder / "recordings.json").write_text(json.dumps(kept), encoding="utf-8")


def _stream(folder: Path, field: TokenField) -> TokenStream:
    return TokenStream(mapped(folder / f"{field}_said.npy"), mapped(folder / f"{field}_starts.npy"))


def write_holdings(folder: Path, field: TokenField, holdings: Holdings) -> None:
    write_array(folder / f"{field}_tokens.npy", holdings.tokens)
    write_array(folder / f"{field}_token_starts.npy", holdings.starts)
    write_array(folder / f"{field}_held.npy", holdings.held)


def _holdings(folder: Path, field: TokenField) -> Holdings:
    held = mapped(folder / f"{field}_held.npy")
    if held.dtype != HELD:
        raise ValueError(f"{field}_held.npy: of another form")
    return Holdings(mapped(folder / f"{field}_tokens.npy"), mapped(folder / f"{field}_token_starts.npy"), held)


def _vectors(folder: Path) -> MappedVectors | None:
    path = folder / "vectors.faiss"
    return MappedVectors(path, folder / "lists.faiss") if path.exists() else None
