"""Phones for words that no dictionary holds."""

import random
import re
import subprocess
import sys

import pytest

from assistant.recognising.english_frequencies import packaged_dictionary
from assistant.recognising.pronunciations import letter_to_phone, pronounce, read_dictionary


@pytest.fixture(scope="module")
def dictionary() -> dict[str, tuple[str, ...]]:
    return read_dictionary(packaged_dictionary())


def edits(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
    return row[-1]


def test_few_phones_are_wrong_on_the_wheel_s_own_dictionary(dictionary: dict[str, tuple[str, ...]]) -> None:
    words = random.Random(1).sample([word for word in dictionary if re.fullmatch("[a-z]{3,}", word)], 300)
    wrong = sum(edits(letter_to_phone().phones(word), dictionary[word]) for word in words)
    assert wrong / sum(len(dictionary[word]) for word in words) < 0.12


@pytest.mark.parametrize(
    ("word", "ways"),
    [
        ("ppe", {"P IY P IY IY"}),
        ("gdpr", {"JH IY D IY P IY AA R"}),
        ("zoltex's", {"Z OW L T EH K S IH Z"}),
        ("onboarding", {"AA N B AO R D IH NG"}),
    ],
)
def test_new_words_are_said_and_spelled(dictionary: dict[str, tuple[str, ...]], word: str, ways: set[str]) -> None:
    assert ways <= {" ".join(phones) for phones in pronounce(word, dictionary)}


@pytest.mark.parametrize("word", ["", "安", "''", "1", "ßß", "x" * 500, "x" * 40])
def test_no_word_is_too_odd(dictionary: dict[str, tuple[str, ...]], word: str) -> None:
    known = {phone for phones in dictionary.values() for phone in phones}
    assert all(set(phones) <= known and len(phones) <= 160 for phones in pronounce(word, dictionary))


def test_the_package_s_code_is_never_imported() -> None:
    code = (
        "import sys; from assistant.recognising.pronunciations import letter_to_phone as network;"
        "network().phones('earmark'); assert 'g2p_en' not in sys.modules and 'nltk' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
