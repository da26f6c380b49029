"""Fit the verdict: which answers may be given, from questions that are known to be taught or not.

usage: fit_verdict.py DATA --model FOLDER [--write FILE] [--questions 400]

DATA holds retrieval/, lectures/ and moments/. Fitted are two logistic regressions over what finding sees:
`covered` (something here answers the question) and `right` (the first moment does). Taught and untaught questions
weigh the same, and so does every set. Each set's row is measured by models fitted on the other groups of sets.

Sets whose sources state no licence (en-spoken*, zh-spoken*) are neither fitted on nor read here.
"""

import argparse
import datetime as dt
import json
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from earmark.bench.bench_home import BenchEmbedder, BenchHome, Embed, GivenRecording, opened_bench
from earmark.bench.jsonl import read_jsonl
from earmark.bench.kept_vectors import KeptVectors
from earmark.bench.metrics import auroc, coverage_at_precision
from earmark.bench.retrieval import read_judgements
from earmark.bench.sentences import sentences_as_segments
from knowledge.finding.find import Looked
from knowledge.finding.refusing import OF_ONE_EMBEDDER, Features, feature_names
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
FEWEST_MISTAKES = 0.05
"""`covered` below the threshold that passes all but so many of the taught questions counts as absent."""
RIGHT_FROM = 0.9
"""Answers given are right so often, over the pooled sets with as many untaught questions as taught ones."""


FOR_PACKAGED = tuple(feature_names())
FOR_ANY = tuple(name for name in feature_names() if name not in OF_ONE_EMBEDDER)


@dataclass(frozen=True)
class Example:
    group: str
    set_name: str
    features: Features
    covered: bool
    right: bool


@dataclass(frozen=True)
class Asking:
    """A question, and how to tell that a hit answers it; None: nothing here does."""

    text: str
    is_right: Callable[[str, float], bool] | None


def main() -> None:
    arguments = _arguments()
    digest = digest_of(MINILM_SHA256)
    embedder = BenchEmbedder(packaged_embedding(arguments.model), digest=digest, languages=frozenset({"en"}))
    document = fit(collect(arguments.data, embedder, most=arguments.questions))
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


def fit(examples: Sequence[Example]) -> dict[str, object]:
    """The document that ships: coefficients, thresholds, and where they come from."""
    return {
        "fitted": dt.datetime.now(dt.UTC).date().isoformat(),
        "origin": "bench/fit_verdict.py; taught and untaught questions weigh the same, and so does every set",
        "examples": _counts(examples),
        "packaged": _fit(examples, FOR_PACKAGED),
        "any": _fit(examples, FOR_ANY),
    }


def _fit(examples: Sequence[Example], names: Sequence[str]) -> dict[str, object]:
    covered, right = _regression(examples, "covered", names), _regression(examples, "right", names)
    sure = [min(pair) for pair in zip(covered.told(examples), right.told(examples), strict=True)]
    taught = [value for value, each in zip(covered.told(examples), examples, strict=True) if each.covered]
    return {
        "left_out": left_out(examples, names),
        "covered": covered.document(),
        "right": right.document(),
        "answered_from": round(lowest_precise(sure, examples), 4),
        "absent_below": round(float(np.quantile(taught, FEWEST_MISTAKES)), 4),
    }


def lowest_precise(sure: Sequence[float], examples: Sequence[Example]) -> float:
    """The lowest probability from which on answers are right often enough, as the examples are weighed; else 1."""
    order = np.argsort(sure)[::-1]
    weights = np.array(_weights(examples))[order]
    right = np.array([example.right for example in examples])[order]
    precise = np.cumsum(weights * right) >= RIGHT_FROM * np.cumsum(weights)
    return float(np.array(sure)[order][precise][-1]) if precise.any() else 1.0


def left_out(examples: Sequence[Example], names: Sequence[str]) -> list[str]:
    """Each set measured by models that saw no text of its group."""
    lines = []
    for group in dict.fromkeys(example.group for example in examples):
        others = [example for example in examples if example.group != group]
        covered, right = _regression(others, "covered", names), _regression(others, "right", names)
        for set_name in dict.fromkeys(example.set_name for example in examples if example.group == group):
            mine = [example for example in examples if example.set_name == set_name]
            lines.append(f"{set_name}: {_measured(mine, covered.told(mine), right.told(mine))}")
    return lines


def _measured(examples: Sequence[Example], covered: Sequence[float], right: Sequence[float]) -> str:
    taught = [value for value, each in zip(covered, examples, strict=True) if each.covered]
    untaught = [value for value, each in zip(covered, examples, strict=True) if not each.covered]
    good = [value for value, each in zip(right, examples, strict=True) if each.right]
    wrong = [value for value, each in zip(right, examples, strict=True) if not each.right]
    return (
        f"{len(taught)} taught, {len(untaught)} not; covered AUROC {100 * auroc(taught, untaught):.1f}, "
        f"coverage at 95 % {100 * coverage_at_precision(taught, untaught):.0f}; "
        f"right AUROC {100 * auroc(good, wrong):.1f}"
    )


def _ask(
    recordings: Sequence[GivenRecording],
    asked: Sequence[Asking],
    embedder: BenchEmbedder,
    *,
    group: str,
    set_name: str,
) -> list[Example]:
    with tempfile.TemporaryDirectory() as folder, opened_bench(Path(folder), embedder) as home:
        home.fill(recordings)
        return list(_examples(home, asked, group=group, set_name=set_name))


def _examples(home: BenchHome, asked: Sequence[Asking], *, group: str, set_name: str) -> Iterator[Example]:
    view = home.index.view()
    for each in asked:
        looked = home.look(each.text, view=view)
        if looked is not None:
            yield Example(
                group, set_name, looked.features, each.is_right is not None, _first_is_right(looked, each, home)
            )


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


@dataclass(frozen=True)
class Fitted:
    """A regression over some of the features, brought to one scale while it was fitted."""

    names: Sequence[str]
    model: LogisticRegression
    mean: np.ndarray
    spread: np.ndarray

    def told(self, examples: Sequence[Example]) -> list[float]:
        scaled = (_matrix(examples, self.names) - self.mean) / self.spread
        return [float(value) for value in self.model.predict_proba(scaled)[:, 1]]

    def document(self) -> dict[str, object]:
        """Coefficients for the features as they come, not as they were scaled."""
        weights = self.model.coef_[0] / self.spread
        intercept = float(self.model.intercept_[0] - weights @ self.mean)
        named = {name: round(float(each), 4) for name, each in zip(self.names, weights, strict=True)}
        return {"intercept": round(intercept, 4), "weights": named}


def _regression(examples: Sequence[Example], label: str, names: Sequence[str]) -> Fitted:
    matrix = _matrix(examples, names)
    mean, spread = matrix.mean(axis=0), matrix.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=5000)
    labels = [getattr(example, label) for example in examples]
    model.fit((matrix - mean) / spread, labels, sample_weight=_weights(examples))
    return Fitted(names, model, mean, spread)


def _matrix(examples: Sequence[Example], names: Sequence[str]) -> np.ndarray:
    return np.array([[getattr(example.features, name) for name in names] for example in examples])


def _weights(examples: Sequence[Example]) -> list[float]:
    """Every set weighs the same, in it taught and untaught questions half each."""
    counts: dict[tuple[str, bool], int] = {}
    for example in examples:
        key = (example.set_name, example.covered)
        counts[key] = counts.get(key, 0) + 1
    return [100.0 / counts[(example.set_name, example.covered)] for example in examples]


def _counts(examples: Sequence[Example]) -> dict[str, int]:
    names = [example.set_name for example in examples]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fit the verdict on sets whose sources allow it.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="folder of the embedder")
    parser.add_argument("--write", type=Path, help="verdict.json to write")
    parser.add_argument("--questions", type=int, default=400, help="at most so many of each kind from a set")
    return parser.parse_args()


if __name__ == "__main__":
    main()
