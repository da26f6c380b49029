"""How fast and how large this host's index is, over passages made up from a vocabulary with natural frequencies.

    .venv/bin/python -m bench.index --passages 10000
    .venv/bin/python -m bench.index --passages 100000

A home of its own in a temporary folder; recordings of 50 passages in 100 courses; vectors of 384 numbers around
2,000 centres. Milliseconds are medians and 95th percentiles over `--questions` questions. The product's own analysis
of texts is part of building and of following.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.migrations import migrate
from knowledge.database import Database, new_id, utc_now
from knowledge.finding.analysis import ANALYSIS_VERSION, analyse
from knowledge.index.follower import IndexFollower
from knowledge.index.view import IndexView, PassageTokens, TokenField
from knowledge.passages import store as passages
from knowledge.passages.cutting import PassageDraft
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow, RecordingState

DIMENSIONS = 384
COURSES = 100
PASSAGES_A_RECORDING = 50
WORDS_A_PASSAGE = 40
WORDS_A_QUESTION = 10
DIGEST = "0" * 64
SYLLABLES = [c + v + e for c in "bdfgklmnprstvz" for v in "aeiou" for e in ("", "n", "r", "s", "t")]


class Made:
    """Texts and vectors by chance, the same in each run."""

    def __init__(self) -> None:
        self.chance = np.random.default_rng(1)
        count = 20_000
        syllables = self.chance.choice(SYLLABLES, (count, 3))
        self.vocabulary = np.array(["".join(word) for word in syllables])
        frequencies = 1 / np.arange(1, count + 1)
        self.frequencies = frequencies / frequencies.sum()
        self.centres = self.chance.standard_normal((2_000, DIMENSIONS), np.float32)

    def text(self, words: int) -> str:
        return " ".join(self.chance.choice(self.vocabulary, words, p=self.frequencies))

    def vectors(self, count: int) -> NDArray[np.float32]:
        near = self.centres[self.chance.integers(0, len(self.centres), count)]
        vectors = near + self.chance.standard_normal((count, DIMENSIONS), np.float32)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--open-only", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open_only:
        measure_opening(arguments.open_only)
        return
    with tempfile.TemporaryDirectory() as name:
        measure_all(Path(name), arguments.passages, arguments.questions)


def measure_all(home: Path, count: int, questions: int) -> None:
    made = Made()
    with opened(home) as (database, follower):
        migrate(database, home)
        courses = fill(database, made, count)
        timed("write the base anew (analysis, words, vectors)", follower.rebuild)
        size = sum(path.stat().st_size for path in (home / "index").rglob("*") if path.is_file())
        row("size on disk", f"{size / 1e6:.0f} MB")
        subprocess.run([sys.executable, "-m", "bench.index", "--open-only", home], check=True)
        view = follower.view()
        measure_questions("", view, made, courses, questions)
        measure_following(database, follower, made, courses)
        measure_delta(database, follower, made, courses, max(1000, count // 20))
        measure_questions(", delta full", follower.refresh(), made, courses, questions)
        timed("compact", follower.compact)


def fill(database: Database, made: Made, count: int) -> list[str]:
    with database.write() as session:
        courses = [recordings.course_by_name(session, f"Course {at}", create=True).id for at in range(COURSES)]
    started = time.perf_counter()
    for at in range(count // PASSAGES_A_RECORDING):
        publish_one(database, made, courses[at % COURSES])
    row(f"publish {count} passages with vectors", f"{time.perf_counter() - started:.1f} s")
    return courses


def publish_one(
    database: Database, made: Made, course_id: str, *, just_before: Callable[[], object] = lambda: None
) -> str:
    """A recording's last text, which holds a word of its own."""
    recording_id = new_id()
    texts = [made.text(WORDS_A_PASSAGE) for _ in range(PASSAGES_A_RECORDING - 1)]
    own_word = "".join(chr(ord("g") + int(digit, 16)) for digit in recording_id.replace("-", ""))
    texts.append(f"{made.text(WORDS_A_PASSAGE)} {own_word}")
    drafts = [PassageDraft(at, at, at, at + 1, text, "en") for at, text in enumerate(texts)]
    vectors = made.vectors(len(texts))
    just_before()
    with database.write() as session:
        session.add(
            RecordingRow(
                id=recording_id, course_id=course_id, name="n", title="t", state=RecordingState.INDEXING,
                content_sha256=recording_id, size_bytes=1, original_path="o", created_at=utc_now(),
            )
        )  # fmt: skip
        session.flush()
        ids = passages.replace_passages(session, recording_id, 1, drafts)
        passages.save_vectors(session, DIGEST, dict(zip(ids, vectors, strict=True)))
        passages.publish(session, recording_id, 1)
    return texts[-1]


def measure_opening(home: Path) -> None:
    """In a process of its own, for its memory."""
    with opened(home) as (_, follower):
        before = resident_bytes()
        timed("open (all digests checked)", follower.view)
        row("memory of an open base", f"{(resident_bytes() - before) / 1e6:.0f} MB")


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def measure_questions(when: str, view: IndexView, made: Made, courses: list[str], questions: int) -> None:
    vectors = made.vectors(questions)
    tokens = [analyse(made.text(WORDS_A_QUESTION), "en") for _ in range(questions)]
    for name, permitted in permissions(courses):
        row(f"nearest 100, {name}{when}", spread(nearest(view, permitted), list(vectors)))
        for field in TokenField:
            row(f"matching 100 {field}, {name}{when}", spread(matching(view, permitted, field), tokens))
    everyone = frozenset(courses)
    found = [[each.passage_id for each in nearest(view, everyone)(vector)] for vector in vectors]
    row(f"vectors of 100{when}", spread(view.vectors, found))
    row(f"passages 10{when}", spread(lambda ids: view.passages(ids[:10]), found))


def permissions(courses: list[str]) -> list[tuple[str, frozenset[str]]]:
    return [(f"{share} % of courses", frozenset(courses[: share * COURSES // 100])) for share in (100, 10, 1)]


def nearest(view: IndexView, courses: frozenset[str]) -> Callable[[NDArray[np.float32]], list]:  # type: ignore[type-arg]
    return lambda vector: view.nearest(vector[None], courses=courses, n=100)


def matching(view: IndexView, courses: frozenset[str], field: TokenField) -> Callable[[PassageTokens], list]:  # type: ignore[type-arg]
    return lambda tokens: view.matching(field, tokens.of(field), courses=courses, n=100)


def measure_following(database: Database, follower: IndexFollower, made: Made, courses: list[str]) -> None:
    """From the commit of a recording until a question finds it, as a server asks: view by view, the last look at the
    database just before."""
    waits, works = [], []
    for at in range(10):
        text = publish_one(database, made, courses[at], just_before=follower.refresh)
        committed = time.perf_counter()
        token = analyse(text, "en").words[-1:]
        while not follower.view().matching(TokenField.WORDS, token, courses=frozenset(courses), n=1):
            time.sleep(0.01)
        waits.append(time.perf_counter() - committed)
        publish_one(database, made, courses[at])
        started = time.perf_counter()
        follower.refresh()
        works.append(time.perf_counter() - started)
    row("published -> findable, 50 passages", f"{np.median(waits):.2f} s, at most {max(waits):.2f} s")
    row("  of this, taking them in", f"{np.median(works) * 1e3:.0f} ms, at most {max(works) * 1e3:.0f} ms")


def measure_delta(database: Database, follower: IndexFollower, made: Made, courses: list[str], size: int) -> None:
    for at in range(size // PASSAGES_A_RECORDING):
        publish_one(database, made, courses[at % COURSES])
    timed(f"take {size} new passages in at once", follower.refresh)


@contextmanager
def opened(home: Path) -> Iterator[tuple[Database, IndexFollower]]:
    with closing(Database(f"sqlite:///{home / 'earmark.db'}")) as database:
        follower = IndexFollower(
            database, home / "index", analyse=analyse, analysis_version=ANALYSIS_VERSION, embedder_digest=DIGEST
        )
        with closing(follower):
            yield database, follower


def spread(call: Callable, questions: list) -> str:  # type: ignore[type-arg]
    taken = []
    for question in questions:
        started = time.perf_counter()
        call(question)
        taken.append(time.perf_counter() - started)
    return f"p50 {np.percentile(taken, 50) * 1e3:.2f} ms, p95 {np.percentile(taken, 95) * 1e3:.2f} ms"


def timed(name: str, call: Callable[[], object]) -> None:
    started = time.perf_counter()
    call()
    row(name, f"{time.perf_counter() - started:.2f} s")


def row(name: str, value: str) -> None:
    print(f"| {name} | {value} |", flush=True)


if __name__ == "__main__":
    main()
