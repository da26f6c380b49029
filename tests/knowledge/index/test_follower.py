"""The index: exactly what the database says, filtered before it is ranked, whatever is base and whatever is delta."""

import datetime as dt
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from math import log
from pathlib import Path

import numpy as np
import pytest

from knowledge.database import Database, utc_now
from knowledge.finding.find import Question, find
from knowledge.finding.languages import Script
from knowledge.index import faiss_vectors, merging, writing
from knowledge.index.candidates import USUAL_LENGTH
from knowledge.index.follower import IndexFollower
from knowledge.index.merging import Growth, wants_merging
from knowledge.index.tokens import hashes_of
from knowledge.index.view import Candidate, IndexView, PassageTokens, Place, TokenField
from knowledge.passages import store as passages
from knowledge.recordings.tables import RecordingRow
from knowledge.transcripts.store import segments_of
from tests.shelf import EMBEDDER, Shelved, analyse, embed, publish, remove, shelve

OTHER_EMBEDDER = "f" * 64
WORDS = ["glove", "door", "alarm", "exit", "expense", "receipt", "badge", "ladder", "helmet", "privacy"]

Open = Callable[..., IndexFollower]


@pytest.fixture
def open_follower(databases: Database, tmp_path: Path) -> Iterator[Open]:
    """Followers of one folder, as several processes would have them."""
    opened: list[IndexFollower] = []

    def open_one(
        *,
        embedder: Callable[[], str | None] | str | None = EMBEDDER,
        version: str = "1",
        database: Database = databases,
        folder: Path = tmp_path / "index",
    ) -> IndexFollower:
        opened.append(
            IndexFollower(database, folder, analyse=analyse, analysis_version=version, embedder_digest=embedder)
        )
        return opened[-1]

    yield open_one
    for follower in opened:
        follower.close()


@pytest.fixture
def follower(open_follower: Open) -> IndexFollower:
    return open_follower()


class TestWhatIsFound:
    def test_an_empty_database_has_nothing_to_find(self, follower: IndexFollower) -> None:
        view = follower.view()
        assert view.change_number == 0
        assert view.embedder_digest(courses=frozenset({"a"})) is None
        assert words(view, "glove", {"a"}) == []
        assert view.nearest(embed("glove")[None], courses=frozenset({"a"}), n=5) == []
        assert view.statistics(TokenField.WORDS, ["glove"], courses=frozenset({"a"})).holding == {"glove": 0}
        assert view.passages(["nobody"]) == []

    @pytest.mark.parametrize("compacted", [False, True])
    def test_what_was_published_is_found_by_words_sounds_and_meaning(
        self, databases: Database, follower: IndexFollower, compacted: bool
    ) -> None:
        follower.view()
        shelved = shelve(databases, ["put on the gloves", "leave by the exit"])
        if compacted:
            assert follower.compact()
        view = follower.refresh()
        courses = frozenset({shelved.course_id})
        assert words(view, "gloves", courses) == [shelved.passage_ids[0]]
        assert ids(view.matching(TokenField.SOUNDS, ["exi"], courses=courses, n=5)) == [shelved.passage_ids[1]]
        nearest = view.nearest(embed("leave exit")[None], courses=courses, n=2)
        assert ids(nearest) == [shelved.passage_ids[1], shelved.passage_ids[0]]
        assert nearest[0].score == pytest.approx(embed("leave exit") @ embed("leave by the exit"), abs=2e-3)
        assert [each.text for each in view.passages(shelved.passage_ids)] == ["put on the gloves", "leave by the exit"]
        assert np.allclose(view.vectors(shelved.passage_ids[::-1])[1], embed("put on the gloves"), atol=1e-3)

    @pytest.mark.parametrize("compacted", [False, True])
    def test_nothing_outside_the_permitted_courses_is_ever_returned(
        self, databases: Database, follower: IndexFollower, compacted: bool
    ) -> None:
        follower.view()
        mine = shelve(databases, ["glove", "door"], course="Mine")
        shelve(databases, ["glove glove", "glove"], course="Theirs")
        if compacted:
            follower.compact()
        view = follower.refresh()
        permitted = frozenset({mine.course_id, "another"})
        assert words(view, "glove", permitted) == [mine.passage_ids[0]]
        assert set(ids(view.nearest(embed("glove")[None], courses=permitted, n=9))) == set(mine.passage_ids)
        assert view.count(courses=permitted) == 2
        for nobody in (frozenset(), frozenset({"another"})):
            assert words(view, "glove", nobody) == []
            assert view.nearest(embed("glove")[None], courses=nobody, n=9) == []
            assert view.count(courses=nobody) == 0

    @pytest.mark.parametrize("compacted", [False, True])
    def test_places_and_tokens_are_those_of_the_passages(
        self, databases: Database, follower: IndexFollower, compacted: bool
    ) -> None:
        follower.view()
        shelve(databases, ["before it"], course="Another")
        shelved = shelve(databases, ["Put on the gloves", "戴上手套", "", "leave by the exit"], digest=None)
        if compacted:
            follower.compact()
        view = follower.refresh()
        asked = [shelved.passage_ids[3], "nobody", *shelved.passage_ids[:3]]
        places, passages_there = view.places(asked), view.passages(asked)
        for place, passage in zip(places, passages_there, strict=True):
            assert {name: getattr(place, name) for name in Place.__slots__ if name != "script"} == {
                name: value for name, value in asdict(passage).items() if name != "text"
            }
        assert [place.script for place in places] == [Script.LATIN, Script.LATIN, Script.HAN, Script.NONE]
        for said, text in zip(view.tokens(asked), ["leave by the exit", "", "Put on the gloves"], strict=False):
            tokens = analyse(text, "en")
            assert said.words.tolist() == hashes_of(tokens.words).tolist()
            assert said.sounds.tolist() == hashes_of(tokens.sounds).tolist()

    def test_what_was_removed_has_no_place_and_no_tokens(self, databases: Database, follower: IndexFollower) -> None:
        gone, kept = shelve(databases, ["gone"]), shelve(databases, ["kept"])
        follower.compact()
        remove(databases, gone.recording_id)
        view = follower.refresh()
        asked = [*gone.passage_ids, *kept.passage_ids]
        assert [place.id for place in view.places(asked)] == list(kept.passage_ids)
        assert [len(said.words) for said in view.tokens(asked)] == [0, 1]

    def test_removed_and_replaced_passages_are_found_no_more(
        self, databases: Database, follower: IndexFollower
    ) -> None:
        gone, changed, kept = (shelve(databases, [f"glove {name}"]) for name in ("gone", "old", "kept"))
        follower.compact()
        remove(databases, gone.recording_id)
        fresh = publish(databases, changed.recording_id, ["glove new"])
        for view in (follower.refresh(), compacted_view(follower)):
            courses = frozenset({kept.course_id})
            assert set(words(view, "glove", courses)) == {*fresh.passage_ids, *kept.passage_ids}
            assert words(view, "old", courses) == []
            assert set(ids(view.nearest(embed("glove gone old")[None], courses=courses, n=9))) == {
                *fresh.passage_ids,
                *kept.passage_ids,
            }

    def test_a_view_keeps_its_state_but_what_was_removed_leaves_its_passages(
        self, databases: Database, follower: IndexFollower
    ) -> None:
        shelved = shelve(databases, ["glove"])
        view = follower.refresh()
        remove(databases, shelved.recording_id)
        follower.refresh()
        assert words(view, "glove", frozenset({shelved.course_id})) == list(shelved.passage_ids)
        assert view.passages(shelved.passage_ids) == []

    @pytest.mark.parametrize("seed", range(4))
    def test_base_and_delta_together_rank_as_one_exact_index_would(
        self, databases: Database, follower: IndexFollower, seed: int
    ) -> None:
        """Random publishing, replacing, removing and compacting, beside a reference that just scores everything."""
        chance = random.Random(seed)
        shelf: dict[str, tuple[Shelved, list[str]]] = {}
        for step in range(25):
            change_something(databases, shelf, chance)
            if step % 9 == 4:
                follower.compact()
            if step % 3 == 0:
                compare_with_reference(follower.refresh(), shelf, chance)
        follower.compact()
        compare_with_reference(follower.view(), shelf, chance)

    def test_base_and_delta_a_merge_and_a_rebuilt_index_say_the_same(
        self, databases: Database, open_follower: Open, tmp_path: Path
    ) -> None:
        """Whatever was published, replaced and removed between merges."""
        chance = random.Random(11)
        merging, rebuilding = open_follower(), open_follower(folder=tmp_path / "rebuilt")
        shelf: dict[str, tuple[Shelved, list[str]]] = {}
        for _ in range(5):
            for _ in range(6):
                change_something(databases, shelf, chance)
            rebuilding.rebuild()
            expected = everything(rebuilding.refresh(), shelf)
            assert_alike(everything(merging.refresh(), shelf), expected)
            merging.compact()
            assert_alike(everything(merging.refresh(), shelf), expected)

    def test_a_persons_text_is_never_a_query_language(self, databases: Database, follower: IndexFollower) -> None:
        shelved = shelve(databases, ["glove AND (door", 'words:* "quoted'])
        follower.compact()
        tokens = ["*", "AND", "(door", "words:*", '"quoted', "course:x", "\x00", "", "a" * 100_000, "[a TO b]"]
        found = follower.view().matching(TokenField.WORDS, tokens, courses=frozenset({shelved.course_id}), n=9)
        assert set(ids(found)) == set(shelved.passage_ids)


class TestFollowing:
    @pytest.mark.timed
    def test_a_new_recording_is_in_the_view_within_a_second(self, databases: Database, follower: IndexFollower) -> None:
        follower.view()
        shelved = shelve(databases, ["glove"])
        deadline = time.monotonic() + 5
        while not words(follower.view(), "glove", {shelved.course_id}):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def test_the_view_stays_the_same_object_while_nothing_changes(
        self, databases: Database, follower: IndexFollower
    ) -> None:
        shelve(databases, ["glove"])
        assert follower.refresh() is follower.refresh()

    def test_a_second_follower_takes_a_new_base_over(self, databases: Database, open_follower: Open) -> None:
        writer, reader = open_follower(), open_follower()
        shelved = shelve(databases, ["glove"])
        reader.view()
        later = shelve(databases, ["glove too"])
        assert writer.compact()
        view = reader.refresh()
        assert set(words(view, "glove", {shelved.course_id})) == {*shelved.passage_ids, *later.passage_ids}
        assert folders(writer) == 1

    def test_an_open_view_goes_on_when_its_base_is_deleted(self, databases: Database, open_follower: Open) -> None:
        writer, reader = open_follower(), open_follower()
        shelved = shelve(databases, ["glove", "door"])
        writer.compact()
        view = reader.view()
        shelve(databases, ["other"])
        writer.compact()
        assert words(view, "glove", {shelved.course_id}) == [shelved.passage_ids[0]]
        assert view.statistics(TokenField.WORDS, ["door"], courses=frozenset({shelved.course_id})).holding == {
            "door": 1
        }

    def test_compacting_twice_does_nothing_the_second_time(self, databases: Database, follower: IndexFollower) -> None:
        shelve(databases, ["glove"])
        assert follower.compact()
        assert not follower.compact()
        follower.rebuild()
        assert folders(follower) == 1

    def test_a_merge_analyses_only_what_is_new(self, databases: Database, tmp_path: Path) -> None:
        analysed: list[str] = []

        def analyse_and_tell(text: str, language: str) -> PassageTokens:
            analysed.append(text)
            return analyse(text, language)

        follower = IndexFollower(
            databases, tmp_path / "index", analyse=analyse_and_tell, analysis_version="1", embedder_digest=EMBEDDER
        )
        shelved = shelve(databases, ["glove", "door"])
        gone = shelve(databases, ["gone"])
        follower.rebuild()
        analysed.clear()
        later = shelve(databases, ["alarm"])
        remove(databases, gone.recording_id)
        assert follower.compact()
        assert set(analysed) == {"alarm"}
        view = follower.refresh()
        assert words(view, "door", {shelved.course_id}) == [shelved.passage_ids[1]]
        assert words(view, "alarm", {shelved.course_id}) == list(later.passage_ids)
        assert words(view, "gone", {shelved.course_id}) == []
        follower.rebuild()
        assert {"glove", "door", "alarm"} <= set(analysed)
        follower.close()

    def test_a_recording_that_changed_its_course_unannounced_is_read_anew_by_a_merge(
        self, databases: Database, follower: IndexFollower
    ) -> None:
        moved, other = shelve(databases, ["glove"], course="Old"), shelve(databases, ["door"], course="New")
        follower.compact()
        with databases.write() as session:
            row = session.get_one(RecordingRow, moved.recording_id)
            row.course_id = other.course_id
        shelve(databases, ["alarm"])
        follower.compact()
        view = follower.refresh()
        assert words(view, "glove", {moved.course_id}) == []
        assert words(view, "glove", {other.course_id}) == list(moved.passage_ids)

    def test_words_that_were_removed_leave_every_file_at_compaction(
        self, database: Database, open_follower: Open, tmp_path: Path
    ) -> None:
        follower = open_follower(database=database)
        gone = shelve(database, ["xylophonequartz speaks"])
        shelve(database, ["glove"])
        follower.compact()
        assert holds(tmp_path, b"xylophonequartz")
        remove(database, gone.recording_id, purged=True)
        follower.compact()
        assert not holds(tmp_path, b"xylophonequartz")

    def test_other_token_rules_mean_another_base(self, databases: Database, open_follower: Open) -> None:
        shelved = shelve(databases, ["glove"])
        open_follower(version="1").compact()
        before = current(open_follower())
        view = open_follower(version="2").view()
        assert words(view, "glove", {shelved.course_id}) == list(shelved.passage_ids)
        assert current(open_follower()) != before

    def test_the_base_of_another_database_is_not_taken_for_this_ones(
        self, databases: Database, open_follower: Open, tmp_path: Path
    ) -> None:
        shelve(databases, ["glove"])
        open_follower().compact()
        other = Database(f"sqlite:///{tmp_path / 'other.db'}")
        make_tables(other)
        shelved = shelve(other, ["door"])
        view = open_follower(database=other).view()
        known = view.statistics(TokenField.WORDS, ["glove"], courses=frozenset({shelved.course_id}))
        assert known.holding == {"glove": 0}
        assert words(view, "door", {shelved.course_id}) == list(shelved.passage_ids)
        other.close()

    def test_many_threads_read_while_recordings_come_and_go(self, databases: Database, open_follower: Open) -> None:
        follower = open_follower()
        steady = shelve(databases, ["glove steady", "door steady"])
        courses = frozenset({steady.course_id})
        stop, failures = threading.Event(), list[BaseException]()

        def read() -> None:
            try:
                while not stop.is_set():
                    view = follower.view()
                    found = view.matching(TokenField.WORDS, ["steady"], courses=courses, n=5)
                    assert set(ids(found)) == set(steady.passage_ids)
                    assert set(steady.passage_ids) <= set(
                        ids(view.nearest(embed("steady")[None], courses=courses, n=9))
                    )
            except BaseException as error:
                failures.append(error)
                raise

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for number in range(6):
            passing = shelve(databases, [f"passing {number}"])
            follower.refresh()
            remove(databases, passing.recording_id, purged=True)
            follower.compact()
        stop.set()
        for reader in readers:
            reader.join()
        assert not failures

    def test_no_question_fails_while_bases_are_merged_and_swapped(
        self, databases: Database, open_follower: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The whole of finding, by lists and by exact search, in threads that never pause."""
        monkeypatch.setattr(writing, "LARGE", 1)
        monkeypatch.setattr(faiss_vectors, "EXACT_ROWS", 30)
        writer, reader = open_follower(), open_follower()
        steady = shelve(databases, [f"glove steady {at}" for at in range(40)])
        other = shelve(databases, ["door steady"], course="Narrow")
        writer.rebuild()
        stop, failures, answered = threading.Event(), list[BaseException](), [0, 0]

        def ask(which: int, permitted: Shelved) -> None:
            question = Question("steady", "en", embed("steady")[None])
            try:
                while not stop.is_set():
                    with databases.read() as session:
                        found = find(
                            question,
                            view=reader.view(),
                            segments=lambda key, revision, first, last: segments_of(
                                session, key, revision, first=first, last=last
                            ),
                            courses=frozenset({permitted.course_id}),
                        )
                    assert {hit.recording_id for hit in found.hits} == {permitted.recording_id}
                    answered[which] += 1
            except BaseException as error:
                failures.append(error)
                raise

        askers = [threading.Thread(target=ask, args=pair) for pair in enumerate((steady, other))]
        for asker in askers:
            asker.start()
        for number in range(8):
            passing = shelve(databases, [f"passing {number}"], course="Passing")
            writer.compact()
            reader.refresh()
            remove(databases, passing.recording_id, purged=True)
        stop.set()
        for asker in askers:
            asker.join()
        assert not failures
        assert min(answered) >= 8


class TestEmbedders:
    def test_vectors_of_two_embedders_are_never_compared(self, databases: Database, open_follower: Open) -> None:
        wanted = EMBEDDER
        follower = open_follower(embedder=lambda: wanted)
        shelved = shelve(databases, ["glove", "door"])
        courses = frozenset({shelved.course_id})
        follower.compact()
        wanted = OTHER_EMBEDDER
        view = follower.refresh()
        assert view.embedder_digest(courses=courses) is None
        assert view.nearest(embed("glove")[None], courses=courses, n=5) == []
        assert words(view, "glove", courses) == [shelved.passage_ids[0]]
        wanted = EMBEDDER
        view = follower.refresh()
        assert view.embedder_digest(courses=courses) == EMBEDDER
        assert ids(view.nearest(embed("glove")[None], courses=courses, n=1)) == [shelved.passage_ids[0]]

    def test_the_new_embedder_takes_over_once_it_has_seen_everything(
        self, databases: Database, open_follower: Open
    ) -> None:
        old, new = open_follower(), open_follower(embedder=OTHER_EMBEDDER)
        shelved = shelve(databases, ["glove", "door"])
        old.compact()
        save_vectors(databases, shelved.passage_ids[:1], ["glove"])
        assert not new.maybe_compact()
        courses = frozenset({shelved.course_id})
        assert old.refresh().embedder_digest(courses=courses) == EMBEDDER
        save_vectors(databases, shelved.passage_ids[1:], ["door"])
        assert new.maybe_compact()
        view = new.refresh()
        assert view.embedder_digest(courses=courses) == OTHER_EMBEDDER
        question = embed("door", digest=OTHER_EMBEDDER)[None]
        [best] = view.nearest(question, courses=courses, n=1)
        assert (best.passage_id, round(best.score, 2)) == (shelved.passage_ids[1], 1.0)
        assert old.refresh().embedder_digest(courses=courses) is None

    def test_a_follower_that_does_not_know_the_embedder_keeps_the_vectors(
        self, databases: Database, open_follower: Open
    ) -> None:
        courses = frozenset({shelve(databases, ["glove"]).course_id})
        follower = open_follower(embedder=None)
        assert follower.view().embedder_digest(courses=courses) == EMBEDDER
        follower.rebuild()
        assert follower.view().embedder_digest(courses=courses) == EMBEDDER

    @pytest.mark.parametrize("compacted", [False, True])
    def test_without_vectors_words_and_sounds_still_find(
        self, databases: Database, follower: IndexFollower, compacted: bool
    ) -> None:
        shelved = shelve(databases, ["glove"], digest=None)
        if compacted:
            follower.compact()
        view = follower.refresh()
        assert view.embedder_digest(courses=frozenset({shelved.course_id})) is None
        assert words(view, "glove", {shelved.course_id}) == list(shelved.passage_ids)
        with pytest.raises(ValueError, match="no vectors"):
            view.vectors(shelved.passage_ids)

    def test_vectors_that_come_later_are_found_when_published_again(
        self, databases: Database, follower: IndexFollower
    ) -> None:
        shelved = shelve(databases, ["glove"], digest=None)
        follower.compact()
        with databases.write() as session:
            passages.save_vectors(session, EMBEDDER, {shelved.passage_ids[0]: embed("glove")})
            passages.publish(session, shelved.recording_id, shelved.revision)
        view = follower.refresh()
        assert ids(view.nearest(embed("glove")[None], courses=frozenset({shelved.course_id}), n=1)) == list(
            shelved.passage_ids
        )

    @pytest.mark.parametrize("compacted", [False, True])
    def test_a_passage_without_a_vector_is_found_by_words_alone(
        self, databases: Database, follower: IndexFollower, compacted: bool
    ) -> None:
        shelved = shelve(databases, ["glove", "door"])
        half = shelve(databases, ["glove late"], digest=None)
        if compacted:
            follower.compact()
        view = follower.refresh()
        courses = frozenset({shelved.course_id})
        assert set(words(view, "glove", courses)) == {shelved.passage_ids[0], half.passage_ids[0]}
        assert set(ids(view.nearest(embed("glove")[None], courses=courses, n=9))) == set(shelved.passage_ids)
        assert not view.vectors(half.passage_ids).any()
        assert view.vectors(["nobody"]).shape == (1, len(embed("glove")))

    @pytest.mark.parametrize("compacted", [False, True])
    def test_a_recording_has_the_mean_of_its_vectors(
        self, databases: Database, follower: IndexFollower, compacted: bool
    ) -> None:
        silent = [shelve(databases, ["glove"], digest=None) for _ in range(3)]
        said = ["glove", "door", "alarm door"]
        shelved = shelve(databases, said)
        silent.append(shelve(databases, ["exit"], digest=None))
        if compacted:
            follower.compact()
        asked = [shelved.recording_id, *(each.recording_id for each in silent), "nobody"]
        found = follower.refresh().recording_vectors(asked)
        mean = np.mean([embed(text) for text in said], axis=0)
        assert found[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-3)
        assert not found[1:].any()

    @pytest.mark.parametrize("compacted", [False, True])
    def test_a_question_of_other_dimensions_is_refused(
        self, databases: Database, follower: IndexFollower, compacted: bool
    ) -> None:
        shelved = shelve(databases, ["glove"])
        if compacted:
            follower.compact()
        with pytest.raises(ValueError, match="dim"):
            follower.refresh().nearest(np.ones((1, 5), np.float32), courses=frozenset({shelved.course_id}), n=1)


class TestMerging:
    @pytest.mark.parametrize(
        ("growth", "wanted"),
        [
            (Growth(None, 0, 0, 0, dt.timedelta(0), None, None), False),
            (Growth(None, 1, 5, 0, dt.timedelta(0), None, "d"), True),
            (Growth(100, 3, 900, 0, dt.timedelta(0), "d", "d"), False),
            (Growth(100, 3, 1100, 0, dt.timedelta(0), "d", "d"), True),
            (Growth(50_000, 9, 2_400, 0, dt.timedelta(0), "d", "d"), False),
            (Growth(50_000, 9, 2_501, 0, dt.timedelta(0), "d", "d"), True),
            (Growth(50_000, 9, 0, 2_501, dt.timedelta(0), "d", "d"), True),
            (Growth(900_000, 9, 10_001, 0, dt.timedelta(0), "d", "d"), True),
            (Growth(50_000, 1, 0, 1, dt.timedelta(hours=1), "d", "d"), False),
            (Growth(50_000, 1, 0, 1, dt.timedelta(hours=21), "d", "d"), True),
            (Growth(50_000, 1, 1, 0, dt.timedelta(hours=21), "d", "d"), False),
            (Growth(50_000, 0, 0, 0, dt.timedelta(0), "d", "e"), True),
        ],
    )
    def test_a_base_is_written_when_it_is_worth_it(self, growth: Growth, wanted: bool) -> None:
        assert wants_merging(growth) is wanted

    def test_growth_counts_what_came_and_what_went(self, databases: Database, follower: IndexFollower) -> None:
        gone = shelve(databases, ["a", "b"])
        follower.compact()
        shelve(databases, ["c", "d", "e"])
        with databases.write() as session:
            passages.retract(session, gone.recording_id, now=utc_now() - dt.timedelta(hours=30))
        growth = follower.growth()
        assert (growth.base_passages, growth.changes, growth.added, growth.stale) == (2, 2, 3, 2)
        assert growth.stale_for > merging.LONGEST_LEFT
        assert follower.maybe_compact()
        assert not follower.maybe_compact()


def everything(view: IndexView, shelf: dict[str, tuple[Shelved, list[str]]]) -> dict[str, object]:
    """What a view says of each passage, and to a few questions of each course."""
    keys = sorted(key for shelved, _ in shelf.values() for key in shelved.passage_ids)
    courses = sorted({shelved.course_id for shelved, _ in shelf.values()})
    said: dict[str, object] = {
        "places": view.places(keys),
        "tokens": [(each.words.tolist(), each.sounds.tolist()) for each in view.tokens(keys)],
        "vectors": view.vectors(keys).tolist(),
        "recordings": view.recording_vectors(sorted({each.recording_id for each in view.places(keys)})).tolist(),
        "around": view.around(keys, step=1),
    }
    for permitted in [frozenset({course}) for course in courses] + [frozenset(courses)]:
        name = " ".join(sorted(permitted))
        said[f"count {name}"] = view.count(courses=permitted)
        for question in (["glove"], ["door", "alarm"], ["badge", "badge", "nothing"]):
            asked = " ".join(question)
            found = view.matching(TokenField.WORDS, question, courses=permitted, n=1000)
            near = view.nearest(embed(asked)[None], courses=permitted, n=1000)
            said[f"words {asked} {name}"] = set(ids(found))
            said[f"near {asked} {name}"] = {each.passage_id: each.score for each in near}
    return said


def assert_alike(one: dict[str, object], other: dict[str, object]) -> None:
    assert one.keys() == other.keys()
    for what, value in one.items():
        close = pytest.approx(other[what], abs=2e-3) if what.startswith("near") else other[what]
        assert value == close, what


def words(view: IndexView, token: str, courses: frozenset[str] | set[str]) -> list[str]:
    return ids(view.matching(TokenField.WORDS, [token], courses=frozenset(courses), n=9))


def ids(candidates: list[Candidate]) -> list[str]:
    return [candidate.passage_id for candidate in candidates]


def compacted_view(follower: IndexFollower) -> IndexView:
    follower.compact()
    return follower.view()


def folders(follower: IndexFollower) -> int:
    return sum(path.is_dir() for path in follower.folder.iterdir())


def current(follower: IndexFollower) -> str:
    return (follower.folder / "CURRENT").read_text()


def holds(folder: Path, content: bytes) -> bool:
    return any(content in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def make_tables(database: Database) -> None:
    from earmark.migrations.tables import all_tables

    all_tables().create_all(database.engine)


def save_vectors(database: Database, passage_ids: tuple[str, ...], texts: list[str]) -> None:
    with database.write() as session:
        vectors = {key: embed(text, digest=OTHER_EMBEDDER) for key, text in zip(passage_ids, texts, strict=True)}
        passages.save_vectors(session, OTHER_EMBEDDER, vectors)


def change_something(database: Database, shelf: dict[str, tuple[Shelved, list[str]]], chance: random.Random) -> None:
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(1, 8))) for _ in range(chance.randint(1, 5))]
    what = chance.random()
    if shelf and what < 0.2:
        gone = chance.choice(sorted(shelf))
        remove(database, gone, purged=chance.random() < 0.5)
        del shelf[gone]
    elif shelf and what < 0.4:
        old, _ = shelf[chance.choice(sorted(shelf))]
        fresh = publish(database, old.recording_id, texts, course_id=old.course_id)
        shelf[old.recording_id] = fresh, texts
    else:
        shelved = shelve(database, texts, course=chance.choice("ABC"))
        shelf[shelved.recording_id] = shelved, texts


def compare_with_reference(view: IndexView, shelf: dict[str, tuple[Shelved, list[str]]], chance: random.Random) -> None:
    """Vectors must agree to float16's precision. Words count the permitted passages alone."""
    texts = {key: text for shelved, said in shelf.values() for key, text in zip(shelved.passage_ids, said, strict=True)}
    courses_of = {key: shelved.course_id for shelved, _ in shelf.values() for key in shelved.passage_ids}
    every = sorted(set(courses_of.values()))
    courses = frozenset(chance.sample(every, k=chance.randint(0, len(every))))
    permitted = [key for key, course in courses_of.items() if course in courses]
    question = chance.choices(WORDS, k=3)

    assert view.count(courses=courses) == len(permitted)
    dots = {key: float(embed(texts[key]) @ embed(" ".join(question))) for key in permitted}
    near = view.nearest(embed(" ".join(question))[None], courses=courses, n=10)
    assert [round(each.score, 2) for each in near] == pytest.approx(
        [round(score, 2) for score in sorted(dots.values(), reverse=True)[:10]], abs=0.011
    )
    matches = view.matching(TokenField.WORDS, question, courses=courses, n=1000)
    expected = reference_bm25(texts, permitted, question)
    assert set(ids(matches)) == set(expected)
    assert [each.score for each in matches] == sorted((each.score for each in matches), reverse=True)
    assert {each.passage_id: each.score for each in matches} == pytest.approx(expected, rel=1e-6)
    known = view.statistics(TokenField.WORDS, question, courses=courses)
    assert known.passages == len(permitted)
    assert known.holding == {token: sum(token in texts[key].split() for key in permitted) for token in question}


def reference_bm25(texts: dict[str, str], permitted: list[str], question: list[str]) -> dict[str, float]:
    bags = {key: texts[key].split() for key in permitted}
    scores: dict[str, float] = {}
    for token in question:
        held = sum(token in bag for bag in bags.values())
        rarity = log(1 + (len(bags) - held + 0.5) / (held + 0.5))
        for key in permitted:
            if count := bags[key].count(token):
                length = 0.25 + 0.75 * len(bags[key]) / USUAL_LENGTH[TokenField.WORDS]
                scores[key] = scores.get(key, 0.0) + rarity * 2.2 * count / (count + 1.2 * length)
    return scores
