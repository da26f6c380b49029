"""How a word that no dictionary holds is said: ARPAbet phones from its letters.

Knows no recogniser. The weights (a letter-to-phone network trained on CMUdict, Apache-2.0) lie in the package g2p-en,
whose code is never imported: importing it looks for data on the network.
"""

import importlib.util
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.errors import RecognizerDown

PACKAGE = "g2p_en"
WEIGHTS = "checkpoint20.npz"
LETTERS = ("<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz")
_VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
_CONSONANTS = ("B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH")
_LATE_CONSONANTS = ("V", "W", "Y", "Z", "ZH")
PHONES = (
    "<pad>",
    "<unk>",
    "<s>",
    "</s>",
    *sorted([*(vowel + stress for vowel in _VOWELS for stress in "012"), *_CONSONANTS, *_LATE_CONSONANTS, "UW"]),
)
MOST_PHONES = 30
LONGEST_ABBREVIATION = 4
LONGEST_WORD = 40
LETTER_NAMES = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (
            *("EY", "B IY", "S IY", "D IY", "IY", "EH F", "JH IY", "EY CH", "AY", "JH EY", "K EY", "EH L", "EH M"),
            *("EH N", "OW", "P IY", "K Y UW", "AA R", "EH S", "T IY", "Y UW", "V IY", "D AH B AH L Y UW"),
            *("EH K S", "W AY", "Z IY"),
        ),
        strict=True,
    )
)

Matrix = NDArray[np.floating[Any]]


class LetterToPhone:
    """A small encoder and decoder (gated recurrent units) in numpy: about a millisecond a word."""

    def __init__(self, weights: Path) -> None:
        with np.load(weights, allow_pickle=False) as stored:
            self._weights: dict[str, Matrix] = {name: stored[name] for name in stored.files}

    def phones(self, letters: str) -> tuple[str, ...]:
        """ARPAbet without stress marks, as the recogniser's dictionary writes it. `letters`: a to z."""
        state = np.zeros(self._weights["enc_w_hh"].shape[1], np.float32)
        for letter in (*letters, "</s>"):
            state = self._step("enc", self._weights["enc_emb"][LETTERS.index(letter)], state)
        said: list[str] = []
        phone = PHONES.index("<s>")
        while len(said) < MOST_PHONES:
            state = self._step("dec", self._weights["dec_emb"][phone], state)
            phone = int(np.argmax(self._weights["fc_w"] @ state + self._weights["fc_b"]))
            if PHONES[phone] == "</s>":
                break
            said.append(PHONES[phone].rstrip("012"))
        return tuple(said)

    def _step(self, side: str, given: Matrix, state: Matrix) -> Matrix:
        from_given = self._weights[f"{side}_w_ih"] @ given + self._weights[f"{side}_b_ih"]
        from_state = self._weights[f"{side}_w_hh"] @ state + self._weights[f"{side}_b_hh"]
        reset_given, update_given, new_given = np.split(from_given, 3)
        reset_state, update_state, new_state = np.split(from_state, 3)
        reset, update = _sigmoid(reset_given + reset_state), _sigmoid(update_given + update_state)
        new: Matrix = np.tanh(new_given + reset * new_state)
        return (1 - update) * new + update * state


def _sigmoid(values: Matrix) -> Matrix:
    squashed: Matrix = 1 / (1 + np.exp(-values))
    return squashed


@lru_cache(maxsize=1)
def letter_to_phone() -> LetterToPhone:
    """The packaged weights. Raises RecognizerDown where they are not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise RecognizerDown(
            "the package g2p-en, which says how new words are pronounced, is not installed",
            "install it without its dependencies: pip install --no-deps g2p-en",
        )
    return LetterToPhone(Path(folders[0]) / WEIGHTS)


def read_dictionary(path: Path) -> dict[str, tuple[str, ...]]:
    """The first pronunciation of every word of a CMU dictionary file."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {parts[0]: tuple(parts[1:]) for parts in lines if parts and not parts[0].endswith(")")}


def pronounce(word: str, dictionary: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """How a word outside the dictionary may be said, likeliest first; nothing where it is no word of letters a to z.

    A name's `'s` is added to the name; up to four letters may also be spelled one by one, as PPE or ISO are.
    """
    stem, _, suffix = word.partition("'")
    letters = re.sub("[^a-z]", "", stem)
    if not letters or len(letters) > LONGEST_WORD:
        return []
    base = tuple(dictionary.get(letters, ())) or letter_to_phone().phones(letters)
    ways = [base] if base else []
    if len(letters) <= LONGEST_ABBREVIATION:
        ways.append(spelled(letters))
    if not re.search("[aeiouy]", letters):
        ways = [spelled(letters)]
    return [way + _possessive(way) if suffix == "s" else way for way in dict.fromkeys(ways)]


def spelled(letters: str) -> tuple[str, ...]:
    """The phones of the letters' names."""
    return tuple(phone for letter in letters for phone in LETTER_NAMES[letter].split())


def _possessive(phones: Sequence[str]) -> tuple[str, ...]:
    if phones[-1] in ("S", "Z", "SH", "ZH", "CH", "JH"):
        return ("IH", "Z")
    return ("S",) if phones[-1] in ("P", "T", "K", "F", "TH") else ("Z",)
