"""A script, slides' text or term list as sentences and as terms. Pure rules; knows no recogniser and no files."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from assistant.recognising.english_frequencies import log_frequency
from assistant.recognising.spoken_forms import spoken_words

LONGEST_SENTENCE_WORDS = 40
RARE_SHARE = 0.3
MOST_TERMS = 500
LONGEST_TERM_WORDS = 4
TERM_EDGES = ".,;:!?…\"'()[]{}“”‘’«»—–-*_"

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[^a-z\s])|(?<=[。！？])[”’」』)]*")
_CLAUSE_END = re.compile(r"(?<=[,;:])\s+|(?<=[，；：、])")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|Nr|vs|etc|e\.g|i\.e|approx|Fig|Inc|Ltd)|\b[A-Z])\.$")
_MARKDOWN_LEAD = re.compile(r"^\s*(?:#{1,6}\s+|[-*+•]\s+|>\s*|\d{1,3}[.)]\s+)+")
_MARKDOWN_MARKS = re.compile(r"\*\*|__|`|!?\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class ScriptWord:
    """A word as it is written, and the words it has when it is read out (`9001`: nine, thousand, one)."""

    spelling: str
    spoken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it is written; words that are not spoken (a dash) are left out of `words`."""

    text: str
    words: tuple[ScriptWord, ...]

    @property
    def spoken(self) -> tuple[str, ...]:
        return tuple(word for written in self.words for word in written.spoken)


def script_sentences(text: str) -> list[Sentence]:
    """Sentences of a script, slides or Markdown; over-long ones cut at commas, else by count."""
    pieces = (piece for line in _lines(text) for sentence in _split_sentences(line) for piece in _shortened(sentence))
    sentences = (Sentence(piece, _script_words(piece)) for piece in pieces)
    return [sentence for sentence in sentences if sentence.words]


def script_terms(text: str) -> tuple[str, ...]:
    """The rarest words of a text, neighbours joined to phrases, in its own spelling; the most frequent first."""
    sentences = script_sentences(text)
    rare = _rarest({word.spoken for sentence in sentences for word in sentence.words})
    counts = Counter(term for sentence in sentences for term in _phrases(sentence, rare))
    spellings: dict[str, str] = {}
    for term, _ in counts.most_common():
        spellings.setdefault(term.lower(), term)
    return tuple(list(spellings.values())[:MOST_TERMS])


def _rarest(words: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    by_rarity = sorted(words, key=lambda spoken: (min(map(log_frequency, spoken)), spoken))
    return set(by_rarity[: max(1, round(RARE_SHARE * len(by_rarity)))])


def _phrases(sentence: Sentence, rare: Container[tuple[str, ...]]) -> Iterator[str]:
    for is_rare, words in groupby(sentence.words, key=lambda word: word.spoken in rare):
        spellings = [word.spelling.strip(TERM_EDGES) for word in words] if is_rare else []
        for at in range(0, len(spellings), LONGEST_TERM_WORDS):
            yield " ".join(spellings[at : at + LONGEST_TERM_WORDS])


def _script_words(text: str) -> tuple[ScriptWord, ...]:
    words = (ScriptWord(piece, tuple(spoken_words(piece))) for piece in text.split())
    return tuple(word for word in words if word.spoken)


def _lines(text: str) -> list[str]:
    """Stretches that no sentence crosses: paragraphs of a text wrapped to a width, else its lines."""
    lines = [_MARKDOWN_MARKS.sub(r"\1", line).rstrip() for line in text.replace("\ufeff", "").splitlines()]
    if _is_wrapped(lines):
        lines = re.sub(r"(?<!\n)\n(?!\n|\s*[#\-*+•>]|\s*\d{1,3}[.)]\s)", " ", "\n".join(lines)).split("\n")
    return [bare for line in lines if (bare := _MARKDOWN_LEAD.sub("", line).strip())]


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Most lines that another follows come close to one width that fits a page."""
    followed = [len(line) for line, following in pairwise(lines) if line and following]
    if len(followed) < 3 or not 40 <= max(followed) <= 120:
        return False
    return sum(length >= 0.75 * max(followed) for length in followed) >= 0.8 * len(followed)


def _split_sentences(line: str) -> list[str]:
    sentences: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(line):
        if _ABBREVIATION.search(line[: end.start()]):
            continue
        sentences.append(line[start : end.end()].strip())
        start = end.end()
    return [*sentences, line[start:].strip()]


def _shortened(sentence: str) -> list[str]:
    """Clauses joined again up to the longest length; a clause longer than that is cut by count."""
    if len(sentence.split()) <= LONGEST_SENTENCE_WORDS:
        return [sentence]
    pieces: list[str] = []
    for clause in _CLAUSE_END.split(sentence):
        words = clause.split()
        for at in range(0, len(words), LONGEST_SENTENCE_WORDS):
            piece = words[at : at + LONGEST_SENTENCE_WORDS]
            if pieces and len(pieces[-1].split()) + len(piece) <= LONGEST_SENTENCE_WORDS:
                pieces[-1] += " " + " ".join(piece)
            else:
                pieces.append(" ".join(piece))
    return pieces
