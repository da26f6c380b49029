"""What a script beside a recording is good for, decided by the first minute of speech. Pure rules.

Listening for the script itself tells best, and what was heard so is what is needed where it is spoken: measured on the
`moments` recordings' first minutes, right scripts matched .47 (noisy) and .84, wrong ones .03 to .07. Heard without
it, the same right ones matched .04 and .22, wrong ones .02 to .08.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.recognising.recognizer import ClipOptions
from assistant.recognising.script_alignment import SCRIPT_IS_SPOKEN, match_share
from assistant.recognising.script_text import script_terms
from knowledge.transcripts.segment import Segment

FIRST_STRETCH_S = 60.0
LEAST_TERMS_HEARD = 3
"""Different words of the terms heard in the first minute: 0 to 2 for texts about something else, 10 and 22 for a right
one that was recognised (`moments`). Terms that do not belong only do harm."""
_LISTED_FOR_EACH_HEARD = 5
"""A short list needs fewer: one of up to 5 words, two of up to 10."""


@dataclass(frozen=True, slots=True)
class ScriptUse:
    """`options`: for every clip. `aligned`: the script's spelling replaces what was heard."""

    options: ClipOptions
    aligned: bool
    note: str


def listening_for(script: str, plain: ClipOptions) -> ScriptUse:
    """For a script that is what is said."""
    return ScriptUse(replace(plain, script=script), True, "the script is what is said: its spelling is used")


def is_spoken(script: str, heard: Sequence[Segment]) -> bool:
    """`heard`: the first stretch, with words' times, by a recogniser that listened for the script."""
    return match_share([word for segment in heard for word in segment.words], script) >= SCRIPT_IS_SPOKEN


def use_of_terms(script: str, heard: Sequence[Segment], plain: ClipOptions) -> ScriptUse:
    """For a script that is not what is said. `heard`: the first stretch, by a recogniser that knew nothing of it."""
    terms = script_terms(script)
    words = {word for segment in heard for word in segment.text.casefold().split()}
    told = {word for term in terms for word in term.casefold().split()}
    if len(words & told) < min(LEAST_TERMS_HEARD, math.ceil(len(told) / _LISTED_FOR_EACH_HEARD) or 1):
        return ScriptUse(plain, False, "the script is not what is said, nor about it: it was left alone")
    return ScriptUse(
        replace(plain, hotwords=(*plain.hotwords, *terms)),
        False,
        f"the script is not what is said: {len(terms)} of its terms helped the recogniser",
    )
