"""What a reranker changes in finding, and what it must not."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from knowledge.finding.asked import Question
from knowledge.finding.channels import AROUND, Channel
from knowledge.finding.find import find, look
from knowledge.finding.moment import Found
from knowledge.finding.second_look import BEST_OF_ALL
from knowledge.finding.third_look import MOST_CHARACTERS, THIRD_LOOKS
from knowledge.passages.passage import Passage
from knowledge.reranking import Rerank, TextScores
from knowledge.transcripts.segment import Segment
from tests.knowledge.finding.in_memory_view import InMemoryView

COURSE = frozenset({"c"})
SAID = ("check the pump seal every day", "the pump is red", "a seal lives in the sea", "pump and seal and valve")
MORE = (*SAID, *(f"the pump of hall {number}" for number in range(12)))


@dataclass
class Reader:
    """Prefers texts with one word and keeps what it was asked."""

    word: str
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    def __call__(self, question: str, texts: Sequence[str]) -> TextScores:
        self.asked.append((question, list(texts)))
        return np.array([9.5 if self.word in text else -3.5 for text in texts], np.float32)


def house(texts: Sequence[str] = SAID, *, course: str = "c") -> InMemoryView:
    """A recording for each text."""
    return InMemoryView(
        [Passage(f"p{at:03}", f"r{at:03}", course, 1, 0, 0, 0, 0.0, 4.0, text, "en") for at, text in enumerate(texts)]
    )


def ask(view: InMemoryView, rerank: Rerank | None = None, *, k: int = 5, explain: bool = False) -> Found:
    return find(
        Question("check the pump seal", "en"),
        view=view,
        segments=lambda recording, *_: [Segment(0.0, 4.0, text_of(view)[recording], "en")],
        courses=COURSE,
        k=k,
        explain=explain,
        rerank=rerank,
    )


def text_of(view: InMemoryView) -> dict[str, str]:
    return {each.recording_id: each.text for each in view.stored}


def order(found: Found) -> list[str]:
    return [hit.recording_id for hit in found.hits]


def test_a_reranker_that_says_otherwise_changes_the_order() -> None:
    view, reader = house(MORE), Reader("lives")
    assert text_of(view)[order(ask(view))[0]] == SAID[0]
    assert text_of(view)[order(ask(view, reader))[0]] == SAID[2]
    assert [question for question, _ in reader.asked] == ["check the pump seal"]


def test_a_reranker_that_declines_changes_nothing() -> None:
    view = house()
    assert ask(view, lambda _question, _texts: None, explain=True) == ask(view, explain=True)


def test_a_reranker_that_says_the_same_of_all_leaves_the_order() -> None:
    view = house([f"{text} {at}" for at, text in enumerate(SAID * 20)])
    assert order(ask(view, Reader("nowhere"), k=60)) == order(ask(view, k=60))


def test_where_nothing_is_found_it_is_not_asked() -> None:
    reader = Reader("lives")
    assert ask(house(["lunch at noon"]), reader).hits == ()
    assert reader.asked == []


def test_it_reads_the_best_alone_and_nothing_that_may_not_be_heard() -> None:
    best, other = house([*SAID] * 12), house(["check the pump seal every day in secret"] * 9, course="other")
    secret = [replace(each, id=f"x{each.id}", recording_id=f"x{each.recording_id}") for each in other.stored]
    reader = Reader("lives")
    ask(InMemoryView([*best.stored, *secret]), reader)
    ((_, texts),) = reader.asked
    assert len(texts) == THIRD_LOOKS
    assert not [text for text in texts if "secret" in text]


def test_it_reads_a_passage_with_what_was_said_around_it() -> None:
    said = [f"word{at}" for at in range(9)]
    said[4] = "check the pump seal"
    said[4 - AROUND] = "before " * 2000
    stored = [
        Passage(f"p{at}", "r", "c", 1, at, at, at, 4.0 * at, 4.0 * at + 4, text, "en") for at, text in enumerate(said)
    ]
    for before in (said[4 - AROUND], "before"):
        stored[4 - AROUND] = replace(stored[4 - AROUND], text=before)
        reader = Reader("pump")
        find(
            Question("check the pump seal", "en"),
            view=InMemoryView(stored),
            segments=lambda *_: [Segment(0.0, 4.0, "check the pump seal", "en")],
            courses=COURSE,
            rerank=reader,
        )
        ((_, texts),) = reader.asked
        assert all(len(text) <= MOST_CHARACTERS for text in texts)
    assert f"before check the pump seal word{4 + AROUND}" in texts


def test_its_part_is_explained_and_all_parts_add_up() -> None:
    """Those that it did not read stay below those that it did."""
    view = house([f"{text} {at}" for at, text in enumerate(SAID * 30)])
    found = ask(view, Reader("lives"), k=len(SAID) * 30, explain=True)
    read = []
    for hit in found.hits:
        assert hit.explanation is not None
        points = sum(part.points for part in hit.explanation.channels)
        assert points + hit.explanation.lowered == pytest.approx(hit.score)
        part = {part.channel: part for part in hit.explanation.channels}.get(Channel.RERANKED)
        read.append(part is not None)
        if part is not None:
            assert part.score == (9.5 if "lives" in hit.text else -3.5)
            assert part.weight == pytest.approx(0.5)
    assert read == [True] * THIRD_LOOKS + [False] * (len(read) - THIRD_LOOKS)
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)


def test_the_verdict_is_made_of_what_was_fitted_on() -> None:
    """Without a reranker, that is: where it agrees nothing changes, where it does not the moment that it put first
    keeps the score that it had, and is ahead of nothing."""
    view = house(MORE)

    def features(rerank: Rerank | None) -> dict[str, float]:
        looked = look(
            Question("check the pump seal", "en"),
            view=view,
            segments=lambda recording, *_: [Segment(0.0, 4.0, text_of(view)[recording], "en")],
            courses=COURSE,
            k=5,
            rerank=rerank,
        )
        assert looked is not None
        return {name: getattr(looked.features, name) for name in looked.features.__slots__}

    plain = features(None)
    assert features(Reader("every day")) == plain
    scores = {text_of(view)[hit.recording_id]: hit.score for hit in ask(view, k=20).hits}
    otherwise = features(Reader("lives"))
    assert otherwise["fused"] == pytest.approx(scores[SAID[2]])
    assert otherwise["margin"] == 0.0 < plain["margin"]
    assert otherwise["agreement"] < plain["agreement"]


def test_no_more_are_read_than_were_looked_at_again() -> None:
    """Rows of the second look and of the whole pool would be mixed up."""
    assert THIRD_LOOKS <= BEST_OF_ALL
