"""How long grouping takes as a log grows, and how much memory: so many known questions and a week of new ones.

usage: python -m bench.topics_growth QUESTIONS.jsonl [--known 10000] [--new 1000] [--by-words]

QUESTIONS.jsonl is a line each with `text`. More are made from them: two questions put together, in words and in
meaning, so that groups stay as dense as they were. Prints seconds at once and for the week, by the clock and of the
processor, and the most memory that the process ever held, the embedder included where it is used. `--by-words`: as
where no embedder knows the language.
"""

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

import numpy as np

from assistant.topics.asked_text import AskedText, FloatArray
from assistant.topics.grouping import grow_topics
from assistant.topics.rules import MOVES_A_WEEK
from earmark.bench.jsonl import read_jsonl
from knowledge.embedding import TextKind
from knowledge.finding.languages import guess_language
from knowledge.model_files import MINILM, embedder_folder
from knowledge.sentence_embedder import SentenceEmbedder


def main() -> None:
    arguments = _arguments()
    numbers = count()
    texts = [str(row["text"]) for row in read_jsonl(arguments.questions, needs=("text",))]
    asked = made(texts, arguments.known + arguments.new, by_words=arguments.by_words)
    known = asked[: arguments.known]

    def new_id() -> str:
        return f"topic-{next(numbers)}"

    topics = _timed(f"{len(known)} at once", lambda: grow_topics(known, new_id=new_id))
    grown = [replace(each, topic=topics.get(each.id)) for each in asked]
    _timed(f"{arguments.new} more", lambda: grow_topics(grown, new_id=new_id, moving=MOVES_A_WEEK))
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def _timed(what: str, grow: Callable[[], dict[str, str | None]]) -> dict[str, str | None]:
    started, spent = time.perf_counter(), time.process_time()
    topics = grow()
    took, of_processor = time.perf_counter() - started, time.process_time() - spent
    print(f"{what}: {took:.1f} s, {of_processor:.1f} s of the processor, {len(set(topics.values()) - {None})} topics")
    return topics


def made(texts: list[str], wanted: int, *, by_words: bool) -> list[AskedText]:
    chance = Random(1)
    vectors = None if by_words else SentenceEmbedder(embedder_folder(MINILM)).embed(texts, kind=TextKind.QUESTION).whole
    asked = []
    for number in range(wanted):
        one, other = (number, number) if number < len(texts) else (chance.randrange(len(texts)) for _ in range(2))
        text = texts[one] if one == other else f"{texts[one]} {' '.join(texts[other].split()[:3])}"
        vector = None if vectors is None else _unit(0.8 * vectors[one] + 0.2 * vectors[other])
        asked.append(AskedText(f"q{number:06d}", text, guess_language(text), vector))
    chance.shuffle(asked)
    return asked


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--known", type=int, default=10_000)
    parser.add_argument("--new", type=int, default=1_000)
    parser.add_argument("--by-words", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
