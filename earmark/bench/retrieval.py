"""Retrieval in BEIR's layout: every document becomes a recording, and ranks as its best hit does.

The documents have no sound. Each sentence is one segment, on a clock that only orders them; nothing here measures
seconds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assistant.errors import BadInput
from earmark.bench.bench_home import (
    BenchEmbedder,
    BenchHome,
    GivenRecording,
    Progress,
    opened_bench,
    silent_progress,
)
from earmark.bench.jsonl import read_jsonl
from earmark.bench.metrics import (
    Figure,
    auroc,
    coverage_at_precision,
    hit_at,
    mean_figure,
    ndcg,
    reciprocal_rank,
    worst_ranks,
)
from knowledge.finding.moment import Found, Verdict
from knowledge.passages.cutting import count_words
from knowledge.transcripts.segment import Segment

DEPTH = 10
"""Documents ranked for each question."""
_MOMENTS = (20, 80)
"""A document may hold several moments: more are asked for where the first ones lie in too few documents."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])")
_SECONDS_A_WORD = 0.4


@dataclass(frozen=True, slots=True)
class RefusalReport:
    """How well `covered` tells taught from untaught: answerable and unanswerable weigh the same."""

    unanswerable: int
    auroc: float
    coverage_at_95: float
    refused: Figure
    """Share of the unanswerable that were not answered, by the thresholds that ship."""

    def as_document(self) -> dict[str, object]:
        return {
            "unanswerable": self.unanswerable,
            "auroc": round(self.auroc, 4),
            "coverage_at_95": round(self.coverage_at_95, 4),
            "refused": self.refused.as_document(),
        }


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    documents: int
    figures: Mapping[str, Figure]
    refusal: RefusalReport | None
    near_refusal: RefusalReport | None
    run: tuple[str, ...] = field(repr=False)
    """Lines of a TREC run file."""

    def as_document(self) -> dict[str, object]:
        return {
            "documents": self.documents,
            **{name: figure.as_document() for name, figure in self.figures.items()},
            "unanswerable": self.refusal and self.refusal.as_document(),
            "unanswerable_near": self.near_refusal and self.near_refusal.as_document(),
        }


@dataclass(frozen=True, slots=True)
class _Asked:
    scores: dict[str, float]
    found: Found


def bench_retrieval(
    beir: Path,
    home: Path,
    embedder: BenchEmbedder | None,
    *,
    run: Path | None = None,
    progress: Progress = silent_progress,
) -> RetrievalReport:
    """`home`: an empty folder. `run`: where to write the TREC run file. Raises BadInput for a broken layout."""
    corpus = read_jsonl(beir / "corpus.jsonl", needs=("_id", "text"))
    questions = _questions(beir / "queries.jsonl")
    relevant = read_judgements(beir / "qrels" / "test.tsv")
    judged = {key: text for key, text in questions.items() if key in relevant}
    with opened_bench(home, embedder) as opened:
        opened.fill([_recording(each) for each in corpus], progress=progress)
        asked = _ask_all(opened, judged, "asking", progress)
        untaught = _ask_all(opened, _questions(beir / "unanswerable.jsonl"), "asking the untaught", progress)
        near = _ask_all(opened, _questions(beir / "unanswerable_near.jsonl"), "asking near misses", progress)
    report = RetrievalReport(
        documents=len(corpus),
        figures=_figures(asked, relevant),
        refusal=_refusal(asked, untaught),
        near_refusal=_refusal(asked, near),
        run=tuple(line for key, each in asked.items() for line in run_lines(key, each.scores)),
    )
    if run is not None:
        run.write_text("".join(f"{line}\n" for line in report.run), encoding="utf-8")
    return report


def sentences_as_segments(text: str) -> list[Segment]:
    """One sentence a segment, in order; the seconds say nothing but that order."""
    segments: list[Segment] = []
    clock = 0.0
    for sentence in filter(None, map(str.strip, _SENTENCE_END.split(text))):
        length = _SECONDS_A_WORD * max(count_words(sentence), 1.0)
        segments.append(Segment(clock, clock + length, sentence))
        clock += length
    return segments


def read_judgements(path: Path) -> dict[str, set[str]]:
    """BEIR's qrels: a head line, then question, document, judgement by tabs; a judgement of 0 is none."""
    relevant: dict[str, set[str]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})", "BEIR's layout has qrels/test.tsv") from error
    for number, line in enumerate(lines, 2):
        columns = line.split("\t")
        if len(columns) != 3 or not columns[2].lstrip("-").isdigit():
            raise BadInput(f"{path}:{number}: expected question, document, judgement, separated by tabs")
        if int(columns[2]) > 0:
            relevant.setdefault(columns[0], set()).add(columns[1])
    return relevant


def run_lines(question: str, scores: Mapping[str, float]) -> list[str]:
    ranked = sorted(scores.items(), key=lambda each: (-each[1], each[0]))
    return [f"{question} Q0 {document} {rank} {score:.6f} earmark" for rank, (document, score) in enumerate(ranked, 1)]


def _questions(path: Path) -> dict[str, str]:
    """None where the set has no such file: only queries.jsonl must be there."""
    if path.name != "queries.jsonl" and not path.exists():
        return {}
    return {str(row["_id"]): str(row["text"]) for row in read_jsonl(path, needs=("_id", "text"))}


def _recording(document: Mapping[str, object]) -> GivenRecording:
    title = str(document.get("title") or "")
    return GivenRecording(str(document["_id"]), title, sentences_as_segments(str(document["text"])))


def _ask_all(home: BenchHome, questions: Mapping[str, str], what: str, progress: Progress) -> dict[str, _Asked]:
    view = home.index.view()
    asked = {}
    for done, (key, text) in enumerate(questions.items()):
        progress(what, done, len(questions))
        for k in _MOMENTS:
            found = home.ask(text, k=k, view=view)
            scores = document_scores(found, home.names)
            if len(scores) >= DEPTH or len(found.hits) < k:
                break
        asked[key] = _Asked(scores, found)
    return asked


def document_scores(found: Found, names: Mapping[str, str]) -> dict[str, float]:
    """The first DEPTH documents, each with its best hit's score; those that tie with the last are kept too."""
    scores: dict[str, float] = {}
    for hit in found.hits:
        name = names[hit.recording_id]
        if name not in scores and len(scores) >= DEPTH and hit.score < min(scores.values()):
            break
        scores.setdefault(name, hit.score)
    return scores


def _figures(asked: Mapping[str, _Asked], relevant: Mapping[str, set[str]]) -> dict[str, Figure]:
    ranks = {key: worst_ranks(each.scores, relevant[key]) for key, each in asked.items()}
    figures = {f"R@{k}": mean_figure([hit_at(each, k) for each in ranks.values()]) for k in (1, 5, 10)}
    figures["MRR@10"] = mean_figure([reciprocal_rank(each, 10) for each in ranks.values()])
    figures["nDCG@10"] = mean_figure([ndcg(each, len(relevant[key]), 10) for key, each in ranks.items()])
    answered = [key for key, each in asked.items() if each.found.verdict is Verdict.ANSWERED]
    figures["answered"] = mean_figure([float(key in set(answered)) for key in asked])
    figures["right where answered"] = mean_figure([hit_at(ranks[key], 1) for key in answered])
    return figures


def _refusal(asked: Mapping[str, _Asked], untaught: Mapping[str, _Asked]) -> RefusalReport | None:
    if not untaught or not asked:
        return None
    taught = [each.found.covered for each in asked.values()]
    others = [each.found.covered for each in untaught.values()]
    return RefusalReport(
        unanswerable=len(others),
        auroc=auroc(taught, others),
        coverage_at_95=coverage_at_precision(taught, others),
        refused=mean_figure(_refused([each.found for each in untaught.values()])),
    )


def _refused(found: Sequence[Found]) -> list[float]:
    return [float(each.verdict is not Verdict.ANSWERED) for each in found]
