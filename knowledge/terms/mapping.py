"""A course's segments in, its map of terms out. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise

from knowledge.finding.languages import base_language, language_of
from knowledge.terms.explaining import Mention, explained
from knowledge.terms.phrases import Candidate, Line, Phrase, word_terms
from knowledge.terms.signs import sign_terms
from knowledge.terms.small_words import is_bare
from knowledge.terms.term_map import EnglishFrequency, Said, Term, TermMap
from knowledge.terms.ties import tie_terms, window_s
from knowledge.terms.units import is_sign, plurals_in, runs_of
from knowledge.transcripts.segment import UNDETERMINED

MOST_TERMS = 300
_LONGEST_TERM = 60
"""Characters."""


def map_terms(said: Sequence[Said], frequency: EnglishFrequency) -> TermMap:
    """`said`: a course's segments, texts in NFC, recording by recording in their order. The same segments give the same
    map. Empty where nothing is said twice."""
    lines = _lines(said)
    found = [*word_terms(lines, frequency), *sign_terms(lines)]
    best = sorted(found, key=lambda each: (-each.score, each.phrase))[:MOST_TERMS]
    mentions = _mentions(lines, {each.phrase for each in best})
    terms = [_term(each, said, lines, mentions[each.phrase]) for each in best if len(mentions[each.phrase]) > 1]
    shown = {term.key: term for term in terms if len(term.text) <= _LONGEST_TERM}
    phrases = {term_key(each.phrase): each.phrase for each in best}
    length_s = window_s(sum(each.end_s - each.start_s for each in said))
    window = [(each.recording_id, int(each.start_s // length_s)) for each in said]
    windows = {key: frozenset(window[mention.line] for mention in mentions[phrases[key]]) for key in shown}
    ties = tie_terms(windows, in_all=len(set(window)), apart=_parts({key: phrases[key] for key in shown}))
    return TermMap(tuple(shown.values()), tuple(ties))


def term_key(phrase: Phrase) -> str:
    """Its units as one text: signs without spaces between them."""
    key = phrase[0]
    for before, unit in pairwise(phrase):
        key += unit if is_sign(before) or is_sign(unit) else f" {unit}"
    return key


def _lines(said: Sequence[Said]) -> list[Line]:
    runs = [runs_of(each.text) for each in said]
    # `This` is no plural, also where a recogniser heard `thi`.
    words = {key for each in runs for run in each for key in run.keys}
    plurals = plurals_in({key for key in words if not is_bare(key, "en")})
    return [
        Line(tuple(run.folded(plurals) for run in each), _language(one)) for one, each in zip(said, runs, strict=True)
    ]


def _language(said: Said) -> str:
    told = base_language(said.language)
    return language_of(said.text, told) if told == UNDETERMINED else told


def _mentions(lines: Sequence[Line], phrases: set[Phrase]) -> dict[Phrase, list[Mention]]:
    """Of each, where it is said and is no part of a longer one."""
    lengths: dict[str, list[int]] = defaultdict(list)
    for first, length in sorted({(phrase[0], len(phrase)) for phrase in phrases}, reverse=True):
        lengths[first].append(length)
    found: dict[Phrase, list[Mention]] = {phrase: [] for phrase in phrases}
    for number, line in enumerate(lines):
        for run in line.runs:
            for at, phrase in _longest(run.keys, lengths, phrases):
                found[phrase].append(Mention(number, run.spans[at][0], run.spans[at + len(phrase) - 1][1]))
    return found


def _longest(keys: Phrase, lengths: Mapping[str, Sequence[int]], phrases: set[Phrase]) -> Iterator[tuple[int, Phrase]]:
    at = 0
    while at < len(keys):
        phrase = next(
            (found for length in lengths.get(keys[at], ()) if (found := keys[at : at + length]) in phrases), None
        )
        if phrase:
            yield at, phrase
        at += len(phrase) if phrase else 1


def _term(candidate: Candidate, said: Sequence[Said], lines: Sequence[Line], mentions: Sequence[Mention]) -> Term:
    written = Counter(" ".join(said[mention.line].text[mention.start : mention.end].split()) for mention in mentions)
    text = min(written, key=lambda form: (-written[form], form))
    language = Counter(lines[mention.line].language for mention in mentions).most_common(1)[0][0]
    key = term_key(candidate.phrase)
    return Term(key, text, language, len(mentions), candidate.score, explained(said, mentions))


def _parts(phrases: Mapping[str, Phrase]) -> set[tuple[str, str]]:
    """Pairs of keys, in order, of which one is a part of the other: that they come together says nothing."""
    return {
        (first, second)
        for first, second in combinations(sorted(phrases), 2)
        if set(phrases[first]) <= set(phrases[second]) or set(phrases[second]) <= set(phrases[first])
    }
