"""What each channel adds: the same questions, the same candidates, each channel left out in turn.

    .venv/bin/python -m bench.ablation RETRIEVAL_SET… --lectures LECTURES --model FOLDER

A set is a folder in BEIR's layout; LECTURES one with segments.jsonl and questions.jsonl. `--model`: the embedder's
folder. Candidates and their scores are made once a question; left out means that the channel has no say when they are
fused. Prints a table: right at first place and among five, in %, and the change at first place in questions.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.fit_verdict import Asking, lectures, packaged_embedding, written
from earmark.bench.bench_home import BenchEmbedder, BenchHome, GivenRecording, opened_bench
from knowledge.finding.asked import ask
from knowledge.finding.channels import CHANNELS, Channel, gather
from knowledge.finding.diversify import moments
from knowledge.finding.find import in_order, rank, to_hits
from knowledge.finding.fuse import fuse

LEFT_OUT: dict[str, tuple[Channel, ...]] = {
    "all channels": (),
    "without dense": (Channel.DENSE, Channel.DENSE_AROUND, Channel.DENSE_RECORDING),
    "without words": (Channel.WORDS, Channel.WORDS_AROUND),
    "without sounds": (Channel.SOUNDS, Channel.SOUNDS_AROUND),
    "without tokens": (Channel.TOKENS, Channel.TOKENS_AROUND),
    "without letters": (Channel.LETTERS,),
    "without what lies around": tuple(each for each in Channel if each.endswith("_around")),
    "without the whole recording": (Channel.DENSE_RECORDING,),
    "dense, words, sounds alone": tuple(
        each for each in Channel if each not in (Channel.DENSE, Channel.WORDS, Channel.SOUNDS)
    ),
}
AMONG = 5


@dataclass(frozen=True, slots=True)
class Ranks:
    """For each question the rank of the first right moment, by what was left out; 0: none among AMONG."""

    of: dict[str, list[int]]

    def row(self, name: str) -> str:
        ranks, full = np.array(self.of[name]), np.array(self.of["all channels"])
        first, among = 100 * np.mean(ranks == 1), 100 * np.mean(ranks > 0)
        return f"{first:.1f} / {among:.1f} ({int((ranks == 1).sum() - (full == 1).sum()):+d})"


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("sets", type=Path, nargs="*")
    given.add_argument("--lectures", type=Path)
    given.add_argument("--model", type=Path, required=True)
    given.add_argument("--questions", type=int, default=10**6, help="at most so many of a set")
    options = given.parse_args()
    embedder = BenchEmbedder(packaged_embedding(options.model), digest="0" * 64, languages=frozenset({"en"}))
    measured = {name: measure(*data, embedder) for name, data in _data(options)}
    print(f"| | {' | '.join(measured)} |\n|---|{'---|' * len(measured)}")
    for name in LEFT_OUT:
        print(f"| {name} | {' | '.join(ranks.row(name) for ranks in measured.values())} |")


def measure(recordings: Sequence[GivenRecording], asked: Sequence[Asking], embedder: BenchEmbedder) -> Ranks:
    answerable = [each for each in asked if each.is_right is not None]
    of: dict[str, list[int]] = {name: [] for name in LEFT_OUT}
    with tempfile.TemporaryDirectory() as folder, opened_bench(Path(folder), embedder) as home:
        home.fill(recordings)
        for number, each in enumerate(answerable):
            if number % 100 == 0:
                print(f"{number} of {len(answerable)}", end="\r", file=sys.stderr)
            for name, found in ranks_of(home, each):
                of[name].append(found)
    return Ranks(of)


def ranks_of(home: BenchHome, asking: Asking) -> Iterator[tuple[str, int]]:
    view = home.index.view()
    asked = ask(home.question(asking.text), view)
    pool = gather(asked, view, courses=home.courses())
    if not pool.passages:
        yield from ((name, 0) for name in LEFT_OUT)
        return
    ranking = rank(asked, pool, view)
    closer = ranking.closer
    for name, left_out in LEFT_OUT.items():
        scores, scaled = closer.scores.copy(), ranking.third.scaled.copy()
        for without in (scores, scaled):
            without[:, [CHANNELS.index(each) for each in left_out]] = np.nan
        best = moments(in_order(closer, fuse(asked, closer.passages, scores, scaled).scores), k=AMONG)
        yield name, _first_right(home, asking, to_hits(best, asked, view, home.segments))


def _first_right(home: BenchHome, asking: Asking, hits: Sequence) -> int:  # type: ignore[type-arg]
    assert asking.is_right is not None
    for hit in hits:
        if asking.is_right(home.names[hit.recording_id], hit.start_s):
            return int(hit.rank)
    return 0


def _data(options: argparse.Namespace) -> Iterator[tuple[str, tuple[list[GivenRecording], list[Asking]]]]:
    for folder in options.sets:
        yield folder.name, written(folder, part=1.0, most=options.questions)
    if options.lectures:
        yield "lectures", lectures(options.lectures, "segments.jsonl")
        yield "lectures, misheard", lectures(options.lectures, "segments_asr.jsonl")


if __name__ == "__main__":
    main()
