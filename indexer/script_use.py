"""What a script beside a recording is good for, decided by the first minute that was heard without it. Pure rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.recognising.recognizer import ClipOptions
from assistant.recognising.scripts import SCRIPT_IS_SPOKEN, match_share, script_terms
from knowledge.transcripts.segment import Segment

FIRST_STRETCH_S = 60.0
"""So much speech, heard by the plain model, shows whether the script is what is said (TRIAL: recipe)."""
LEAST_TERMS_HEARD = 2
"""Fewer different terms heard in the first minute may be chance: a text about something else only does harm."""


@dataclass(frozen=True, slots=True)
class ScriptUse:
    """`options`: for every clip from now on. `aligned`: the script's spelling replaces what was heard."""

    options: ClipOptions
    aligned: bool
    note: str


def use_of_script(script: str, heard: Sequence[Segment], *, plain: ClipOptions, mixes_scripts: bool) -> ScriptUse:
    """`heard`: the first stretch. `mixes_scripts`: the engine can listen for a script, with words' times."""
    share = match_share([word for segment in heard for word in segment.words], script)
    if mixes_scripts and share >= SCRIPT_IS_SPOKEN:
        return ScriptUse(replace(plain, script=script), True, "the script is what is said: its spelling is used")
    terms = script_terms(script)
    if share < SCRIPT_IS_SPOKEN and _heard_of(terms, heard) < LEAST_TERMS_HEARD:
        return ScriptUse(plain, False, "the script is not what is said: it was left alone")
    told = replace(plain, hotwords=(*plain.hotwords, *terms))
    return ScriptUse(told, False, f"{len(terms)} terms of the script helped the recogniser")


def _heard_of(terms: Sequence[str], heard: Sequence[Segment]) -> int:
    """How many words of the terms were heard."""
    words = {word for segment in heard for word in segment.text.casefold().split()}
    return len(words & {word for term in terms for word in term.casefold().split()})
