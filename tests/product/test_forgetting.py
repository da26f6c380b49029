"""A sentence that is in no other place: said by subtitles, found, removed, compacted, and then looked for in every
byte of the home and of what the server wrote to its log; once more after an older backup came back."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.assistant.hearing.hostile_files import wav_bytes
from tests.product.running import Server, earmark, serving

pytestmark = pytest.mark.slow

CANARY = "The quillfeather heron may only be weighed on the zandermoor scale."
MARKS = ("quillfeather", "zandermoor", "羽毛笔苍鹭")
"""Words of it that are nowhere else; as whole tokens that is how an index of words keeps them."""
QUESTION = "On which scale may the heron be weighed?"
OTHER = "The fire door on the ground floor stays shut at all times."
SUBTITLES = "1\n00:00:01,000 --> 00:00:05,000\n{first}\n\n2\n00:00:05,500 --> 00:00:09,000\n{second}\n"
COPY = "earmark-20260101T000000000000-schema-0001.db"


def spoken(folder: Path, name: str, *, said: tuple[str, str], seed: int) -> Path:
    """Ten seconds of noise, whose subtitles tell what is said."""
    samples = np.random.default_rng(seed).normal(0, 500, 160_000).astype("<i2")
    (folder / f"{name}.wav").write_bytes(wav_bytes(samples.tobytes()))
    (folder / f"{name}.srt").write_text(SUBTITLES.format(first=said[0], second=said[1]), encoding="utf-8")
    return folder / f"{name}.wav"


def traces(folder: Path, *needles: bytes) -> dict[str, list[str]]:
    """Files below a folder that hold one of the marks in a form that a file may have it in, or one of the needles."""
    forms = [form for mark in MARKS for form in forms_of(mark)]
    found: dict[str, list[str]] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes().lower()
            held = [repr(form) for form in (*forms, *(each.lower() for each in needles)) if form in data]
            if held:
                found[path.relative_to(folder).as_posix()] = held
    return found


def forms_of(mark: str) -> list[bytes]:
    """Lower-cased, as everything is that they are looked for in."""
    escaped = json.dumps(mark).strip('"').lower().encode()  # as JSON columns keep it
    return [mark.encode(), mark.encode("utf-16-le"), mark.encode("utf-16-be"), escaped]


def vectors_of(home: Path, recording_id: str) -> list[bytes]:
    """What the database has of a recording in numbers: its passages' vectors and those of their tokens."""
    with closing(sqlite3.connect(home / "earmark.db")) as database:
        query = """select {column} from {table} join passage on passage.id = {table}.passage_id
                   where passage.recording_id = ?"""
        rows = [
            row[0]
            for column, table in (("vector", "passage_vector"), ("packed", "passage_token_vectors"))
            for row in database.execute(query.format(column=column, table=table), (recording_id,))
        ]
    # A stretch from the middle: pages of the database split what is long. Vectors in the index are those of float16.
    return [row[40:120] for row in rows if len(row) > 160]


def copy_database(database: Path, copy: Path) -> None:
    """As is done before a migration."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path, str]]:
    """A server on a home with two recordings, its log, and the id of the one with the canary."""
    folder = tmp_path_factory.mktemp("forgetting")
    home, log = folder / "home", folder / "log" / "serve.log"
    log.parent.mkdir()
    marked = spoken(folder, "quillfeather heron", said=(CANARY, "羽毛笔苍鹭 quillfeather"), seed=1)
    other = spoken(folder, "doors", said=(OTHER, "It opens outwards."), seed=2)
    with serving(home, log) as server:
        ran = earmark(home, "index", marked, other, "--json")
        assert ran.code == 0, ran.err
        ids = {each["recording"]: each["recording_id"] for each in ran.json["indexed"]}
        yield server, log, ids[marked.name]


def test_after_removal_and_compaction_no_byte_of_it_is_left(house: tuple[Server, Path, str], tmp_path: Path) -> None:
    server, log, recording_id = house
    home = server.home
    answer = server.http.post("/ask", data={"text": QUESTION}, follow_redirects=True)
    assert "zandermoor" in answer.text
    assert earmark(home, "ask", "--text", QUESTION, "--json").json["hits"][0]["recording_id"] == recording_id
    earmark(home, "index", "--compact")  # into the base of the index, too
    archive = tmp_path / "backups" / "before.tar"
    archive.parent.mkdir()
    assert earmark(home, "backup", archive).code == 0
    (home / "backups").mkdir()
    copy_database(home / "earmark.db", home / "backups" / COPY)
    needles = vectors_of(home, recording_id)
    before = traces(home, *needles)
    assert any(repr(each.lower()) in before["earmark.db"] for each in needles)
    assert {Path(name).parts[0] for name in before} >= {"earmark.db", "index", "files", "backups"}

    assert server.http.post(f"/recordings/{recording_id}/remove").status_code in (200, 303)
    compacted = earmark(home, "index", "--compact")

    assert compacted.code == 0, compacted.err
    assert traces(home, *needles) == {}
    assert traces(log.parent) == {}
    page = server.http.get(str(answer.url))
    assert (page.status_code, "zandermoor" in page.text) == (200, False)
    assert "removed since" in page.text
    assert earmark(home, "ask", "--text", QUESTION, "--json").json["hits"][0]["recording_id"] != recording_id

    elsewhere = tmp_path / "elsewhere"
    assert earmark(home, "backup", tmp_path / "backups" / "after.tar").code == 0
    restored = earmark(elsewhere, "restore", archive)
    assert restored.code == 0, restored.err
    assert "recordings: 1, questions: 0" in restored.err
    assert traces(elsewhere, *needles) == {}
    asked = earmark(elsewhere, "ask", "--text", QUESTION, "--json")
    assert [hit["recording_id"] for hit in asked.json["hits"]].count(recording_id) == 0
    assert traces(elsewhere, *needles) == {}
