"""A script beside a recording: whether it is what was said, its spelling in the place of what was heard, and where it
is worth listening again. Pure rules; knows no recogniser and no files.

The script never gives a time. A sentence's bounds are those of the heard words that stand beside it; of its words only
those keep seconds that were heard as they are written, so `words` may be fewer than the text has.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from assistant.recognising.alignment import Pair, align_words, most_in_order
from assistant.recognising.script_text import Sentence, script_sentences
from assistant.recognising.spoken_forms import spoken_words
from knowledge.transcripts.segment import Segment, Word

SCRIPT_IS_SPOKEN = 0.3
"""`match_share` of a first minute that was heard with the script mixed in: .97 for the right one, .47 in loud noise;
wrong ones .04 to .06, and at most .09 for 40 texts of the same subject, 600 to 13,000 words long. Heard without the
script a right one may fall to .06, so that way tells nothing."""
FEWEST_JUDGED = 20
LEAST_MATCHED = 0.4
"""Share of a sentence's words that must be heard for its spelling to win."""
MOST_WORDS_BETWEEN = 5
MOST_SECONDS_BETWEEN = 4.0
"""Matched words of one sentence further apart than either belong to something else that was said, unless the sentence
itself has as much between them: then its middle was misheard."""
MOST_WORDS_A_WORD = 1.5
MOST_SECONDS_A_WORD = 0.7
LONGEST_SLIP_WORDS = 2
SLIP_PAUSE_S = 0.5
"""This few heard words, close to an aligned sentence, are its edge misheard; more are something the script lacks."""


def match_share(heard: Sequence[Word], script: str) -> float:
    """Share of the heard words that some stretch of the script has too, in the same order.

    Below FEWEST_JUDGED words it is the share of so many: a few common words match any text.
    """
    tokens = [token for word in heard for token in spoken_words(word.text)]
    written = [token for sentence in script_sentences(script) for token in sentence.spoken]
    return most_in_order(tokens, written) / max(len(tokens), FEWEST_JUDGED)


@dataclass(frozen=True, slots=True)
class PlacedSentence:
    """Where the script's sentence of this number was said."""

    number: int
    start_s: float
    end_s: float


def placed_sentences(segments: Sequence[Segment], script: str) -> list[PlacedSentence]:
    """The sentences that were heard, in the order of the script, which is that of time."""
    heard = _heard_words(segments)
    return [
        PlacedSentence(item.number, heard[item.first].word.start_s, heard[item.last].word.end_s)
        for item in _with_slips(_place(heard, script_sentences(script)), heard)
    ]


def align(segments: Sequence[Segment], script: str) -> list[Segment]:
    """The script's sentences where they were heard, what was heard elsewhere, in the order of time.

    Segments without timed words stay as they are: a sentence inside them would have no time of its own.
    """
    heard = _heard_words(segments)
    placed = _with_slips(_place(heard, script_sentences(script)), heard)
    kept = [segment for segment in segments if not segment.words]
    for run in _runs_left(heard, placed):
        kept.append(_as_heard([heard[place].word for place in run], segments[heard[run[0]].segment]))
    kept += [sentence.as_segment(heard, segments) for sentence in placed]
    return sorted(kept, key=lambda segment: (segment.start_s, segment.end_s))


@dataclass(frozen=True, slots=True)
class _Heard:
    segment: int
    word: Word


@dataclass(frozen=True, slots=True)
class _Placed:
    """The script's sentence of this number and the heard words that it replaces, first to last.

    `timed`: its words heard as written.
    """

    sentence: Sentence
    number: int
    first: int
    last: int
    timed: tuple[Word, ...]

    def as_segment(self, heard: Sequence[_Heard], segments: Sequence[Segment]) -> Segment:
        model = segments[heard[self.first].segment]
        start_s, end_s = heard[self.first].word.start_s, heard[self.last].word.end_s
        return replace(
            model,
            start_s=start_s,
            end_s=end_s,
            text=self.sentence.text,
            words=self.timed,
            hard_to_hear=None,
            invented=False,
        )


def _heard_words(segments: Sequence[Segment]) -> list[_Heard]:
    return [_Heard(number, word) for number, segment in enumerate(segments) for word in segment.words]


def _place(heard: Sequence[_Heard], sentences: Sequence[Sentence]) -> list[_Placed]:
    tokens = [(place, token) for place, item in enumerate(heard) for token in spoken_words(item.word.text)]
    written = [(number, token) for number, sentence in enumerate(sentences) for token in sentence.spoken]
    starts: dict[int, int] = {}
    for place, (number, _) in enumerate(written):
        starts.setdefault(number, place)
    beside: dict[int, list[Pair]] = {}
    for pair in align_words([token for _, token in tokens], [token for _, token in written]):
        number = written[pair.b][0]
        beside.setdefault(number, []).append(Pair(tokens[pair.a][0], pair.b - starts[number], pair.same))
    placed = (_place_sentence(sentences[number], number, pairs, heard) for number, pairs in beside.items())
    return _without_overlaps(item for item in placed if item)


def _place_sentence(sentence: Sentence, number: int, pairs: Sequence[Pair], heard: Sequence[_Heard]) -> _Placed | None:
    """`pairs`: heard word, spoken word of the sentence. None where too little of it was heard in one place."""
    matched = _densest([pair for pair in pairs if pair.same], heard)
    if len(matched) < LEAST_MATCHED * len(sentence.spoken):
        return None
    beside = {pair.a for pair in pairs}
    first, last = matched[0].a, matched[-1].a
    while first - 1 in beside and _pause(heard, first - 1) < SLIP_PAUSE_S:
        first -= 1
    while last + 1 in beside and _pause(heard, last) < SLIP_PAUSE_S:
        last += 1
    return _Placed(sentence, number, first, last, _timed_words(sentence, matched, heard))


def _densest(matched: Sequence[Pair], heard: Sequence[_Heard]) -> Sequence[Pair]:
    """The largest group of matched words without a long gap between them."""
    groups: list[list[Pair]] = []
    for pair in matched:
        if groups and _close(groups[-1][-1], pair, heard):
            groups[-1].append(pair)
        else:
            groups.append([pair])
    return max(groups, key=len, default=[])


def _close(earlier: Pair, later: Pair, heard: Sequence[_Heard]) -> bool:
    said, written = later.a - earlier.a - 1, later.b - earlier.b - 1
    apart_s = heard[later.a].word.start_s - heard[earlier.a].word.end_s
    return said <= max(MOST_WORDS_BETWEEN, MOST_WORDS_A_WORD * written) and apart_s <= max(
        MOST_SECONDS_BETWEEN, MOST_SECONDS_A_WORD * written
    )


def _pause(heard: Sequence[_Heard], place: int) -> float:
    return heard[place + 1].word.start_s - heard[place].word.end_s


def _timed_words(sentence: Sentence, matched: Sequence[Pair], heard: Sequence[_Heard]) -> tuple[Word, ...]:
    """Written words all of whose spoken words were heard, from the start of the first to the end of the last."""
    places = {pair.b: heard[pair.a].word for pair in matched}
    timed, at = [], 0
    for written in sentence.words:
        said = [places[spot] for spot in range(at, at + len(written.spoken)) if spot in places]
        if len(said) == len(written.spoken):
            chances = [word.probability for word in said if word.probability is not None]
            timed.append(Word(said[0].start_s, said[-1].end_s, written.spelling, min(chances) if chances else None))
        at += len(written.spoken)
    return tuple(timed)


def _without_overlaps(placed: Iterable[_Placed]) -> list[_Placed]:
    """One heard word (`9001`) may stand beside the end of one sentence and the start of the next: the first has it."""
    kept: list[_Placed] = []
    for item in sorted(placed, key=lambda item: (item.first, item.last)):
        if not kept or item.first > kept[-1].last:
            kept.append(item)
    return kept


def _with_slips(placed: Sequence[_Placed], heard: Sequence[_Heard]) -> list[_Placed]:
    """Each edge misheard as a word or two more goes to the sentence that it is closer to."""
    widened = list(placed)
    ending = {item.last: number for number, item in enumerate(placed)}
    starting = {item.first: number for number, item in enumerate(placed)}
    for run in _runs_left(heard, placed):
        near = []
        if run[0] - 1 in ending:
            near.append((_pause(heard, run[0] - 1), ending[run[0] - 1]))
        if run[-1] + 1 in starting:
            near.append((_pause(heard, run[-1]), starting[run[-1] + 1]))
        pause_s, number = min(near, default=(SLIP_PAUSE_S, -1))
        if len(run) <= LONGEST_SLIP_WORDS and pause_s < SLIP_PAUSE_S:
            item = widened[number]
            widened[number] = replace(item, first=min(item.first, run[0]), last=max(item.last, run[-1]))
    return widened


def _runs_left(heard: Sequence[_Heard], placed: Sequence[_Placed]) -> list[list[int]]:
    """Heard words that no sentence took, in runs inside one segment."""
    taken = {place for sentence in placed for place in range(sentence.first, sentence.last + 1)}
    runs: list[list[int]] = []
    for place, item in enumerate(heard):
        if place in taken:
            continue
        follows = runs and runs[-1][-1] == place - 1 and heard[place - 1].segment == item.segment
        if follows:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _as_heard(words: Sequence[Word], segment: Segment) -> Segment:
    if len(words) == len(segment.words):
        return segment
    text = " ".join(word.text for word in words)
    return replace(segment, start_s=words[0].start_s, end_s=words[-1].end_s, text=text, words=tuple(words))
