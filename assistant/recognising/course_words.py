"""A course's text made ready for mixing: its sentences in spoken words, its terms as phrases, new words' phones.

Knows the dictionary's form and no recogniser.
"""

from collections.abc import Iterable, Mapping, Sequence

from assistant.recognising.pronunciations import pronounce
from assistant.recognising.script_text import script_sentences
from assistant.recognising.spoken_forms import spoken_words

Dictionary = Mapping[str, Sequence[str]]


def sentences_of_script(script: str, dictionary: Dictionary) -> list[list[str]]:
    """Each sentence in spoken words that can be pronounced."""
    return [_sayable(sentence.spoken, dictionary) for sentence in script_sentences(script)]


def sentences_of_terms(terms: Iterable[str], dictionary: Dictionary) -> list[list[str]]:
    return [_sayable(spoken_words(term), dictionary) for term in terms]


def new_pronunciations(sentences: Iterable[Iterable[str]], dictionary: Dictionary) -> dict[str, list[str]]:
    """Dictionary entries for words that it does not hold: `ppe`, `ppe(2)`, each with its phones."""
    words = sorted({word for line in sentences for word in line} - dictionary.keys())
    return {word: [" ".join(phones) for phones in pronounce(word, dictionary)] for word in words}


def dictionary_lines(pronunciations: Mapping[str, Sequence[str]]) -> str:
    """In the dictionary file's form, a line each, further pronunciations numbered from 2."""
    return "".join(
        f"{word}{f'({number})' if number > 1 else ''} {phones}\n"
        for word, ways in pronunciations.items()
        for number, phones in enumerate(ways, start=1)
    )


def _sayable(words: Iterable[str], dictionary: Dictionary) -> list[str]:
    return [word for word in words if word in dictionary or pronounce(word, dictionary)]
