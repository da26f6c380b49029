"""Fit the verdict: which answers may be given, from questions that are known to be taught or not.

usage: fit_verdict.py DATA --model FOLDER [--write FILE] [--questions 400]

DATA holds retrieval/, lectures/ and moments/. Fitted are two logistic regressions over what finding sees:
`covered` (something here answers the question) and `right` (the first moment does). Taught and untaught questions
weigh the same, and so does every set. Each set's row is measured by models and thresholds fitted on the other groups
of sets. Every question is asked a second time without the vectors of its tokens, as homes ask that lack those of
their passages: they are judged by sets of their own.

Sets whose sources state no licence (en-spoken*, zh-spoken*) are neither fitted on nor read here.
"""

import argparse
import datetime as dt
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from earmark.bench.bench_home import BenchEmbedder, BenchHome, Embed, GivenRecording, opened_bench
from earmark.bench.fitting import Example, fit, half_untaught, logits, told_by
from earmark.bench.jsonl import read_jsonl
from earmark.bench.kept_vectors import KeptVectors, prepared
from earmark.bench.metrics import auroc, coverage_at_precision
from earmark.bench.retrieval import read_judgements
from earmark.bench.sentences import sentences_as_segments
from knowledge.finding.find import Looked
from knowledge.finding.refusing import SETS, Sight, Verdicts, document_of, features_for
from knowledge.model_files import MINILM_SHA256, digest_of
from knowledge.transcripts.segment import Segment

SEED = 7
WRITTEN = {"en-clean": "squad", "cross-de-en": "squad", "zh-clean": "drcd", "zh-hans-clean": "cmrc"}
"""Retrieval sets and the group of sets that share their texts. cross-zh-en is left out: the packaged embedder knows
no Chinese, so that its questions are answerable on paper only."""
CROSS_LANGUAGE = "cross-language"
"""Lecture questions of this kind are left out for the same reason."""
PARTS = (1.0, 0.25, 0.06)
"""Shares of a corpus kept, so that the verdict holds in small collections too."""
TOLERANCE_S = 15.0


@dataclass(frozen=True)
class Asking:
    """A question, and how to tell that a hit answers it; None: nothing here does."""

    text: str
    is_right: Callable[[str, float], bool] | None


def main() -> None:
    arguments = _arguments()
    digest = digest_of(MINILM_SHA256)
    embedder = BenchEmbedder(packaged_embedding(arguments.model), digest=digest, languages=frozenset({"en"}))
    document = shipped(collect(arguments.data, embedder, most=arguments.questions))
    print(json.dumps(document, indent=2))
    if arguments.write is not None:
        arguments.write.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def packaged_embedding(model: Path) -> Embed:
    """The model in this folder, each text embedded once: parts of one corpus share most of their passages."""
    from knowledge.sentence_embedder import SentenceEmbedder

    embedder = SentenceEmbedder(model)
    return KeptVectors(lambda texts, kind: embedder.embed(texts, kind=kind))


def collect(data: Path, embedder: BenchEmbedder, *, most: int) -> list[Example]:
    examples: list[Example] = []
    for set_name, group in WRITTEN.items():
        for part in PARTS:
            recordings, asked = written(data / "retrieval" / set_name, part=part, most=most)
            examples += _ask(recordings, asked, embedder, group=group, set_name=f"{set_name} x{part:g}")
    for name in ("segments", "segments_asr"):
        recordings, asked = lectures(data / "lectures", f"{name}.jsonl")
        examples += _ask(recordings, asked, embedder, group="lectures", set_name=f"lectures {name}")
    recordings, asked = moments(data / "moments")
    return examples + _ask(recordings, asked, embedder, group="moments", set_name="moments, as written")


def written(folder: Path, *, part: float, most: int) -> tuple[list[GivenRecording], list[Asking]]:
    """A share of a set's documents, the questions about them, and those about nothing in the set."""
    chance = random.Random(SEED)
    corpus = read_jsonl(folder / "corpus.jsonl", needs=("_id", "text"))
    kept = corpus if part == 1.0 else chance.sample(corpus, max(8, round(len(corpus) * part)))
    names = {str(document["_id"]) for document in kept}
    relevant = read_judgements(folder / "qrels" / "test.tsv")
    questions = read_jsonl(folder / "queries.jsonl")
    taught = [each for each in questions if relevant.get(each["_id"], set()) & names]
    untaught = read_jsonl(folder / "unanswerable.jsonl")
    asked = [Asking(each["text"], _in_documents(relevant[each["_id"]])) for each in _some(taught, most, chance)] + [
        Asking(each["text"], None) for each in _some(untaught, most, chance)
    ]
    given = [GivenRecording(each["_id"], "", sentences_as_segments(each["text"])) for each in kept]
    return given, asked


def lectures(folder: Path, segments: str) -> tuple[list[GivenRecording], list[Asking]]:
    languages = {row["recording"]: row["language"] for row in read_jsonl(folder / "recordings.jsonl")}
    said: dict[str, list[Segment]] = {name: [] for name in languages}
    for row in read_jsonl(folder / segments):
        name = row["recording"]
        said[name].append(Segment(row["start_s"], row["end_s"], row["text"], languages[name]))
    asked = [
        Asking(each["question"], _in_stretches(each["answers"]) if each["answers"] else None)
        for each in read_jsonl(folder / "questions.jsonl")
        if each["kind"] != CROSS_LANGUAGE
    ]
    given = [GivenRecording(name, "", sorted(each, key=lambda one: one.start_s)) for name, each in said.items()]
    return given, asked


def moments(folder: Path) -> tuple[list[GivenRecording], list[Asking]]:
    said: dict[str, list[Segment]] = {}
    for row in read_jsonl(folder / "manifest.jsonl"):
        segment = Segment(row["start_s"], row["end_s"], row["text"], row["language"])
        said.setdefault(row["recording"], []).append(segment)
    asked = [
        Asking(each["question"], _in_stretches([each]) if each["recording"] else None)
        for each in read_jsonl(folder / "questions.jsonl")
    ]
    return [GivenRecording(name, "", each) for name, each in said.items()], asked


def shipped(examples: Sequence[Example]) -> dict[str, object]:
    """The document that ships: coefficients, thresholds, and where they come from."""
    return {
        "fitted": dt.datetime.now(dt.UTC).date().isoformat(),
        "origin": "bench/fit_verdict.py; taught and untaught questions weigh the same, and so does every set",
        "examples": dict(Counter(each.set_name for each in seen_like(examples, Sight.WHOLE))),
    } | {name: _fitted(seen_like(examples, sight), features_for(whose, sight)) for (whose, sight), name in SETS.items()}


def seen_like(examples: Sequence[Example], sight: Sight) -> list[Example]:
    """Those seen like this, and those of which no tokens said anything to begin with: they are in both."""
    return [each for each in examples if each.sight is sight or (each.sight is Sight.WHOLE and not each.features.close)]


def _fitted(examples: Sequence[Example], names: Sequence[str]) -> dict[str, object]:
    return {"left_out": left_out(examples, names)} | document_of(fit(examples, names, half_untaught(examples)))


def left_out(examples: Sequence[Example], names: Sequence[str]) -> list[str]:
    """Each set measured by models, and at thresholds, that no text of its group had a part in."""
    lines = []
    for group in dict.fromkeys(example.group for example in examples):
        others = [example for example in examples if example.group != group]
        verdicts = fit(others, names, half_untaught(others))
        for set_name in dict.fromkeys(example.set_name for example in examples if example.group == group):
            mine = [example for example in examples if example.set_name == set_name]
            lines.append(f"{set_name}: {_measured(mine, verdicts)}")
    return lines


def _measured(examples: Sequence[Example], verdicts: Verdicts) -> str:
    taught = np.array([each.covered for each in examples])
    right = np.array([each.right for each in examples])
    answered = told_by(verdicts, examples)[1] >= verdicts.answered_from
    good = int((answered & right).sum())
    by_covered, by_right = logits(verdicts.covered, examples), logits(verdicts.right, examples)
    told = (by_covered[taught].tolist(), by_covered[~taught].tolist())
    return (
        f"{taught.sum()} taught, {(~taught).sum()} not; "
        f"covered AUROC {100 * auroc(*told):.1f}, coverage at 95 % {100 * coverage_at_precision(*told):.0f}; "
        f"right AUROC {100 * auroc(by_right[right].tolist(), by_right[~right].tolist()):.1f}; "
        f"answered: {_share((answered & taught).sum(), taught.sum())} of the taught, "
        f"{_share(good, (answered & taught).sum())} of these right, "
        f"{_share((answered & ~taught).sum(), (~taught).sum())} of the untaught; "
        f"confident precision {_share(good, answered.sum())}, recall {_share(good, taught.sum())}, "
        f"F1 {_share(2 * good, answered.sum() + taught.sum())}"
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else "-"


def _ask(
    recordings: Sequence[GivenRecording],
    asked: Sequence[Asking],
    embedder: BenchEmbedder,
    *,
    group: str,
    set_name: str,
) -> list[Example]:
    print(set_name, file=sys.stderr)
    ready = prepared(embedder)
    with tempfile.TemporaryDirectory() as folder, opened_bench(Path(folder), ready.embedder) as home:
        ready.passages(recordings)
        home.fill(recordings)
        ready.questions(each.text for each in asked)
        return list(_examples(home, asked, group=group, set_name=set_name))


def _examples(home: BenchHome, asked: Sequence[Asking], *, group: str, set_name: str) -> Iterator[Example]:
    """One a question, and one more for what would be seen of it without tokens where that is less."""
    view = home.index.view()
    for each in asked:
        for sight in Sight:
            looked = home.look(each.text, view=view, tokens=sight is Sight.WHOLE)
            if looked is not None and looked.sight is sight:
                right = _first_is_right(looked, each, home)
                yield Example(set_name, looked.features, sight, each.is_right is not None, right, group)


def _first_is_right(looked: Looked, asking: Asking, home: BenchHome) -> bool:
    first = looked.hits[0]
    return asking.is_right is not None and asking.is_right(home.names[first.recording_id], first.start_s)


def _in_documents(names: set[str]) -> Callable[[str, float], bool]:
    return lambda recording, _: recording in names


def _in_stretches(answers: Sequence[Mapping[str, Any]]) -> Callable[[str, float], bool]:
    return lambda recording, start_s: any(
        recording == answer["recording"] and answer["start_s"] - TOLERANCE_S <= start_s <= answer["end_s"] + TOLERANCE_S
        for answer in answers
    )


def _some(rows: list[dict[str, Any]], most: int, chance: random.Random) -> list[dict[str, Any]]:
    return rows if len(rows) <= most else chance.sample(rows, most)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fit the verdict on sets whose sources allow it.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="folder of the embedder")
    parser.add_argument("--write", type=Path, help="verdict.json to write")
    parser.add_argument("--questions", type=int, default=400, help="at most so many of each kind from a set")
    return parser.parse_args()


if __name__ == "__main__":
    main()
