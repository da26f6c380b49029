"""A base written while recordings stream by: however many there are, few are in memory at a time."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.embedding import mean_of
from knowledge.errors import IndexNotWritten
from knowledge.index.arrays import ArrayWriter, mapped, write_array
from knowledge.index.base import PASSAGE_ID, PLACE, WORDS, BaseRecording, write_holdings, write_recordings
from knowledge.index.faiss_vectors import LARGE, VectorsWriter, write_lists
from knowledge.index.holdings import HoldingsCount
from knowledge.index.published import PublishedRecording
from knowledge.index.tantivy_words import WordsDocument, write_words
from knowledge.index.view import Place, TokenField


def write_base(folder: Path, recordings: Iterable[PublishedRecording]) -> int:
    """Write everything but the manifest into a new folder. How many passages. Raises IndexNotWritten."""
    try:
        (folder / WORDS).mkdir(parents=True)
        with ExitStack() as opened:
            rows = _Rows(folder, opened)
            write_words(folder / WORDS, rows.documents(recordings))
        rows.finish()
    except OSError as error:
        raise IndexNotWritten(f"{folder}: {error.strerror or error}", "free some disk") from error
    return rows.count


class _Rows:
    """Writes what is not tantivy's."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.count = 0
        self._folder = folder
        self._opened = opened
        self._recordings: list[BaseRecording] = []
        self._names: dict[str, int] = {}
        self._courses: dict[str, int] = {}
        self._holdings = {field: HoldingsCount() for field in TokenField}
        self._vectors: VectorsWriter | None = None
        self._ids = self._array("passages", PASSAGE_ID)
        self._places = self._array("places", PLACE)
        self._vector_rows = self._array("vector_rows", np.dtype(np.int64))
        self._means = self._array("recording_means", np.dtype(np.float32))
        self._said = {field: self._array(f"{field}_said", np.dtype(np.uint32)) for field in TokenField}
        self._starts = {field: self._array(f"{field}_starts", np.dtype(np.int64)) for field in TokenField}
        self._tokens = dict.fromkeys(TokenField, 0)
        for starts in self._starts.values():
            starts.append(np.zeros(1, np.int64))

    def documents(self, recordings: Iterable[PublishedRecording]) -> Iterator[WordsDocument]:
        for recording in recordings:
            first = self.count
            self._take(recording)
            for at in range(len(recording.places)):
                tokens = {field: stream.of(at) for field, stream in recording.tokens.items()}
                yield WordsDocument(first + at, recording.course_id, recording.recording_id, tokens)

    def finish(self) -> None:
        """Once the streams are closed."""
        write_recordings(self._folder, list(self._names), self._recordings)
        by_id = np.argsort(mapped(self._folder / "passages.npy"), kind="stable").astype(np.int32)
        write_array(self._folder / "by_id.npy", by_id)
        for field, count in self._holdings.items():
            write_holdings(self._folder, field, count.holdings())
        if self._vectors is not None and self._vectors.rows > LARGE:
            write_lists(self._folder / "lists.faiss", self._folder / "vectors.faiss")

    def _take(self, recording: PublishedRecording) -> None:
        counts = {field: len(recording.tokens[field].hashes) for field in TokenField}
        self._recordings.append(
            BaseRecording(
                recording.recording_id,
                recording.course_id,
                recording.revision,
                self.count,
                len(recording.places),
                counts[TokenField.WORDS],
                counts[TokenField.SOUNDS],
            )
        )
        course = self._courses.setdefault(recording.course_id, len(self._courses))
        for field, stream in recording.tokens.items():
            self._holdings[field].add(course, stream)
            self._said[field].append(stream.hashes)
            self._starts[field].append(stream.starts[1:] + self._tokens[field])
            self._tokens[field] += counts[field]
        self._ids.append(np.array([place.id.encode() for place in recording.places], PASSAGE_ID))
        self._places.append(np.array([self._held(place) for place in recording.places], PLACE))
        self._take_vectors(recording)
        self.count += len(recording.places)

    def _take_vectors(self, recording: PublishedRecording) -> None:
        if recording.vectors is None:
            if self._vectors is not None:
                self._means.append(np.zeros(self._vectors.dimensions))
            return
        if self._vectors is None:
            dimensions = recording.vectors.shape[1]
            self._vectors = self._opened.enter_context(VectorsWriter(self._folder / "vectors.faiss", dimensions))
            self._means.append(np.zeros((len(self._recordings) - 1) * dimensions))  # of those before, without vectors
        self._vectors.append(recording.vectors)
        self._vector_rows.append(recording.vector_rows + self.count)
        self._means.append(mean_of(recording.vectors.astype(np.float32)))

    def _held(self, place: Place) -> tuple[int, int, int, float, float, int, int]:
        return (
            place.ordinal,
            place.first_segment,
            place.last_segment,
            place.start_s,
            place.end_s,
            self._names.setdefault(place.language, len(self._names)),
            self._names.setdefault(place.script, len(self._names)),
        )

    def _array(self, name: str, dtype: np.dtype[Any]) -> ArrayWriter:
        return self._opened.enter_context(ArrayWriter(self._folder / f"{name}.npy", dtype))
