"""A home filled with a made-up corpus, kept in a folder so that a million passages are filled once and measured often.

The product's own tables and stores; what indexing would do before (decoding, recognising, embedding) is left out.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.errors import BadInput
from earmark.bench.bench_home import Progress
from earmark.bench.search_corpus import PASSAGES_A_RECORDING, Asked, Copies, MadeRecording, Source
from earmark.migrations import migrate
from knowledge.database import Database, new_id, utc_now
from knowledge.embedding import Vectors
from knowledge.finding.analysis import ANALYSIS_VERSION, analyse
from knowledge.index.follower import IndexFollower
from knowledge.passages.cutting import PassageDraft
from knowledge.passages.store import STORED_VECTOR, is_published, publish, replace_passages, save_vectors
from knowledge.passages.tables import PassageRow, VectorRow
from knowledge.recordings.store import course_by_name
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.transcripts.segment import Segment, TimeSource
from knowledge.transcripts.store import save_transcript

COURSES = 100
SHARES = (100, 50, 10, 1)
"""Per cent of the courses that a person may hear."""
LANGUAGE = "en"
SEGMENT_S = 8.0
"""Twenty words take so long to say."""
_RECORDINGS_A_WRITE = 50
_ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Filled:
    """What a filled home holds, kept beside it. `languages`: what the embedder was trained for; None for all."""

    passages: int
    digest: str
    languages: list[str] | None
    courses: list[str]
    distinct_words: int
    fill_s: float

    def permitted(self, share: int) -> frozenset[str]:
        return frozenset(self.courses[: share * len(self.courses) // 100])


@dataclass(frozen=True, slots=True)
class SearchHome:
    """An opened home."""

    folder: Path
    database: Database
    index: IndexFollower


def filled_home(folder: Path, wanted: int) -> Filled | None:
    """What was filled here before; None where nothing was. Raises BadInput where it is something else."""
    try:
        kept = Filled(**json.loads((folder / "filled.json").read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        if folder.is_dir() and any(folder.iterdir()):
            raise BadInput(f"{folder}: not empty, and not filled by this command", "name another folder") from error
        return None
    if kept.passages != wanted:
        raise BadInput(f"{folder}: holds {kept.passages} passages, not {wanted}", "name another folder")
    return kept


def fill_home(
    folder: Path,
    source: Source,
    passages: int,
    *,
    digest: str,
    languages: frozenset[str] | None,
    progress: Progress,
) -> Filled:
    """Publish so many passages in recordings of PASSAGES_A_RECORDING, dealt out to the courses by turns."""
    folder.mkdir(parents=True, exist_ok=True)
    copies = Copies(source)
    started = time.perf_counter()
    with closing(Database(f"sqlite:///{folder / 'earmark.db'}")) as database:
        migrate(database, folder)
        courses = _make_courses(database)
        wanted = passages // PASSAGES_A_RECORDING
        made = enumerate(islice(copies, wanted))
        while some := list(islice(made, _RECORDINGS_A_WRITE)):
            progress("filling recording", some[0][0], wanted)
            with database.write() as session:
                for at, recording in some:
                    publish_made(session, recording, courses[at % COURSES], digest=digest)
    filled = Filled(
        passages, digest, sorted(languages) if languages else None, courses, copies.distinct_words,
        time.perf_counter() - started,
    )  # fmt: skip
    keep_questions(folder, source.questions)
    (folder / "filled.json").write_text(json.dumps(asdict(filled)), encoding="utf-8")
    return filled


def publish_made(session: Session, made: MadeRecording, course_id: str, *, digest: str) -> str:
    """As indexing leaves a recording. Its id."""
    recording_id = new_id()
    session.add(
        RecordingRow(
            id=recording_id, course_id=course_id, name=f"{recording_id}.flac", title="", original_path="",
            state=RecordingState.INDEXING, content_sha256=recording_id, size_bytes=0, created_at=utc_now(),
        )
    )  # fmt: skip
    session.flush()
    segments = [
        Segment(at * SEGMENT_S, (at + 1) * SEGMENT_S, text, LANGUAGE, TimeSource.SUBTITLE)
        for at, text in enumerate(made.segments)
    ]
    revision = save_transcript(session, recording_id, "bench", segments)
    drafts = [
        PassageDraft(at, at + 1, one.start_s, two.end_s, f"{one.text} {two.text}", LANGUAGE)
        for at, (one, two) in enumerate(pairwise(segments))
    ]
    ids = replace_passages(session, recording_id, revision, drafts)
    vectors, tokens = (dict(zip(ids, each, strict=True)) for each in (made.vectors, made.tokens))
    save_vectors(session, digest, vectors, tokens=tokens)
    publish(session, recording_id, revision)
    return recording_id


@contextmanager
def opened_search_home(folder: Path, filled: Filled) -> Iterator[SearchHome]:
    with closing(Database(f"sqlite:///{folder / 'earmark.db'}")) as database:
        index = IndexFollower(
            database, folder / "index", analyse=analyse, analysis_version=ANALYSIS_VERSION,
            embedder_digest=filled.digest,
        )  # fmt: skip
        with closing(index):
            yield SearchHome(folder, database, index)


def keep_questions(folder: Path, questions: Sequence[Asked]) -> None:
    np.savez(
        folder / "questions.npz",
        texts=np.array([each.text for each in questions]),
        vectors=np.concatenate([each.vector for each in questions]),
        tokens=np.frombuffer(b"".join(each.tokens for each in questions), np.uint8),
        ends=np.cumsum([len(each.tokens) for each in questions]),
    )


def kept_questions(folder: Path) -> list[Asked]:
    with np.load(folder / "questions.npz", allow_pickle=False) as kept:
        packed = [each.tobytes() for each in np.split(kept["tokens"], kept["ends"][:-1])]
        each = zip(kept["texts"], kept["vectors"], packed, strict=True)
        return [Asked(str(text), row[None], tokens) for text, row, tokens in each]


def stored_vectors(session: Session, digest: str) -> Iterator[tuple[list[str], list[str], Vectors]]:
    """All published passages by blocks: their ids, their courses, their vectors."""
    query = (
        select(PassageRow.id, RecordingRow.course_id, VectorRow.vector)
        .join(RecordingRow, RecordingRow.id == PassageRow.recording_id)
        .join(VectorRow, VectorRow.passage_id == PassageRow.id)
        .where(is_published(), VectorRow.embedder_digest == digest)
    )
    for rows in session.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}).partitions():
        ids, courses, packed = zip(*rows, strict=True)
        block = np.frombuffer(b"".join(packed), STORED_VECTOR).reshape(len(ids), -1)
        yield list(ids), list(courses), block.astype(np.float32)


def exact_nearest(home: SearchHome, filled: Filled, questions: Sequence[Asked], *, n: int) -> dict[int, list[set[str]]]:
    """For each share of the courses and each question the n nearest passages, by plain arithmetic over the database."""
    asked = np.concatenate([each.vector for each in questions])
    permitted = {share: filled.permitted(share) for share in SHARES}
    best: dict[int, _Best] = {share: _Best(len(questions), n) for share in SHARES}
    with home.database.read() as session:
        for ids, courses, block in stored_vectors(session, filled.digest):
            scores = asked @ block.T
            for share, kept in best.items():
                allowed = np.array([course in permitted[share] for course in courses])
                kept.take(np.array(ids), np.where(allowed, scores, -np.inf))
    return {share: kept.ids() for share, kept in best.items()}


class _Best:
    """The n best of each question, block by block."""

    def __init__(self, questions: int, n: int) -> None:
        self._n = n
        self._scores = np.full((questions, n), -np.inf, np.float32)
        self._ids = np.full((questions, n), "", dtype="U36")

    def take(self, ids: NDArray[np.str_], scores: NDArray[np.float32]) -> None:
        for at in np.flatnonzero((scores > self._scores[:, -1:]).any(axis=1)):
            both = np.concatenate([self._scores[at], scores[at]])
            order = np.argsort(-both, kind="stable")[: self._n]
            self._ids[at] = np.concatenate([self._ids[at], ids])[order]
            self._scores[at] = both[order]

    def ids(self) -> list[set[str]]:
        return [set(row) - {""} for row in self._ids.tolist()]


def _make_courses(database: Database) -> list[str]:
    with database.write() as session:
        return [course_by_name(session, f"Course {at}", create=True).id for at in range(COURSES)]
