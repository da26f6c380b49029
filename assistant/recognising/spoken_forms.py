"""The words a written text has when it is read out: `ISO 9001` is `iso nine thousand one`.

Pure rules for text; English numbers. Chinese, Japanese and Thai, which write no spaces, count by the character.
"""

import re
import unicodedata
from functools import lru_cache

from num2words import num2words

_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(
    rf"(?P<number>[$€£]?\d+(?:,\d{{3}})*(?:\.\d+)?(?:st|nd|rd|th)?%?)|(?P<symbol>[&%+@])"
    rf"|(?P<character>[{_UNSPACED}])|(?P<word>(?:(?![{_UNSPACED}])[^\W\d_])+(?:'(?:(?![{_UNSPACED}])[^\W\d_])+)*)"
)
_SYMBOLS = {"&": "and", "%": "percent", "+": "plus", "@": "at"}
_CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds"}
_LONGEST_NUMBER = 15
"""More digits than this are read one by one."""


def spoken_words(text: str) -> list[str]:
    """Lower case, without marks and accents, numbers in words."""
    plain = text.replace("\u2019", "'").replace("\u2018", "'")
    return [word for match in _TOKEN.finditer(plain) for word in _spoken(match)]


def _spoken(match: re.Match[str]) -> list[str]:
    if match["number"]:
        return list(_spoken_number(match["number"]))
    if match["symbol"]:
        return [_SYMBOLS[match["symbol"]]]
    return [_plain(match[0])]


def _plain(word: str) -> str:
    """Lower case; accents of Latin letters go, because dictionaries of English write none."""
    apart = unicodedata.normalize("NFD", word.lower())
    if not ("a" <= apart[0] <= "z"):
        return unicodedata.normalize("NFC", apart)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@lru_cache(maxsize=4096)
def _spoken_number(written: str) -> tuple[str, ...]:
    """`1984` as a year, `1st` as an ordinal, `$5` as five dollars, `3.5%` as three point five percent."""
    digits = re.sub(r"[^\d.]", "", written)
    unit = [_CURRENCIES[written[0]]] if written[0] in _CURRENCIES else []
    unit += ["percent"] if written.endswith("%") else []
    if len(digits) > _LONGEST_NUMBER or (digits[0] == "0" and digits.isdigit()):
        return (*(word for digit in digits if digit != "." for word in _in_words(int(digit), "cardinal")), *unit)
    if written.rstrip("%")[-1].isalpha():
        return _in_words(int(float(digits)), "ordinal")
    if "." in digits:
        return (*_in_words(float(digits), "cardinal"), *unit)
    is_year = len(written) == 4 and 1100 <= int(digits) <= 2099
    return (*_in_words(int(digits), "year" if is_year else "cardinal"), *unit)


def _in_words(number: float, form: str) -> tuple[str, ...]:
    """`and` goes: one hundred and five is said both ways."""
    said = num2words(number, lang="en", to=form)
    return tuple(word for word in re.findall("[a-z]+", said.lower()) if word != "and")
