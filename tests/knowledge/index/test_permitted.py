"""What may not be heard changes nothing: what is found, its order and numbers rest on the permitted courses alone."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.database import Database
from knowledge.finding import analysis
from knowledge.finding.find import Question, find
from knowledge.finding.moment import Found
from knowledge.index import faiss_vectors, holdings, writing
from knowledge.index.candidates import Found as Ranked
from knowledge.index.candidates import stepped, with_ties
from knowledge.index.follower import IndexFollower
from knowledge.index.holdings import HoldingsCount
from knowledge.index.tantivy_words import fillings
from knowledge.index.tokens import TokenStream
from knowledge.index.view import Candidate, IndexView, TokenField
from knowledge.transcripts.segment import Segment
from knowledge.transcripts.store import segments_of
from tests.shelf import EMBEDDER, Shelved, analyse, embed, publish, remove, shelve

OPEN, CLOSED = "AB", "XY"
SAID = ["glove", "door", "alarm", "exit", "expense", "receipt", "badge", "ladder"]
QUESTIONS = ("which glove opens the alarm door", "badge", "expense receipt ladder ladder")


def make_tables(database: Database) -> None:
    from earmark.migrations.tables import all_tables

    all_tables().create_all(database.engine)


@contextmanager
def opened_home(folder: Path, *, by_words: bool = False) -> Iterator[tuple[Database, IndexFollower]]:
    """`by_words`: taken apart by the plain rule of the shelf."""
    folder.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{folder / 'earmark.db'}")
    make_tables(database)
    rule = analyse if by_words else analysis.analyse
    follower = IndexFollower(database, folder / "index", analyse=rule, analysis_version="1", embedder_digest=EMBEDDER)
    try:
        yield database, follower
    finally:
        follower.close()
        database.close()


def answers(database: Database, view: IndexView, courses: frozenset[str]) -> list[Found]:
    """Explained, so that every number is compared."""
    with database.read() as session:

        def read(recording_id: str, revision: int, first: int, last: int) -> Sequence[Segment]:
            return segments_of(session, recording_id, revision, first=first, last=last)

        asked = [Question(text, "en", embed(text)[None]) for text in QUESTIONS]
        return [find(each, view=view, segments=read, courses=courses, k=9, explain=True) for each in asked]


class TestWhatIsClosed:
    @pytest.mark.slow
    @settings(max_examples=6, deadline=None)
    @given(
        st.lists(st.sampled_from(["publish", "publish", "remove", "again", "merge"]), min_size=3, max_size=10),
        st.lists(st.sampled_from(["publish", "remove", "again", "silent", "merge", "rebuild"]), min_size=2, max_size=5),
        st.integers(0, 1000),
    )
    def test_no_answer_tells_of_it(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        before: list[str],
        meanwhile: list[str],
        seed: int,
    ) -> None:
        """Whatever comes to closed courses, goes or is merged, the answers stay what they were, number for number."""
        chance = random.Random(seed)
        with opened_home(tmp_path_factory.mktemp("home")) as (database, follower):
            home = _Home(database, follower, chance)
            opened = frozenset(shelve(database, home.texts(), course=course).course_id for course in OPEN)
            for what in before:
                home.change(what, OPEN + CLOSED)
            told = answers(database, follower.refresh(), opened)
            assert any(each.hits for each in told)
            for what in meanwhile:
                home.change(what, CLOSED)
                assert answers(database, follower.refresh(), opened) == told

    def test_a_word_that_only_closed_courses_say_is_as_rare_as_one_that_nobody_says(self, tmp_path: Path) -> None:
        with opened_home(tmp_path) as (database, follower):
            opened = frozenset({shelve(database, ["glove", "door"]).course_id})
            shelve(database, ["merger glove"] * 9, course="Board")
            for view in (follower.refresh(), _merged(follower)):
                known = view.statistics(TokenField.WORDS, ["merger", "glove"], courses=opened)
                assert (known.passages, known.average_length) == (2, 1.0)
                assert known.holding == {"merger": 0, "glove": 1}

    def test_whether_vectors_are_compared_is_told_by_open_courses_alone(self, tmp_path: Path) -> None:
        with opened_home(tmp_path) as (database, follower):
            opened = frozenset({shelve(database, ["glove"], digest=None).course_id})
            closed = frozenset({shelve(database, ["glove"], course="Board").course_id})
            for view in (follower.refresh(), _merged(follower)):
                assert view.embedder_digest(courses=opened) is None
                assert view.embedder_digest(courses=closed) == EMBEDDER
                assert view.nearest(embed("glove")[None], courses=opened, n=3) == []


@dataclass
class _Home:
    database: Database
    follower: IndexFollower
    chance: random.Random

    def __post_init__(self) -> None:
        self.shelved: dict[str, list[Shelved]] = {}

    def texts(self) -> list[str]:
        sizes = [self.chance.randint(1, 90) for _ in range(self.chance.randint(1, 6))]
        return [" ".join(self.chance.choices(SAID, k=size)) for size in sizes]

    def change(self, what: str, courses: str) -> None:
        course = self.chance.choice(courses)
        known = self.shelved.setdefault(course, [])
        if what == "merge":
            self.follower.compact()
        elif what == "rebuild":
            self.follower.rebuild()
        elif what == "remove" and known:
            remove(self.database, known.pop().recording_id)
        elif what == "again" and known:
            old = known.pop()
            known.append(publish(self.database, old.recording_id, self.texts(), course_id=old.course_id))
        else:
            known.append(
                shelve(self.database, self.texts(), course=course, digest=None if what == "silent" else EMBEDDER)
            )


def _merged(follower: IndexFollower) -> IndexView:
    follower.compact()
    return follower.refresh()


COURSES, PASSAGES, SETS = 24, 10_000, 1_000
VOCABULARY = [f"w{at:03d}x" for at in range(400)]


@dataclass(frozen=True)
class Truth:
    """All passages as plain arrays. `told`: how often each says each word of each field."""

    ids: list[str]
    courses: np.ndarray
    vectors: np.ndarray
    told: dict[TokenField, dict[str, np.ndarray]]
    lengths: np.ndarray

    def nearest(self, question: np.ndarray, allowed: np.ndarray) -> dict[str, float]:
        scores = self.vectors[allowed] @ question.astype(np.float64)
        return dict(zip(np.array(self.ids)[allowed].tolist(), scores.tolist(), strict=True))

    def matching(self, field: TokenField, question: Sequence[str], allowed: np.ndarray) -> dict[str, float]:
        """BM25 over the allowed passages and no others, with a fixed length for the average."""
        usual = {TokenField.WORDS: 40, TokenField.SOUNDS: 120}[field]
        scores = np.zeros(len(self.ids))
        total = int(allowed.sum())
        for token, asked in Counter(question).items():
            counts = self.told[field].get(token, np.zeros(len(self.ids), int))
            held = int(((counts > 0) & allowed).sum())
            rarity = asked * log(1 + (total - held + 0.5) / (held + 0.5))
            scores += rarity * 2.2 * counts / (counts + 1.2 * (0.25 + 0.75 * self.lengths / usual))
        return {self.ids[at]: float(scores[at]) for at in np.flatnonzero(allowed & (scores > 0))}


@pytest.fixture(scope="module", params=[False, True], ids=["exact", "lists"])
def large(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[IndexFollower, Truth]]:
    """Ten thousand passages: most in a base, of which some were removed or published again, the rest in the delta.
    With lists above 500 rows, or without."""
    chance = random.Random(7)
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            patch.setattr(writing, "LARGE", 1_000)
            patch.setattr(faiss_vectors, "EXACT_ROWS", 500)
        patch.setattr(holdings, "_PENDING", 3_000)
        with opened_home(tmp_path_factory.mktemp("large"), by_words=True) as (database, follower):
            shelf: dict[str, tuple[Shelved, list[str]]] = {}
            for at in range(PASSAGES // 50 + 6):
                texts = [_text(chance) for _ in range(50)]
                shelved = shelve(database, texts, course=f"course {at % COURSES}")
                shelf[shelved.recording_id] = shelved, texts
                if at == 170:
                    follower.compact()
            for gone in chance.sample(sorted(shelf), k=6):
                remove(database, gone)
                del shelf[gone]
            for again in chance.sample(sorted(shelf), k=6):
                texts = [_text(chance) for _ in range(50)]
                shelf[again] = publish(database, again, texts, course_id=shelf[again][0].course_id), texts
            follower.refresh()
            yield follower, _truth(shelf)


def _text(chance: random.Random) -> str:
    """Frequent words and rare ones; some passages are the same, some long."""
    size = chance.choice([3, 8, 20, 40, 90, 300])
    return " ".join(VOCABULARY[min(int(chance.paretovariate(0.7)) - 1, len(VOCABULARY) - 1)] for _ in range(size))


def _truth(shelf: dict[str, tuple[Shelved, list[str]]]) -> Truth:
    lines = [
        (key, shelved.course_id, text)
        for shelved, texts in shelf.values()
        for key, text in zip(shelved.passage_ids, texts, strict=True)
    ]
    told: dict[TokenField, dict[str, np.ndarray]] = {field: {} for field in TokenField}
    for row, (_, _, text) in enumerate(lines):
        for field in TokenField:
            for token, count in Counter(analyse(text, "en").of(field)).items():
                told[field].setdefault(token, np.zeros(len(lines), int))[row] = count
    return Truth(
        [key for key, _, _ in lines],
        np.array([course for _, course, _ in lines]),
        np.array([embed(text) for _, _, text in lines]).astype(np.float16).astype(np.float64),
        told,
        np.array([_as_a_byte_holds_it(len(text.split())) for _, _, text in lines]),
    )


@lru_cache
def _as_a_byte_holds_it(length: int) -> int:
    """Four binary digits of what is above 24."""
    lost = max(0, (length - 24).bit_length() - 4) if length >= 40 else 0
    return length if not lost else 24 + ((length - 24) >> lost << lost)


def assert_best(found: Sequence[Candidate], truth: dict[str, float], n: int) -> None:
    """The n best of these scores, in their order; of equal ones the lower id."""
    expected = sorted(truth.values(), reverse=True)[:n]
    assert [each.score for each in found] == pytest.approx(expected, abs=2e-6)
    assert [truth[each.passage_id] for each in found] == pytest.approx(expected, abs=2e-6)
    assert list(found) == sorted(found, key=lambda each: (-each.score, each.passage_id))
    assert len({each.passage_id for each in found}) == len(found)


def permission_sets(every: list[str], chance: random.Random) -> Iterator[frozenset[str]]:
    """None, each alone, all, and any others; now and then with courses that nobody knows."""
    yield frozenset()
    yield frozenset({"nobody"})
    yield from (frozenset({course}) for course in every)
    yield frozenset(every)
    yield frozenset(every) | {"nobody"}
    while True:
        chosen = frozenset(chance.sample(every, k=chance.randint(1, len(every))))
        yield chosen | {"nobody"} if chance.random() < 0.1 else chosen


@pytest.mark.slow
def test_any_thousand_sets_of_courses_get_exactly_what_plain_arithmetic_over_them_gives(
    large: tuple[IndexFollower, Truth],
) -> None:
    follower, truth = large
    view, chance = follower.view(), random.Random(3)
    every = sorted(set(truth.courses.tolist()))
    assert len(truth.ids) == PASSAGES
    for _, courses in zip(range(SETS), permission_sets(every, chance), strict=False):
        allowed = np.isin(truth.courses, sorted(courses))
        question = _text(chance).split()[: chance.randint(1, 6)]
        n = chance.choice([1, 10, 100])
        vector = embed(" ".join(question))
        assert view.count(courses=courses) == allowed.sum()
        for field in TokenField:
            asked = analyse(" ".join(question), "en").of(field)
            assert_best(view.matching(field, asked, courses=courses, n=n), truth.matching(field, asked, allowed), n)
        near = view.nearest(vector[None], courses=courses, n=n)
        if courses >= set(every) and faiss_vectors.EXACT_ROWS < PASSAGES:
            exact = truth.nearest(vector, allowed)
            assert [each.score for each in near] == pytest.approx([exact[each.passage_id] for each in near], abs=2e-6)
        else:
            assert_best(near, truth.nearest(vector, allowed), n)


SAID_BY_NUMBER = st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=4)


@given(st.lists(st.tuples(st.integers(0, 3), SAID_BY_NUMBER), max_size=9))
def test_counts_of_courses_add_up_however_often_they_are_added_up(
    recordings: list[tuple[int, list[list[int]]]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holdings, "_PENDING", 4)
        count = HoldingsCount()
        for course, said in recordings:
            lengths = [len(each) for each in said]
            tokens = np.array([token for each in said for token in each], np.uint32)
            count.add(course, TokenStream(tokens, np.cumsum([0, *lengths], dtype=np.int64)))
        found = count.holdings()
    for courses in ([True] * 4, [True, False, True, False], [False] * 4):
        held = found.of(np.arange(12, dtype=np.uint32), courses=np.array(courses))
        assert held.tolist() == [
            sum(token in each for course, said in recordings if courses[course] for each in said) for token in range(12)
        ]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60_000), st.integers(0, 400_000), st.integers(0, 400_000))
def test_words_are_filled_up_to_the_same_average_whatever_they_are(documents: int, words: int, sounds: int) -> None:
    lengths = {TokenField.WORDS: words, TokenField.SOUNDS: sounds}
    added = list(fillings(documents, lengths))
    for field, usual in ((TokenField.WORDS, 40), (TokenField.SOUNDS, 120)):
        assert all(0 <= each[field] <= 1_000_000 for each in added)
        assert lengths[field] + sum(each[field] for each in added) == usual * (documents + len(added))


def test_lengths_are_as_coarse_as_a_byte_makes_them() -> None:
    lengths = np.arange(5_000)
    assert stepped(lengths).tolist() == [_as_a_byte_holds_it(int(length)) for length in lengths]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=300), st.integers(1, 60))
def test_all_that_are_as_good_as_the_last_are_found(levels: list[int], n: int) -> None:
    scores = np.sort(np.array(levels, np.float32))[::-1]

    def search(wanted: int) -> Ranked:
        return np.arange(len(scores))[:wanted], scores[:wanted]

    rows, _ = with_ties(search, n)
    assert len(rows) >= (scores >= scores[min(n, len(scores)) - 1]).sum()
