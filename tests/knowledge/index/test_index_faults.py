"""The index under kills, damage and full disks: the right answers, whatever happened to its files."""

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from knowledge.database import Database
from knowledge.file_lock import file_lock
from knowledge.index.base import Base, open_base
from knowledge.index.follower import IndexFollower
from knowledge.index.tokens import hashes_of
from knowledge.index.view import TokenField
from knowledge.passages import store as passages
from tests.shelf import EMBEDDER, Shelved, analyse, embed, enter, remove, shelve

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[3]

OPEN = """
import sys
from pathlib import Path
from knowledge.database import Database
from knowledge.index.follower import IndexFollower
from tests.shelf import EMBEDDER, analyse, shelve
database = Database(sys.argv[1])
follower = IndexFollower(
    database, Path(sys.argv[2]), analyse=analyse, analysis_version="1", embedder_digest=EMBEDDER
)
print("open", flush=True)
"""
REBUILD_FOR_EVER = f"{OPEN}\nwhile True:\n    follower.rebuild()\n"
PUBLISH_FOR_EVER = f"""{OPEN}
while True:
    shelve(database, ["glove coming", "door coming"])
    follower.maybe_compact()
"""
REBUILD_ON_A_FULL_DISK = f"""{OPEN}
import resource, signal
from knowledge.errors import IndexNotWritten
follower.view()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    follower.rebuild()
except IndexNotWritten as error:
    print(error)
print(follower.view().count(courses=frozenset(sys.argv[4:])))
follower.close()
"""
MERGE_FOR_EVER = f"""{OPEN}
while True:
    shelve(database, ["glove coming", "door coming"])
    follower.compact()
"""
COMPACT_OFTEN = f"""{OPEN}
for _ in range(5):
    follower.rebuild()
follower.close()
"""


@pytest.fixture
def shelved(database: Database) -> list[Shelved]:
    return [shelve(database, [f"glove number {at}", f"door number {at}"]) for at in range(30)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@contextmanager
def opened(database: Database, folder: Path) -> Iterator[IndexFollower]:
    follower = IndexFollower(database, folder, analyse=analyse, analysis_version="1", embedder_digest=EMBEDDER)
    try:
        yield follower
    finally:
        follower.close()


def files_of_a_base() -> list[str]:
    """`words/` has file names of its own each time: they are named by their suffixes."""
    plain = ["CURRENT", "manifest.json", "vectors.faiss", "recordings.json"]
    arrays = [
        "vector_rows",
        "passages",
        "by_id",
        "places",
        "words_said",
        "words_starts",
        "sounds_said",
        "sounds_starts",
    ]
    words = ("meta.json", ".idx", ".term", ".fast", ".fieldnorm", ".store")
    return [*plain, *(f"{name}.npy" for name in arrays), *(f"words/*{kind}" for kind in words)]


@pytest.mark.parametrize("harm", ["first byte", "middle byte", "last byte", "half", "empty", "gone"])
@pytest.mark.parametrize("name", files_of_a_base())
def test_a_damaged_file_is_noticed_and_the_base_written_anew(
    database: Database, shelved: list[Shelved], folder: Path, name: str, harm: str
) -> None:
    with opened(database, folder) as follower:
        follower.rebuild()
    damage(find(folder, name), harm)
    before = {path.name for path in folder.iterdir() if path.is_dir()}
    with opened(database, folder) as follower:
        assert_right(follower, shelved)
    after = {path.name for path in folder.iterdir() if path.is_dir()}
    assert len(after) == 1
    assert after != before


def test_a_base_that_vanishes_is_written_anew(database: Database, shelved: list[Shelved], folder: Path) -> None:
    with opened(database, folder) as follower:
        follower.rebuild()
        shutil.rmtree(folder)
        assert_right(follower, shelved)
    with opened(database, folder) as follower:
        assert_right(follower, shelved)
        assert (folder / "CURRENT").exists()


def test_a_writer_killed_at_any_moment_leaves_a_whole_index(
    database: Database, shelved: list[Shelved], folder: Path
) -> None:
    chance = random.Random(7)
    for _ in range(12):
        with running(REBUILD_FOR_EVER, database.url, folder) as writer:
            time.sleep(chance.uniform(0, 0.25))
            writer.kill()
        with opened(database, folder) as follower:
            assert_right(follower, shelved)
    with opened(database, folder) as follower:
        follower.rebuild()
        assert sum(path.is_dir() for path in folder.iterdir()) == 1


def test_a_merge_killed_at_any_moment_leaves_the_old_base_or_the_new_one(
    database: Database, shelved: list[Shelved], folder: Path
) -> None:
    """A merge reads from the base that it is to take the place of."""
    chance = random.Random(5)
    with opened(database, folder) as follower:
        follower.rebuild()
        for _ in range(8):
            with running(MERGE_FOR_EVER, database.url, folder) as merger:
                time.sleep(chance.uniform(0.02, 0.3))
                merger.kill()
            assert_right(follower, shelved)
    with opened(database, folder) as follower:
        assert_right(follower, shelved)
        follower.compact()
        assert sum(path.is_dir() for path in folder.iterdir()) == 1


@pytest.mark.parametrize("how", ["compact", "maybe_compact"])
def test_what_a_writer_left_that_was_killed_before_it_cleared_goes_though_nothing_changed_since(
    database: Database, shelved: list[Shelved], folder: Path, how: str
) -> None:
    """Else what was removed would stay on the disk for as long as nothing else is indexed."""
    with opened(database, folder) as follower:
        follower.rebuild()
        (folder / "base before").mkdir()
        (folder / "base before" / "words_said.npy").write_bytes(b"what somebody said")
        assert not getattr(follower, how)()
        assert [path.name for path in folder.iterdir() if path.is_dir()] == [
            (folder / "CURRENT").read_text().split()[0]
        ]
        assert_right(follower, shelved)


def test_a_base_is_never_checked_against_the_files_of_the_one_that_took_its_place(
    database: Database,
    shelved: list[Shelved],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another process may name a new base while this one opens the old."""
    with opened(database, folder) as follower:
        follower.rebuild()
    real = open_base

    def opened_while_another_writes(*args: Any, **options: Any) -> Base:
        base = real(*args, **options)
        monkeypatch.setattr("knowledge.index.follower.open_base", real)
        with opened(database, folder) as other:
            other.rebuild()
        return base

    monkeypatch.setattr("knowledge.index.follower.open_base", opened_while_another_writes)
    with opened(database, folder) as follower:
        assert_right(follower, shelved)
        newest = (folder / "CURRENT").read_text()
        assert_right(follower, shelved)
    assert (folder / "CURRENT").read_text() == newest
    assert "damaged" not in caplog.text


@pytest.mark.parametrize("name", ["vectors.faiss", "words_said.npy", "words/*.idx"])
def test_damage_in_a_large_file_is_noticed_while_the_base_is_served(
    database: Database, shelved: list[Shelved], folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the database says is never lost for it: the base is written anew from there, not merged from the damage."""
    monkeypatch.setattr("knowledge.index.follower.CHECKED_AT_ONCE_BYTES", 0)
    with opened(database, folder) as follower:
        follower.rebuild()
    damage(find(folder, name), "last byte")
    before = (folder / "CURRENT").read_text()
    with opened(database, folder) as follower:
        follower.view()
        deadline = time.monotonic() + 10
        while (folder / "CURRENT").read_text() == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
            follower.refresh()
        assert_right(follower, shelved)


def test_damage_that_cannot_be_mended_yet_is_looked_for_once(
    database: Database,
    shelved: list[Shelved],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else every byte of a large index would be read again for each second of a full disk or of another's merge."""
    monkeypatch.setattr("knowledge.index.follower.CHECKED_AT_ONCE_BYTES", 0)
    with opened(database, folder) as follower:
        follower.rebuild()
    damage(find(folder, "vectors.faiss"), "last byte")
    with opened(database, folder) as follower:
        with file_lock(folder / "write.lock", wait_s=0):
            follower.view()
            deadline = time.monotonic() + 10
            while "damaged" not in caplog.text:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            for _ in range(5):
                follower.refresh()
                time.sleep(0.05)
        assert caplog.text.count("damaged") == 1
        before = (folder / "CURRENT").read_text()
        follower.refresh()
        assert (folder / "CURRENT").read_text() != before
        assert_right(follower, shelved)


def test_a_merge_never_copies_damage(
    database: Database, shelved: list[Shelved], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.index.follower.CHECKED_AT_ONCE_BYTES", 0)
    with opened(database, folder) as follower:
        follower.rebuild()
        damage(find(folder, "words_said.npy"), "last byte")
        shelve(database, ["one more"])
        assert follower.compact()
        assert_right(follower, shelved)
        [said] = follower.view().tokens(shelved[-1].passage_ids[-1:])
        assert said.words.tolist() == hashes_of(["door", "number", "29"]).tolist()


def test_a_publisher_killed_at_any_moment_leaves_only_whole_recordings(
    database: Database, shelved: list[Shelved], folder: Path
) -> None:
    chance = random.Random(3)
    with opened(database, folder) as follower:
        for _ in range(6):
            with running(PUBLISH_FOR_EVER, database.url, folder) as publisher:
                time.sleep(chance.uniform(0.05, 0.4))
                publisher.kill()
            with database.read() as session:
                published = len(passages.changes_since(session, 0))
            view = follower.refresh()
            assert view.change_number == published
            assert view.count(courses=frozenset({shelved[0].course_id})) == published * 2
            assert_right(follower, shelved)


@pytest.mark.parametrize("limit", [0, 100, 1_500, 3_500])
def test_a_full_disk_leaves_the_old_base(database: Database, shelved: list[Shelved], folder: Path, limit: int) -> None:
    """A limit on the size of files stands for the disk: writing fails in the middle of one."""
    with opened(database, folder) as follower:
        follower.rebuild()
    before = (folder / "CURRENT").read_text()
    with running(REBUILD_ON_A_FULL_DISK, database.url, folder, str(limit), shelved[0].course_id) as child:
        assert child.stdout is not None
        said = child.stdout.read().splitlines()
    assert len(said) == 2
    assert "free some disk" in said[0]
    assert said[1] == "60"
    assert (folder / "CURRENT").read_text() == before
    assert sum(path.is_dir() for path in folder.iterdir()) == 1
    with opened(database, folder) as follower:
        assert_right(follower, shelved)


def test_where_the_index_cannot_be_written_it_is_served_from_memory(
    database: Database, shelved: list[Shelved], folder: Path
) -> None:
    folder.write_text("a file where the folder should be")
    with opened(database, folder) as follower:
        assert_right(follower, shelved)


def test_while_another_process_writes_the_first_base_it_is_served_from_memory(
    database: Database, shelved: list[Shelved], folder: Path
) -> None:
    with opened(database, folder) as follower:
        with file_lock(folder / "write.lock", wait_s=0):
            assert_right(follower, shelved)
            assert not follower.maybe_compact()
        assert follower.maybe_compact()
        assert_right(follower, shelved)


def test_several_writers_take_turns(database: Database, shelved: list[Shelved], folder: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", COMPACT_OFTEN, database.url, folder], cwd=ROOT) for _ in range(3)
    ]
    with opened(database, folder) as follower:
        while any(writer.poll() is None for writer in writers):
            assert_right(follower, shelved)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert sum(path.is_dir() for path in folder.iterdir()) == 1


def test_a_recording_that_is_never_published_is_never_found(
    database: Database, shelved: list[Shelved], folder: Path
) -> None:
    enter(database, recording_id="waiting")
    remove(database, "waiting")
    with opened(database, folder) as follower:
        assert_right(follower, shelved)


def assert_right(follower: IndexFollower, shelved: list[Shelved]) -> None:
    """Every recording is found by its own number, by words and by meaning."""
    view = follower.refresh()
    courses = frozenset({shelved[0].course_id})
    for at in (0, 7, 29):
        expected = shelved[at].passage_ids
        found = view.matching(TokenField.WORDS, [str(at)], courses=courses, n=9)
        assert {each.passage_id for each in found} == set(expected)
        [best] = view.nearest(embed(f"door number {at}")[None], courses=courses, n=1)
        assert best.passage_id == expected[1]
        assert [each.text for each in view.passages([best.passage_id])] == [f"door number {at}"]


def find(folder: Path, name: str) -> Path:
    [found] = [folder / name] if name == "CURRENT" else folder.glob(f"*/{name}")
    return found


def damage(path: Path, harm: str) -> None:
    content = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
        return
    if harm.endswith("byte"):
        at = {"first": 0, "middle": len(content) // 2, "last": len(content) - 1}[harm.split()[0]]
        content[at] ^= 0xFF
    path.write_bytes(content[: {"half": len(content) // 2, "empty": 0}.get(harm, len(content))])


@contextmanager
def running(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A child process that has opened the index."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        yield child
