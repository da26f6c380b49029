"""Terms that are likely to be said, made safe to hand to an engine: counted, limited, unable to bend a prompt. Pure."""

import re
import unicodedata
from collections.abc import Iterable

MOST_HOTWORDS = 500
LONGEST_HOTWORD = 60
"""Characters; a longer line is no term."""
LONGEST_PROMPT = 800
"""Characters: Whisper's prompt holds 224 tokens, and keeps the last when there are more."""

_NOT_IN_TERMS = re.compile(r"[^\w\s'’&+./%@#-]")


def clean_hotwords(terms: Iterable[str], *, most: int = MOST_HOTWORDS) -> tuple[str, ...]:
    """In the given order, each once whatever its case; brackets, quotes, line breaks and control characters go.

    A term that is too long, or holds no letter or digit, is left out.
    """
    cleaned: dict[str, str] = {}
    for term in terms:
        plain = _cleaned(term)
        if plain and len(plain) <= LONGEST_HOTWORD:
            cleaned.setdefault(plain.casefold(), plain)
        if len(cleaned) == most:
            break
    return tuple(cleaned.values())


def hotword_prompt(terms: Iterable[str], *, most_characters: int = LONGEST_PROMPT) -> str:
    """The terms as the `prompt` of an OpenAI-compatible server, whole terms only."""
    prompt = ""
    for term in clean_hotwords(terms):
        longer = f"{prompt}, {term}" if prompt else term
        if len(longer) > most_characters:
            break
        prompt = longer
    return prompt


def _cleaned(term: str) -> str:
    normal = unicodedata.normalize("NFC", term)
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in normal)
    words = _NOT_IN_TERMS.sub(" ", visible).split()
    plain = " ".join(words).strip("'’.-/ ")
    return plain if any(letter.isalnum() for letter in plain) else ""
