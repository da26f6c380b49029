"""How long a question takes in a warm server, beside the plain work it cannot do without.

    .venv/bin/python -m bench.questions ../shared/data/lectures --spoken data/questions/spoken-car.flac

Fills a home with the lectures' transcripts (over 10,000 passages), starts `earmark serve` on it and asks:
typed questions one after the other (against embedding the question by the same engine and searching the same
vectors and words once, in this process), and a spoken one (against the recogniser's own time), idle and while the
demo course is being indexed. Prints a table of milliseconds and ratios; compare ratios, machines are shared.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from assistant.engine.client import EngineClient
from assistant.engine.http_client import HttpEngineClient
from assistant.engine.live import read_live_engine
from earmark.bench.bench_home import BenchEmbedder, opened_bench
from earmark.bench.lectures import given_recordings
from earmark.build import open_engine, open_house, open_index
from earmark.settings import read_settings
from knowledge.embedding import TextKind
from knowledge.finding.analysis import analyse
from knowledge.finding.languages import guess_language
from knowledge.index.view import TokenField
from knowledge.recordings.store import list_courses

CANDIDATES = 100


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("lectures", type=Path)
    given.add_argument("--spoken", type=Path, required=True)
    given.add_argument("--typed", type=int, default=200, help="how many typed questions")
    options = given.parse_args()
    rows = _read(options.lectures / "questions.jsonl")
    questions = [str(row["question"]) for row in rows if row["language"] == "en"]
    asked = [questions[number % len(questions)] for number in range(options.typed)]
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        home = Path(folder)
        with open_engine(read_settings({"home": home})) as engine:
            passages = _fill(home, options.lectures, engine)
        print(f"{passages} passages")
        with _serving(home) as address, httpx.Client(base_url=address, headers={"Origin": address}, timeout=60) as web:
            _table("typed, whole answer", _times(asked, partial(_ask, web)))
            _table("typed, plain embed + search", _plain(home, asked))
            spoken = options.spoken.read_bytes()
            _spoken("spoken, idle", web, spoken, 10)
            indexing = subprocess.Popen(_earmark(home, "index", "data/courses"), stdout=subprocess.DEVNULL)
            try:
                time.sleep(5)
                _spoken("spoken, while indexing", web, spoken, 10)
                _table("typed, while indexing", _times(asked[:50], partial(_ask, web)))
                print(f"still indexing: {indexing.poll() is None}")
            finally:
                indexing.terminate()
                indexing.wait()


def _read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _fill(home: Path, lectures: Path, engine: EngineClient) -> int:
    engine.embed(["warm"], kind=TextKind.QUESTION)
    digest = engine.state().embedder.digest
    embedder = BenchEmbedder(lambda texts, kind: engine.embed(texts, kind=kind), digest, None)
    recordings = given_recordings(_read(lectures / "recordings.jsonl"), _read(lectures / "segments.jsonl"))
    with opened_bench(home, embedder) as bench:
        bench.fill(recordings)
        bench.index.compact()
        return bench.index.view().count(courses=frozenset({bench.course_id}))


def _earmark(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "earmark", "--home", str(home), *arguments]


@contextmanager
def _serving(home: Path) -> Iterator[str]:
    """A server's address once it is ready; says how long that took."""
    started = time.monotonic()
    process = subprocess.Popen(
        _earmark(home, "serve", "--port", "0"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().split()[-1]
        print(f"ready after {time.monotonic() - started:.1f} s")
        yield address
    finally:
        process.terminate()
        process.wait()


def _ask(web: httpx.Client, text: str) -> None:
    web.post("/api/v1/questions", json={"text": text}).raise_for_status()


def _times(asked: Sequence[str], ask: Callable[[str], None]) -> list[float]:
    """Milliseconds each; the first three are not counted, they warm what is cold."""
    times = []
    for text in [*asked[:3], *asked]:
        started = time.perf_counter()
        ask(text)
        times.append(1000 * (time.perf_counter() - started))
    return times[3:]


def _plain(home: Path, asked: Sequence[str]) -> list[float]:
    """Embedding by the live engine, then the nearest vectors and the best words: what no search can do without."""
    live = read_live_engine(home)
    assert live is not None
    settings = read_settings({"home": home})
    with open_house(settings) as house, HttpEngineClient(live.url, live.key) as engine:
        with house.database.read() as session:
            courses = frozenset(course.id for course in list_courses(session))
        with open_index(house, embedder_digest=lambda: engine.state().embedder.digest) as index:
            view = index.view()

            def search(text: str) -> None:
                vector = engine.embed([text], kind=TextKind.QUESTION)
                view.nearest(vector, courses=courses, n=CANDIDATES)
                words = analyse(text, guess_language(text)).words
                view.matching(TokenField.WORDS, words, courses=courses, n=CANDIDATES)

            return _times(asked, search)


def _spoken(name: str, web: httpx.Client, sound: bytes, times: int) -> None:
    totals, recognising = [], []
    for _ in range(times):
        started = time.perf_counter()
        reply = web.post("/api/v1/questions", files={"audio": ("question.flac", sound)}).raise_for_status()
        totals.append(1000 * (time.perf_counter() - started))
        recognising.append(reply.json()["timings_ms"]["recognise"])
    _table(name, totals)
    _table("  of it the recogniser", recognising)
    print(f"  ratio of medians {statistics.median(totals) / statistics.median(recognising):.2f}")


def _table(name: str, times: Sequence[float]) -> None:
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    print(f"| {name} | {len(ordered)} | p50 {statistics.median(ordered):.0f} ms | p95 {p95:.0f} ms |")


if __name__ == "__main__":
    main()
