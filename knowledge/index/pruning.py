"""Which tokens of a question candidates are looked for by: a pure function of how many passages hold each.

A token that every third passage holds tells little and costs the most. Candidates are scored anew by all tokens, so
that only a passage that holds frequent tokens alone can be missed.
"""

from collections.abc import Mapping

MOST_POSTINGS = 1_000_000
"""Passages that hold the tokens looked for, added up: 5 ms of one core."""
FEWEST = 3
"""Tokens that are looked for however frequent they are."""


def rarest(holding: Mapping[str, int], *, most_postings: int = MOST_POSTINGS) -> list[str]:
    """The rarest tokens that anything holds, in a fixed order, as many as stay within `most_postings` together."""
    chosen: list[str] = []
    postings = 0
    for token in sorted(holding, key=lambda token: (holding[token], token)):
        postings += holding[token]
        if len(chosen) >= FEWEST and postings > most_postings:
            break
        if holding[token]:
            chosen.append(token)
    return chosen
