"""Which font of a PDF has a character. The fonts are those that every PDF reader brings along, so that none is shipped:
Helvetica for what Western Europe writes, Adobe's for Chinese, Japanese, Greek, Cyrillic and Korean."""

import itertools
import unicodedata
from functools import cache
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont

LATIN, LATIN_BOLD, CHINESE, KOREAN = "Helvetica", "Helvetica-Bold", "STSong-Light", "HYSMyeongJo-Medium"
MISSING = "□"
_HAS = ((LATIN, "cp1252"), (CHINESE, "gbk"), (KOREAN, "cp949"))


@cache
def register_fonts() -> None:
    for name in (CHINESE, KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))


def runs_of(text: str) -> list[tuple[str, str]]:
    """The text in stretches of one font each: (font, stretch). A letter whose accent no font has loses the accent; for
    what no font has at all stands `MISSING`."""
    register_fonts()
    placed = [_placed(character) for character in unicodedata.normalize("NFC", text)]
    stretches = itertools.groupby((each for each in placed if each[1]), key=lambda each: each[0])
    return [(font, "".join(character for _, character in stretch)) for font, stretch in stretches]


def lacks_characters(text: str) -> bool:
    """Whether something of it cannot be shown."""
    return any(MISSING in stretch for _, stretch in runs_of(text.replace(MISSING, "")))


def markup_of(text: str) -> str:
    """For a Paragraph: what somebody typed is escaped, so that nothing in it is a tag."""
    return "".join(f'<font name="{font}">{escape(stretch)}</font>' for font, stretch in runs_of(text))


def width_of(text: str, size: float) -> float:
    """In points."""
    return sum(pdfmetrics.stringWidth(stretch, font, size) for font, stretch in runs_of(text))


@cache
def _placed(character: str) -> tuple[str, str]:
    """The font, and what to write with it; empty for a joiner or an accent that stands alone."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return LATIN, ""
    for font, encoding in _HAS:
        if _is_in(character, encoding):
            return font, character
    base = unicodedata.normalize("NFKD", character)[0]
    return (LATIN, base) if _is_in(base, "cp1252") else (CHINESE, MISSING)


def _is_in(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
