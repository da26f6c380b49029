"""Finding, the one entry: a question in, the moments that answer it and the verdict out.

Pure orchestration over an IndexView: candidates, scores, moments, sentences, verdict, each decided elsewhere.
Knows no people: what may be heard comes in as the permitted courses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.finding.asked import Asked, Question, ask
from knowledge.finding.channels import CHANNELS, Channel, Pool, gather
from knowledge.finding.diversify import Ranked, moments
from knowledge.finding.evidence import evidence, sight_of
from knowledge.finding.explaining import explain_hit, explain_verdict
from knowledge.finding.explanation import Explanation
from knowledge.finding.fuse import Fused, fuse, with_reranked
from knowledge.finding.moment import Found, Hit, Sentence, Verdict
from knowledge.finding.quoting import best_sentence
from knowledge.finding.refusing import Features, Sight, VerdictsFor, decide, fitted
from knowledge.finding.second_look import look_again, worth_a_second_look
from knowledge.finding.third_look import THIRD_LOOKS, read_together
from knowledge.index.view import IndexView
from knowledge.reranking import Rerank
from knowledge.transcripts.segment import Segment

__all__ = ["Looked", "Question", "SegmentReader", "find", "look"]

SegmentReader = Callable[[str, int, int, int], Sequence[Segment]]
"""(recording id, revision, first ordinal, last ordinal) -> those segments, both ends included."""

NOTHING = Found(hits=(), verdict=Verdict.ABSENT, probability=0.0, covered=0.0, answer=None)


@dataclass(frozen=True, slots=True)
class Looked:
    """The moments found, and what they say about whether the question is answered."""

    hits: tuple[Hit, ...]
    features: Features
    sight: Sight


@dataclass(frozen=True, slots=True)
class Ranking:
    """`ranked`: the pool, best first; `plain`: the same as it was before a reranker spoke. `closer`: what the second
    look saw of the best; `read`, `third`: the same with what the reranker said of the very best, if it did."""

    ranked: list[Ranked]
    plain: list[Ranked]
    pool: Pool
    first: Fused
    closer: Pool
    read: Pool
    third: Fused

    @property
    def judged(self) -> list[Ranked]:
        """What the verdict is fitted on: the moment that comes first now, but by the scores from before the reranker,
        then the others by those."""
        best = self.ranked[0].passage.id
        return sorted(self.plain, key=lambda each: each.passage.id != best)


def find(
    question: Question,
    *,
    view: IndexView,
    segments: SegmentReader,
    courses: frozenset[str],
    k: int = 5,
    explain: bool = False,
    rerank: Rerank | None = None,
    verdicts_for: VerdictsFor = fitted,
) -> Found:
    """The k best moments within `courses`, best first. Finding nothing is a value, not an error.

    What is found, and every number of it, rests on nothing but what these courses hold. `explain`: say why, too.
    `rerank`: asked once about the best; the verdict does without it. `verdicts_for`: what the verdict is decided by.
    """
    looked = look(question, view=view, segments=segments, courses=courses, k=k, explain=explain, rerank=rerank)
    if looked is None:
        return NOTHING
    verdicts = verdicts_for(view.embedder_digest(courses=courses), looked.sight)
    covered, probability = verdicts.told(looked.features)
    verdict = decide(covered, probability, verdicts)
    answer = looked.hits[0].sentence.text if verdict is Verdict.ANSWERED else None
    why = explain_verdict(verdicts, looked.features) if explain else None
    return Found(looked.hits, verdict, probability, covered, answer, why)


def look(
    question: Question,
    *,
    view: IndexView,
    segments: SegmentReader,
    courses: frozenset[str],
    k: int,
    explain: bool = False,
    rerank: Rerank | None = None,
) -> Looked | None:
    """Everything but the verdict, which is fitted on this; None where there is nothing to be found."""
    searched = view.count(courses=courses) if courses and k > 0 else 0
    if not searched:
        return None
    asked = ask(question, view, courses=courses)
    pool = gather(asked, view, courses=courses)
    ranking = rank(asked, pool, view, rerank)
    found = moments(ranking.ranked, k=k)
    hits = to_hits(found, asked, view, segments, ranking if explain else None)
    if not hits:
        return None
    features = evidence(asked, pool, ranking.closer, ranking.judged, hits[0], searched=searched)
    return Looked(hits, features, sight_of(ranking.closer, ranking.judged[0]))


def rank(asked: Asked, pool: Pool, view: IndexView, rerank: Rerank | None = None) -> Ranking:
    """Of equal scores the earlier passage of the earlier recording comes first, so that a rerun gives the same."""
    once = fuse(asked, pool.passages, pool.scores)
    first = in_order(pool, once.scores)
    again = worth_a_second_look(pool, [each.at for each in first])
    closer = look_again(asked, pool, again, view)
    twice = fuse(asked, closer.passages, closer.scores, once.scaled[again])
    looked = set(again)
    plain = above(in_order(closer, twice.scores), [each for each in first if each.at not in looked])
    best = [each.at for each in plain[:THIRD_LOOKS]]
    column = read_together(asked, closer, best, view, rerank) if rerank else None
    if column is None:
        return Ranking(plain, plain, pool, once, closer, closer, twice)
    thrice = with_reranked(twice, column)
    ranked = above(in_order(closer, thrice.scores, best), plain[THIRD_LOOKS:])
    return Ranking(ranked, plain, pool, once, closer, with_column(closer, Channel.RERANKED, column), thrice)


def in_order(pool: Pool, fused: NDArray[np.float64], among: Sequence[int] | None = None) -> list[Ranked]:
    """The pool, or those `among` it, by these scores, best first."""
    rows = range(len(pool.passages)) if among is None else among

    def place(at: int) -> tuple[float, str, int]:
        passage = pool.passages[at]
        return -fused[at], passage.recording_id, passage.ordinal

    return [Ranked(pool.passages[at], at, float(fused[at])) for at in sorted(rows, key=place)]


def above(best: Sequence[Ranked], rest: Sequence[Ranked]) -> list[Ranked]:
    """The best, and below the last of them the rest, whose scores are of another look and are moved there."""
    below = best[-1].score - rest[0].score if rest else 0.0
    return [*best, *(replace(each, score=each.score + below) for each in rest)]


def with_column(pool: Pool, channel: Channel, column: NDArray[np.float64]) -> Pool:
    scores = pool.scores.copy()
    scores[:, CHANNELS.index(channel)] = column
    return replace(pool, scores=scores)


def to_hits(
    found: Sequence[Ranked],
    asked: Asked,
    view: IndexView,
    segments: SegmentReader,
    explained: Ranking | None = None,
) -> tuple[Hit, ...]:
    """What went away since the index was read is no hit."""
    texts = {each.id: each.text for each in view.passages([each.passage.id for each in found])}
    hits: list[Hit] = []
    for each in found:
        passage = each.passage
        if passage.id not in texts:
            continue
        read = segments(passage.recording_id, passage.revision, passage.first_segment, passage.last_segment)
        sentence = best_sentence(read, asked)
        if sentence is not None:
            text = texts[passage.id]
            why = _explanation(each, asked, text, explained) if explained else None
            hits.append(_hit(each, text, sentence, rank=len(hits) + 1, explanation=why))
    return tuple(hits)


def _explanation(each: Ranked, asked: Asked, text: str, ranking: Ranking) -> Explanation:
    twice = each.at < len(ranking.closer.passages) and ranking.closer.passages[each.at].id == each.passage.id
    pool, fused = (ranking.read, ranking.third) if twice else (ranking.pool, ranking.first)
    return explain_hit(asked, pool, fused, each.at, text=text, lowered=each.score - float(fused.scores[each.at]))


def _hit(each: Ranked, text: str, sentence: Sentence, *, rank: int, explanation: Explanation | None) -> Hit:
    passage = each.passage
    return Hit(
        rank=rank,
        score=each.score,
        recording_id=passage.recording_id,
        course_id=passage.course_id,
        revision=passage.revision,
        first_segment=passage.first_segment,
        last_segment=passage.last_segment,
        start_s=sentence.start_s,
        end_s=sentence.end_s,
        passage_start_s=passage.start_s,
        passage_end_s=passage.end_s,
        text=text,
        sentence=sentence,
        explanation=explanation,
    )
