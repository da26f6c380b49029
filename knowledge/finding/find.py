"""Finding, the one entry: a question in, the moments that answer it and the verdict out.

Pure orchestration over an IndexView: candidates, scores, moments, sentences, verdict, each decided elsewhere.
Knows no people: what may be heard comes in as the permitted courses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from knowledge.finding.asked import Asked, Question, ask
from knowledge.finding.channels import Pool, gather
from knowledge.finding.diversify import Ranked, moments
from knowledge.finding.evidence import evidence
from knowledge.finding.fuse import fuse
from knowledge.finding.moment import Found, Hit, Sentence, Verdict
from knowledge.finding.quoting import best_sentence
from knowledge.finding.refusing import Features, decide, fitted
from knowledge.finding.second_look import SECOND_LOOKS, look_again
from knowledge.index.view import IndexView
from knowledge.transcripts.segment import Segment

__all__ = ["Question", "SegmentReader", "find"]

SegmentReader = Callable[[str, int, int, int], Sequence[Segment]]
"""(recording id, revision, first ordinal, last ordinal) -> those segments, both ends included."""

NOTHING = Found(hits=(), verdict=Verdict.ABSENT, probability=0.0, covered=0.0, answer=None)


@dataclass(frozen=True, slots=True)
class Looked:
    """The moments found, and what they say about whether the question is answered."""

    hits: tuple[Hit, ...]
    features: Features


def find(question: Question, *, view: IndexView, segments: SegmentReader, courses: frozenset[str], k: int = 5) -> Found:
    """The k best moments within `courses`, best first. Finding nothing is a value, not an error."""
    looked = look(question, view=view, segments=segments, courses=courses, k=k)
    if looked is None:
        return NOTHING
    verdicts = fitted(view.embedder_digest)
    covered = verdicts.covered.probability(looked.features)
    probability = min(covered, verdicts.right.probability(looked.features))
    verdict = decide(covered, probability, verdicts)
    answer = looked.hits[0].sentence.text if verdict is Verdict.ANSWERED else None
    return Found(looked.hits, verdict, probability, covered, answer)


def look(
    question: Question, *, view: IndexView, segments: SegmentReader, courses: frozenset[str], k: int
) -> Looked | None:
    """Everything but the verdict, which is fitted on this; None where there is nothing to be found."""
    searched = view.count(courses=courses) if courses and k > 0 else 0
    if not searched:
        return None
    asked = ask(question, view)
    pool = gather(asked, view, courses=courses)
    ranked, closer = rank(asked, pool, view)
    hits = to_hits(moments(ranked, k=k), asked, view, segments)
    return Looked(hits, evidence(asked, pool, closer, ranked, hits[0], searched=searched)) if hits else None


def rank(asked: Asked, pool: Pool, view: IndexView) -> tuple[list[Ranked], Pool]:
    """The pool, best first, and what the second look saw of its best; of equal scores the earlier passage of the
    earlier recording, so that a rerun gives the same."""
    first = in_order(asked, pool)
    closer = look_again(asked, pool, [each.at for each in first[:SECOND_LOOKS]], view)
    best = in_order(asked, closer)
    if len(first) <= SECOND_LOOKS:
        return best, closer
    below = best[-1].score - first[SECOND_LOOKS].score
    return [*best, *(replace(each, score=each.score + below) for each in first[SECOND_LOOKS:])], closer


def in_order(asked: Asked, pool: Pool) -> list[Ranked]:
    """The pool by its fused scores, best first."""
    fused = fuse(asked, pool.passages, pool.scores)

    def place(at: int) -> tuple[float, str, int]:
        passage = pool.passages[at]
        return -fused[at], passage.recording_id, passage.ordinal

    return [Ranked(pool.passages[at], at, float(fused[at])) for at in sorted(range(len(fused)), key=place)]


def to_hits(found: Sequence[Ranked], asked: Asked, view: IndexView, segments: SegmentReader) -> tuple[Hit, ...]:
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
            hits.append(_hit(each, texts[passage.id], sentence, rank=len(hits) + 1))
    return tuple(hits)


def _hit(each: Ranked, text: str, sentence: Sentence, *, rank: int) -> Hit:
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
    )
