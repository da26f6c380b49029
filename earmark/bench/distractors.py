"""Texts that answer none of a set's questions, to fill its corpus up: others' documents first, then, where more are
needed, their sentences put together anew by chance. Pure, but for reading the files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import BadInput
from earmark.bench.bench_home import GivenRecording, Progress, silent_progress
from earmark.bench.grouping import common_language
from earmark.bench.jsonl import read_jsonl
from earmark.bench.kept_vectors import KeptVectors, Prepared
from earmark.bench.metrics import SEED
from earmark.bench.sentences import segments_of_sentences, sentences_of
from knowledge.embedding import TextKind, TextVectors
from knowledge.finding.languages import language_of
from knowledge.passages.cutting import PassageDraft, cut_passages, embedding_text
from knowledge.token_vectors import pack, unpack
from knowledge.transcripts.segment import UNDETERMINED, Segment

SENTENCES_A_RECORDING = 200
NAME = "distractor"
"""What the recordings' names begin with, so that none is taken for a document of the set."""
_FILES = ("corpus.jsonl", "segments.jsonl")


@dataclass(frozen=True, slots=True)
class Distractor:
    """A document of somebody else's: its id there and its sentences, in order."""

    id: str
    sentences: tuple[str, ...]


def read_distractors(path: Path) -> list[Distractor]:
    """A BEIR folder, a folder of lectures, or lines of JSON with a `text`. Lines that name a `recording` are its
    sentences; any other line is a document. Raises BadInput naming the file."""
    found = next((path / name for name in _FILES if (path / name).is_file()), path)
    if found.is_dir():
        raise BadInput(f"{path}: holds neither {' nor '.join(_FILES)}", "give a folder with one of them, or a file")
    rows = read_jsonl(found, needs=("text",))
    recordings: dict[str, list[str]] = {}
    documents = []
    for number, row in enumerate(rows, 1):
        if "recording" in row:
            recordings.setdefault(str(row["recording"]), []).append(str(row["text"]).strip())
        else:
            documents.append(_document(row, f"{found.stem} {number}"))
    documents += [Distractor(name, tuple(filter(None, said))) for name, said in recordings.items()]
    return [each for each in documents if each.sentences]


def fitting(distractors: Iterable[Distractor], *, ids: Iterable[str], language: str) -> list[Distractor]:
    """Those that compete: in the set's language, and none that is a document of the set in another form (its id)."""
    own = set(ids)
    return [each for each in distractors if each.id not in own and _language(each) in (language, UNDETERMINED)]


def fillers(distractors: Sequence[Distractor], *, seed: int = SEED) -> Iterator[GivenRecording]:
    """The documents themselves, shuffled."""
    for at in np.random.default_rng(seed).permutation(len(distractors)):
        yield GivenRecording(f"{NAME} {at}", "", segments_of_sentences(distractors[at].sentences))


def recombined(distractors: Sequence[Distractor], *, seed: int = SEED) -> Iterator[GivenRecording]:
    """Without end: recordings of SENTENCES_A_RECORDING sentences drawn from all documents. Raises BadInput where
    there is nothing to draw from."""
    pool = sorted({sentence for each in distractors for sentence in each.sentences})
    if not pool:
        raise BadInput("no distractor is in the set's language", "give others with --distractors")
    chance = np.random.default_rng(seed)
    for number in count():
        said = [pool[at] for at in chance.integers(0, len(pool), SENTENCES_A_RECORDING)]
        yield GivenRecording(f"{NAME} recombined {number}", "", segments_of_sentences(said))


def give_made_vectors(
    recordings: Sequence[GivenRecording], ready: Prepared, progress: Progress = silent_progress
) -> None:
    """A passage's vector is the mean of its sentences', of length 1, and its tokens are theirs: only each sentence is
    embedded, once."""
    if ready.vectors is None:
        return
    cut = [(each.segments, draft) for each in recordings for draft in cut_passages(each.segments)]
    known = [(segments, draft) for segments, draft in cut if ready.embeds(draft.text)]
    said = (segment.text for segments, draft in known for segment in _of(draft, segments))
    ready.vectors.make(said, TextKind.PASSAGE, progress)
    for segments, draft in known:
        made = _mean(draft, segments, ready.vectors)
        ready.vectors.give([embedding_text(draft.text, "")], made, TextKind.PASSAGE)


def _of(draft: PassageDraft, segments: Sequence[Segment]) -> Sequence[Segment]:
    return segments[draft.first_segment : draft.last_segment + 1]


def _mean(draft: PassageDraft, segments: Sequence[Segment], vectors: KeptVectors) -> TextVectors:
    made = vectors([each.text for each in _of(draft, segments)], TextKind.PASSAGE)
    mean = made.whole.mean(axis=0)
    tokens = [each for each in map(unpack, made.tokens) if each is not None]
    packed = pack([0] * sum(map(len, tokens)), np.concatenate([each.vectors for each in tokens])) if tokens else b""
    return TextVectors(np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)[None], (packed,))


def _document(row: Mapping[str, Any], name: str) -> Distractor:
    return Distractor(str(row.get("_id", name)), tuple(sentences_of(str(row["text"]))))


def _language(distractor: Distractor) -> str:
    return language_of(" ".join(distractor.sentences), common_language(distractor.sentences))
