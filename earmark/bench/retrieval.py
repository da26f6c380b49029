"""Retrieval in BEIR's layout: every document becomes a recording, and ranks as its best hit does.

The documents have no sound. Each sentence is one segment, on a clock that only orders them; nothing here measures
seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import BadInput
from earmark.bench.bench_home import (
    BenchEmbedder,
    BenchHome,
    BenchReranker,
    GivenRecording,
    Progress,
    opened_bench,
    silent_progress,
)
from earmark.bench.grouping import common_language, field_of, labels_by, language_said, word_error_rate
from earmark.bench.jsonl import read_jsonl
from earmark.bench.kept_vectors import prepared
from earmark.bench.measures import retrieval_measures
from earmark.bench.metrics import Figure, worst_ranks
from earmark.bench.outcomes import DEPTH, Outcome
from earmark.bench.quality import Quality, quality_of
from earmark.bench.runs import Data, data_of
from earmark.bench.sentences import sentences_as_segments
from knowledge.finding.moment import Found

CORPUS, QUERIES, JUDGEMENTS = "corpus.jsonl", "queries.jsonl", "qrels/test.tsv"
UNANSWERABLE, NEAR = "unanswerable.jsonl", "unanswerable_near.jsonl"
_MOMENTS = (20, 80)
"""A document may hold several moments: more are asked for where the first ones lie in too few documents."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A question of a set. `id`: unique in the set; `relevant`: documents that answer it, none where it has no answer.

    `row`: as the file has it.
    """

    id: str
    text: str
    relevant: frozenset[str]
    near: bool
    language: str
    wer: float | None
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BeirSet:
    """A folder in BEIR's layout, read. Each document is a recording of its own."""

    data: Data
    recordings: tuple[GivenRecording, ...]
    questions: tuple[Asking, ...]


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """`passages`: searched for each question. `run`: lines of a TREC run file."""

    data: Data
    documents: int
    passages: int
    quality: Quality
    outcomes: tuple[Outcome, ...] = field(repr=False)
    run: tuple[str, ...] = field(repr=False)

    @property
    def figures(self) -> Mapping[str, Figure]:
        return self.quality.everything.figures

    def as_document(self) -> dict[str, object]:
        return {"documents": self.documents, "passages": self.passages, **self.quality.as_document()}

    def lines(self) -> Iterator[str]:
        yield f"{self.documents} documents, {self.passages} passages"
        yield from self.quality.lines()


@dataclass(frozen=True, slots=True)
class Ranked:
    """`scores`: the best documents, by id."""

    asking: Asking
    scores: dict[str, float]
    found: Found


def bench_retrieval(
    beir: Path,
    home: Path,
    embedder: BenchEmbedder | None,
    *,
    run: Path | None = None,
    written: Path | None = None,
    group_by: Sequence[str] = (),
    reranker: BenchReranker | None = None,
    progress: Progress = silent_progress,
) -> RetrievalReport:
    """`home`: an empty folder. `run`: where to write the TREC run file. Raises BadInput for a broken layout.

    `written`: a corpus.jsonl with the same ids as it was written, so that figures can be told by word error rate.
    """
    given = read_set(beir, written=written)
    extra = {name: labels_by(((each.id, each.row) for each in given.questions), name, beir) for name in group_by}
    ready = prepared(embedder)
    with opened_bench(home, ready.embedder, reranker) as opened:
        ready.passages(given.recordings, progress)
        opened.fill(given.recordings, progress=progress)
        ready.questions((each.text for each in given.questions), progress)
        ranked = ask_all(opened, given.questions, progress)
        passages = opened.count(opened.index.view())
    outcomes = tuple(map(outcome_of, ranked))
    report = RetrievalReport(
        data=given.data,
        documents=len(given.recordings),
        passages=passages,
        quality=quality_of(outcomes, retrieval_measures(), extra=extra),
        outcomes=outcomes,
        run=tuple(line for each in ranked if each.asking.relevant for line in run_lines(each.asking.id, each.scores)),
    )
    if run is not None:
        run.write_text("".join(f"{line}\n" for line in report.run), encoding="utf-8")
    return report


def read_set(folder: Path, *, written: Path | None = None) -> BeirSet:
    """Raises BadInput naming file and line."""
    corpus = read_jsonl(folder / CORPUS, needs=("_id", "text"))
    relevant = read_judgements(folder / JUDGEMENTS)
    rows = read_jsonl(folder / QUERIES, needs=("_id", "text"))
    judged = [row for row in rows if str(row["_id"]) in relevant]
    language = common_language(str(row["text"]) for row in rows)
    heard = _misheard_questions(rows, language) if written is None else _misheard_documents(corpus, written)
    asked = [_asking(row, frozenset(relevant[str(row["_id"])]), language, heard) for row in judged]
    for name, prefix in ((UNANSWERABLE, "unanswerable"), (NEAR, "near")):
        others = read_jsonl(folder / name, needs=("_id", "text")) if (folder / name).exists() else []
        wer = _misheard_questions(others, language) if written is None else {}
        asked += [_asking(row, frozenset(), language, wer, prefix=prefix) for row in others]
    data = data_of(folder.name, [folder / name for name in (CORPUS, QUERIES, JUDGEMENTS, UNANSWERABLE, NEAR)])
    return BeirSet(data, tuple(map(_recording, corpus)), tuple(asked))


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


def ask_all(home: BenchHome, questions: Sequence[Asking], progress: Progress = silent_progress) -> list[Ranked]:
    view = home.index.view()
    ranked = []
    for done, each in enumerate(questions):
        progress("asking", done, len(questions))
        for k in _MOMENTS:
            found = home.ask(each.text, k=k, view=view)
            scores = document_scores(found, home.names)
            if len(scores) >= DEPTH or len(found.hits) < k:
                break
        ranked.append(Ranked(each, scores, found))
    return ranked


def document_scores(found: Found, names: Mapping[str, str]) -> dict[str, float]:
    """The first DEPTH documents, each with its best hit's score; those that tie with the last are kept too."""
    scores: dict[str, float] = {}
    for hit in found.hits:
        name = names[hit.recording_id]
        if name not in scores and len(scores) >= DEPTH and hit.score < min(scores.values()):
            break
        scores.setdefault(name, hit.score)
    return scores


def outcome_of(ranked: Ranked) -> Outcome:
    asking, found = ranked.asking, ranked.found
    return Outcome(
        id=asking.id,
        answerable=bool(asking.relevant),
        ranks=tuple(rank for rank in worst_ranks(ranked.scores, asking.relevant) if rank <= DEPTH),
        relevant=len(asking.relevant),
        start_error_s=None,
        covered=found.covered,
        probability=found.probability,
        verdict=found.verdict,
        near=asking.near,
        language=asking.language,
        kind=str(field_of(asking.row, "kind") or field_of(asking.row, "metadata.kind") or ""),
        wer=asking.wer,
    )


def _asking(
    row: Mapping[str, Any], relevant: frozenset[str], language: str, wer: Mapping[str, float], *, prefix: str = ""
) -> Asking:
    """`wer`: by the question's id, or by that of a document that answers it."""
    key = str(row["_id"])
    known = [wer[each] for each in (key, *sorted(relevant)) if each in wer]
    return Asking(
        id=f"{prefix} {key}".strip(),
        text=str(row["text"]),
        relevant=relevant,
        near=prefix == "near",
        language=language_said(row) or language,
        wer=known[0] if known else None,
        row=row,
    )


def _misheard_questions(rows: Sequence[Mapping[str, Any]], language: str) -> dict[str, float]:
    """Question → its word error rate, where `metadata.typed` says what was asked; not where that is a translation."""
    typed = {str(row["_id"]): field_of(row, "metadata.typed") for row in rows}
    said = {key: text for key, text in typed.items() if isinstance(text, str) and text}
    if common_language(said.values()) != language:
        return {}
    heard = {str(row["_id"]): str(row["text"]) for row in rows}
    return {key: word_error_rate(text, heard[key], language) for key, text in said.items()}


def _misheard_documents(corpus: Sequence[Mapping[str, Any]], written: Path) -> dict[str, float]:
    """Document → its word error rate against the same one as it was written."""
    said = {str(row["_id"]): str(row["text"]) for row in read_jsonl(written, needs=("_id", "text"))}
    heard = {str(row["_id"]): str(row["text"]) for row in corpus}
    shared = said.keys() & heard.keys()
    if not shared:
        raise BadInput(f"{written}: no document has an id of the corpus", "give the same documents as written")
    language = common_language(said.values())
    return {key: word_error_rate(said[key], heard[key], language) for key in shared}


def _recording(document: Mapping[str, object]) -> GivenRecording:
    title = str(document.get("title") or "")
    return GivenRecording(str(document["_id"]), title, sentences_as_segments(str(document["text"])))
