"""Where a term is explained: where the words say so, early rather than late; else where it is first spoken of at
length.

Seconds are those of the segment in which the term is said.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.finding.languages import base_language, is_small
from knowledge.terms.small_words import bounds_chinese, is_in_no_chinese_term
from knowledge.terms.term_map import Explained, Said
from knowledge.terms.units import is_sign

_LOOKED_AT = 300
"""Mentions, from the first on: what explains a term is seldom later."""
_AROUND = 60
"""Characters before and after a mention that are read for a cue."""
_AT_LENGTH_S = 60.0
_MUCH = 5
"""Mentions within `_AT_LENGTH_S` that count as many."""
_SAYS_SO = 2.0

_QUOTE = r"[\"“”「」‘’',，\s]*"
_THE = rf"\s+(?:an?\s+|the\s+)?{_QUOTE}$"
_IT_IS = rf"^{_QUOTE}(?:is|are)\s+(?:just\s+|basically\s+|simply\s+|essentially\s+|really\s+)?"
_BEFORE = (
    (3.0, re.compile(rf"\bwhat(?:'s|\s+is|\s+are|\s+do\s+we\s+mean\s+by|\s+exactly\s+is)\s+(?:an?\s+)?{_QUOTE}$")),
    (3.0, re.compile(rf"(?<!\bthat )(?<!\bwhich )(?<!\bwe )(?<!\byou )(?<!\bthey )\bcalled{_THE}")),
    (3.0, re.compile(rf"\b(?:call\s+(?:it|this|that|these|those|them)|known\s+as|named){_THE}")),
    (3.0, re.compile(rf"\b(?:what|which|that)\s+(?:we|you|they|people)\s+call{_THE}")),
    (3.0, re.compile(rf"(?:叫做|叫作|称为|称作|称之为|所谓的?|什么是|何谓|名为){_QUOTE}$")),
)
_AFTER = (
    (3.0, re.compile(rf"^{_QUOTE}(?:means|mean\s+that|refers?\s+to|stands?\s+for)\b")),
    (3.0, re.compile(rf"{_IT_IS}(?:defined|called|known|short\s+for)\b")),
    (2.5, re.compile(rf"{_IT_IS}(?:an?|any|when)\b(?!\s+(?:little|bit|lot|very|good|bad|great)\b)")),
    (1.0, re.compile(rf"{_IT_IS}(?:the|how|used)\b")),
    (3.0, re.compile(rf"^{_QUOTE}就?(?:是指|指的是|指的就是|的意思是|的定义|定义为|是一种|是一类|是什么)")),
    (2.0, re.compile(rf"^{_QUOTE}(?:就是|是一个|其实是|即)")),
)
_SUBJECT = re.compile(
    r"(?:^|[.,;:!?，。、；：！？]|\b(?:so|and|but|well|now|okay|then|because|if|basically|actually|here))\s*"
    r"(?:\b(?:an?|the)\s+)?[\"“「‘]?$|(?:那么|所以|其实|因为|而)$"
)
"""What is said after a term is said of it only where a clause begins with it: a row in the *file is a* line."""
_GOES_ON = re.compile(r"^[ \-]+([^\W\d_]+)")


@dataclass(frozen=True, slots=True)
class Mention:
    """`line`: the number of the segment; the term's first and last character in its text."""

    line: int
    start: int
    end: int


def explained(said: Sequence[Said], mentions: Sequence[Mention]) -> Explained:
    """`said`: a course's segments, recording by recording in their order; `mentions`: all of one term, in order.

    Raises ValueError where there are none.
    """
    if not mentions:
        raise ValueError("a term that nobody says is explained nowhere")
    looked_at = mentions[:_LOOKED_AT]
    near = [_mentions_after(said, looked_at, at) for at in range(len(looked_at))]
    cues = [_cue(said, mention) for mention in looked_at]
    worth = [
        cue + min(near[at], _MUCH) / _MUCH - at / len(looked_at) if cue else float("-inf")
        for at, cue in enumerate(cues)
    ]
    best = max(range(len(worth)), key=worth.__getitem__)
    if cues[best] < _SAYS_SO:
        much = 0.75 * max(near)
        best = next(at for at, times in enumerate(near) if times >= much)
    mention = looked_at[best]
    where = said[mention.line]
    before = len(where.text) - len(where.text.lstrip())
    return Explained(
        where.recording_id,
        where.ordinal,
        where.start_s,
        where.end_s,
        where.text.strip(),
        defined=cues[best] >= _SAYS_SO,
        term_start=mention.start - before,
        term_end=mention.end - before,
    )


def _cue(said: Sequence[Said], mention: Mention) -> float:
    """How plainly the words around it say that it is explained: 0 to 3. A sentence may go on in the next segment."""
    text = said[mention.line].text
    before = f"{_neighbour(said, mention.line, -1)} {text[: mention.start]}".casefold()[-_AROUND:]
    after = f"{text[mention.end :]} {_neighbour(said, mention.line, 1)}".casefold()[:_AROUND]
    named, told = 0.0, 0.0
    if not _goes_on(text[mention.end :].casefold(), base_language(said[mention.line].language)):
        named = max((strength for strength, cue in _BEFORE if cue.search(before)), default=0.0)
    if _SUBJECT.search(text[: mention.start].casefold()):
        told = max((strength for strength, cue in _AFTER if cue.search(after)), default=0.0)
    return max(named, told)


def _goes_on(after: str, language: str) -> bool:
    """Whether a name begins with the term, and is longer: `a field called` *token* `type ids`."""
    if after and is_sign(after[0]):
        return not is_in_no_chinese_term(after[0]) and bounds_chinese(after[0])
    found = _GOES_ON.match(after)
    return found is not None and not is_small(found[1], "en") and not is_small(found[1], language)


def _neighbour(said: Sequence[Said], line: int, step: int) -> str:
    at = line + step
    return said[at].text if 0 <= at < len(said) and said[at].recording_id == said[line].recording_id else ""


def _mentions_after(said: Sequence[Said], mentions: Sequence[Mention], at: int) -> int:
    """Of the term within a minute, itself among them."""
    here = said[mentions[at].line]
    until_s = here.start_s + _AT_LENGTH_S
    times = 0
    for mention in mentions[at : at + _MUCH]:
        there = said[mention.line]
        if there.recording_id != here.recording_id or there.start_s > until_s:
            break
        times += 1
    return times
