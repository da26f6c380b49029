"""Which embeds faster on this machine's processor: torch, or ONNX Runtime with the model that Earmark exports for it.

usage: python -m bench.question_embedding QUESTIONS.jsonl --model FOLDER [--threads 1] [--most 200] [--rounds 3]
       [--words 40 --together 16]

Questions are a line each with `text`, asked one by one. With `--words` the questions' words, one after another, are
cut into passages of so many, and embedded `--together`, as indexing does. Both ways are the product's own, tokenising
included, and take turns, so that whatever else runs here slows them alike. Prints how long the export took, the
milliseconds of a call, p50 / p95, the processor's own time, and how far the vectors lie apart.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from earmark.bench.jsonl import read_jsonl
from knowledge.exported_model import EncodedText, ExportedModel, export_place
from knowledge.model_export import make_export
from knowledge.model_files import folder_digest
from knowledge.sentence_embedder import TorchModel, Way


@dataclass
class Took:
    """Seconds of each call: by the clock, and of the processor."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)


def main() -> None:
    arguments = _arguments()
    texts = [str(row["text"]) for row in read_jsonl(arguments.questions, needs=("text",))][: arguments.most]
    calls = _calls(texts, words=arguments.words, together=arguments.together)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        about = make_export(arguments.model, Path(folder))
        print(f"exported and checked in {time.perf_counter() - started:.1f} s")
        if about.unfit:
            raise SystemExit(about.unfit)
        place = export_place(Path(folder), folder_digest(arguments.model))
        ours = TorchModel(arguments.model, threads=arguments.threads, device="cpu")
        report(calls, [ours, ExportedModel(place, about, threads=arguments.threads)], rounds=arguments.rounds)


def report(calls: Sequence[Sequence[str]], ways: Sequence[Way], *, rounds: int) -> None:
    """Each call is made both ways before the next one, after one round that is not timed."""
    took = {way.runs_by: Took() for way in ways}
    apart = 0.0
    for turn in range(rounds + 1):
        for texts in calls:
            made = {way.runs_by: _timed(way, texts, took[way.runs_by] if turn else Took()) for way in ways}
            apart = max(apart, _apart(made))
    for name, each in took.items():
        p50, p95 = 1000 * np.quantile(each.wall_s, (0.5, 0.95))
        cpu = 1000 * np.median(each.cpu_s)
        print(f"{name:12}  p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  processor {cpu:6.1f} ms  ({len(each.wall_s)} calls)")
    first, second = (np.median(each.wall_s) for each in took.values())
    print(f"{ways[0].runs_by} takes {first / second:.2f} times as long; vectors differ by at most {apart:.1e}")


def _timed(way: Way, texts: Sequence[str], took: Took) -> list[EncodedText]:
    wall, cpu = time.perf_counter(), time.process_time()
    made = way.encode(texts, "")
    took.wall_s.append(time.perf_counter() - wall)
    took.cpu_s.append(time.process_time() - cpu)
    return made


def _apart(made: Mapping[str, Sequence[EncodedText]]) -> float:
    first, second = made.values()
    pairs = zip(first, second, strict=True)
    return max(max(float(np.abs(a.whole - b.whole).max()), float(np.abs(a.tokens - b.tokens).max())) for a, b in pairs)


def _calls(texts: Sequence[str], *, words: int, together: int) -> list[list[str]]:
    if words:
        texts = [" ".join(some) for some in _in_runs(" ".join(texts).split(), words)]
    return [list(some) for some in _in_runs(texts, together)]


def _in_runs(items: Sequence[str], size: int) -> list[Sequence[str]]:
    """Runs of exactly `size`; what is left over at the end is left out."""
    return [items[first:last] for first, last in itertools.pairwise(range(0, len(items) + 1, size))]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time embedding: torch and ONNX Runtime.")
    parser.add_argument("questions", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="folder of the embedder")
    parser.add_argument("--threads", type=int, default=1, help="1, as the engine takes where there are two cores")
    parser.add_argument("--most", type=int, default=200, help="questions read")
    parser.add_argument("--words", type=int, default=0, help="words of a passage; questions themselves where 0")
    parser.add_argument("--together", type=int, default=1, help="texts a call")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
