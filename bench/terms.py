"""How long a course's map of terms takes: drawn up, and shown from memory; and what other pages notice meanwhile.

    .venv/bin/python -m bench.terms LECTURES [--language en] [--segments 10000,100000] [--top 20]

LECTURES: a folder with segments.jsonl and recordings.jsonl (`{"recording", "language", …}`). Recordings of the language
are put into a home of their own, again and again under new names until there are so many segments. Prints for each size
the seconds from the database to the map, the milliseconds of the page p50 / p95 once it is kept, those of the list of
courses while nothing else runs and while the map is drawn up, and, for a person to judge, the foremost terms.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from sqlalchemy import insert

from assistant.recognising.english_frequencies import log_frequency
from earmark.bench.jsonl import read_jsonl
from earmark.migrations import migrate
from knowledge.database import Database, new_id, utc_now
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.terms.mapping import map_terms
from knowledge.terms.reading import published_in, said_in, with_sentences
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.segment import Segment
from web.term_maps import TermMaps
from web.views.terms import terms_view

_ROUNDS = 20


def main() -> None:
    arguments = _arguments()
    talks = _talks(arguments.lectures, arguments.language)
    for size in (int(each) for each in arguments.segments.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            database = Database(f"sqlite:///{Path(folder) / 'earmark.db'}")
            migrate(database, Path(folder))
            course_id = _fill(database, talks, size, arguments.language)
            _measure(database, course_id, top=arguments.top)
            database.close()


def _measure(database: Database, course_id: str, *, top: int) -> None:
    log_frequency("the")
    started = time.perf_counter()
    with database.read() as session:
        published = published_in(session, course_id)
        said = said_in(session, published)
        read_s = time.perf_counter() - started
        drawn = with_sentences(session, map_terms(said, log_frequency), published)
    whole_s = time.perf_counter() - started
    hours = sum(each.end_s - each.start_s for each in said) / 3600
    print(f"{len(said)} segments, {hours:.0f} h of speech, {len(published)} recordings")
    print(
        f"  drawn up in {whole_s:.2f} s, {read_s:.2f} s of it reading: {len(drawn.terms)} terms, {len(drawn.ties)} ties"
    )
    idle = _took(lambda: _list_courses(database), rounds=_ROUNDS)
    maps = TermMaps(database, wait_s=0.0)
    maps.of(course_id)
    busy: list[float] = []
    while (found := maps.of(course_id)).drawn is None and not found.failed:
        busy += _took(lambda: _list_courses(database), rounds=1)
    kept = _took(lambda: _show(maps, course_id), rounds=_ROUNDS)
    around = _took(lambda: _show(maps, course_id, chosen=drawn.terms[0].key), rounds=_ROUNDS)
    print(f"  from memory, without the template: whole {_told(kept)}, around one term {_told(around)}")
    print(f"  another page's reading: idle {_told(idle)}, meanwhile {_told(busy)}")
    for term in drawn.terms[:top]:
        where = term.explained
        word = "explained" if where.defined else "spoken of"
        print(f"    {term.text} ×{term.times}, {word} {where.start_s:.0f} s: {where.text[:80]}")


def _list_courses(database: Database) -> None:
    with database.read() as session:
        for course in recordings.list_courses(session):
            recordings.list_recordings(session, [course.id])


def _show(maps: TermMaps, course_id: str, *, chosen: str | None = None) -> None:
    drawn = maps.of(course_id).drawn
    assert drawn is not None
    terms_view(drawn, {}, chosen=chosen)


def _took(work: Callable[[], None], *, rounds: int) -> list[float]:
    """Milliseconds of each round."""
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - started))
    return found


def _told(milliseconds: Sequence[float]) -> str:
    if not milliseconds:
        return "-"
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return f"{p50:.0f} / {p95:.0f} ms"


def _talks(lectures: Path, language: str) -> list[list[Segment]]:
    wanted = {
        str(row["recording"])
        for row in read_jsonl(lectures / "recordings.jsonl", needs=("recording", "language"))
        if row["language"] == language
    }
    talks: dict[str, list[Segment]] = {}
    for row in read_jsonl(lectures / "segments.jsonl", needs=("recording", "start_s", "end_s", "text")):
        if row["recording"] in wanted:
            segment = Segment(float(row["start_s"]), float(row["end_s"]), str(row["text"]), language)
            talks.setdefault(str(row["recording"]), []).append(segment)
    return list(talks.values())


def _fill(database: Database, talks: Sequence[Sequence[Segment]], size: int, language: str) -> str:
    with database.write() as session:
        course_id = recordings.course_by_name(session, "Lectures", create=True).id
        for talk in _so_many(talks, size):
            recording_id = new_id()
            session.execute(
                insert(RecordingRow).values(
                    id=recording_id,
                    course_id=course_id,
                    name=recording_id,
                    title=recording_id,
                    state=RecordingState.READY,
                    content_sha256=recording_id,
                    size_bytes=1,
                    original_path="-",
                    has_picture=False,
                    language=language,
                    revision=1,
                    created_at=utc_now(),
                )
            )
            transcripts.save_transcript(session, recording_id, "bench", talk)
    return course_id


def _so_many(talks: Sequence[Sequence[Segment]], size: int) -> Iterator[Sequence[Segment]]:
    left = size
    for talk in itertools.cycle(talks):
        if left <= 0:
            return
        yield talk[:left]
        left -= len(talk)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lectures", type=Path)
    parser.add_argument("--language", default="en")
    parser.add_argument("--segments", default="10000,100000")
    parser.add_argument("--top", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
