"""Questions without what points at a person: names, numbers, addresses become marks such as ‹phone›.

Pure rules, for Chinese, English and German above all. They are patterns, not understanding: a name that nothing gives
away stays, which is why examples are shown only where many asked, beside being masked. Where it is in doubt a number
goes and a word stays.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

from assistant.topics.masked_names import mask_given_names, mask_known_names
from knowledge.one_line import on_one_line

MARKS = ("name", "number", "phone", "mail", "card", "id", "address", "link")
_MARK = re.compile(rf"(‹(?:{'|'.join(MARKS)})›)")
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that show nothing, by which a number could be written in pieces."""
_MOST_ROUNDS = 100
LONGEST_QUOTE = 200
Rule = Callable[[str], str]


def masked(text: str, *, names: Collection[str] = ()) -> str:
    """The text on one line, with its marks. `names`: of people who are known, such as those with an account.

    Masking again changes nothing: the rules are applied until they find nothing more. They see the line as pages and
    files will show it, or a number would come together only after they had passed it in pieces.
    """
    rules = (*_RULES, _known(frozenset(names)))
    text = on_one_line(_UNSEEN.sub("", text))
    for _ in range(_MOST_ROUNDS):
        before = text
        for rule in rules:
            text = _between_marks(text, rule)
        if text == before:
            break
    return text


def shown_words(text: str, names: Collection[str]) -> str:
    """A question as others may read it: on one line, masked, not too long."""
    shown = masked(text, names=names)
    return shown if len(shown) <= LONGEST_QUOTE else f"{shown[: LONGEST_QUOTE - 1]}…"


def _between_marks(text: str, rule: Rule) -> str:
    return "".join(part if _MARK.fullmatch(part) else rule(part) for part in _MARK.split(text) if part)


@lru_cache(maxsize=8)
def _known(names: frozenset[str]) -> Rule:
    return mask_known_names(names)


def _shadow(text: str) -> str:
    """As long as the text, with plain digits, letters and signs in place of wide, circled and foreign ones."""
    return text if text.isascii() else "".join(map(_plain, text))


@lru_cache(maxsize=65_536)
def _plain(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if unicodedata.category(character) == "Pd" or character == "−":
        return "-"
    if character in "·•・‧⋅":
        return "·"
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 and (plain.isalnum() or plain in "@.+():/#_ ") else character


def _every(pattern: str, mark: str, *, flags: int = 0, group: int = 0) -> Rule:
    """Each match, or its group, becomes the mark; matched in the shadow, so that wide digits are digits."""
    compiled = re.compile(pattern, flags)
    return lambda text: _replaced(text, ((*found.span(group), mark) for found in compiled.finditer(_shadow(text))))


def _replaced(text: str, spans: Iterator[tuple[int, int, str]]) -> str:
    """The spans come in order; those that reach into an earlier one are left for the next round."""
    parts, end = [], 0
    for start, stop, mark in spans:
        if start < end:
            continue
        parts += [text[end:start], f"‹{mark}›"]
        end = stop
    return "".join([*parts, text[end:]])


_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_LATIN = "A-Za-z0-9\u00c0-\u024f"
_NOT_IN_LINKS = rf"\s<>\"'‹›{_HAN}，。；：！？、（）【】《》“”"
_ENDINGS = "com|org|net|edu|gov|info|biz|app|dev|cn|de|uk|eu|fr|at|ch|io|co|jp|hk|tw|sg|us|local|intern|internal"
_PUNCTUATION = "，、。；;|｜"
_SEPARATOR = rf"[ ._·/\\()\[\],{_PUNCTUATION}-]"
_SEPARATOR_OR_COLON = rf"[:{_SEPARATOR[1:]}"
_BETWEEN_WORDS = rf"[ .,:{_PUNCTUATION}-]"
_DIGITS, _DIGITS_AND_COLONS = (
    re.compile(rf"\+?\d(?:{separator}{{0,3}}\d)*(?P<tenth>{separator}?[Xx])?")
    for separator in (_SEPARATOR, _SEPARATOR_OR_COLON)
)
"""Digits with anything of the kind that people group them by; an X that follows may be the check character, or not."""
_TIMES = re.compile(r"(?<![\d:])(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?![\d:])")
_DATES = re.compile(
    r"(?:(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:19|20)?\d\d)(?:[ ,]{1,2}\d{1,2}[:.]\d\d)?"
)
_LONG = re.compile(r"\d{5,}")
_IPV4_PART = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = rf"{_IPV4_PART}(?:\.{_IPV4_PART}){{3}}"
_CARD = range(13, 20)
_CARD_BEGINS = re.compile(r"[3-9]|2[2-7]|1[0-8]")
"""Not 19 and 20: years in a row are no card."""
_CHINESE_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_STANDARD = re.compile(
    r"\b(?:ISO|IEC|EN|DIN|BS|GB|GB/T|UL|VDE|ASTM|ANSI|NIST)(?:[/ -](?:IEC|EN|ISO|T|TS|TR))*[ -]?\Z", re.I
)
_LONGEST_STANDARD = 5


def passes_luhn(digits: str) -> bool:
    """The check digit of payment cards."""
    doubled = (int(each) * (1 + place % 2) for place, each in enumerate(reversed(digits)))
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def is_chinese_id(characters: str) -> bool:
    """18 characters with a birthday and the check character of ISO 7064 mod 11-2."""
    if not re.fullmatch(
        r"[1-9]\d{5}(?:18|19|20|21)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]", characters
    ):
        return False
    total = sum(int(each) * weight for each, weight in zip(characters, _CHINESE_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == characters[17].upper()


def is_iban(characters: str) -> bool:
    """By ISO 7064 mod 97-10."""
    turned = characters[4:] + characters[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1


def _mask_ibans(text: str) -> str:
    return _replaced(text, _ibans(_shadow(text)))


def _ibans(shadow: str) -> Iterator[tuple[int, int, str]]:
    """From every letter on, for what stands before one may be anything; the longest that its check digits allow."""
    for found in re.finditer(r"(?=([A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]){11,30}))", shadow, re.ASCII):
        start, candidate = found.start(1), found[1]
        places = [place for place, each in enumerate(candidate) if each.isalnum()]
        plain = "".join(candidate[place] for place in places)
        for length in range(len(plain), 14, -1):
            if is_iban(plain[:length]):
                yield start, start + places[length - 1] + 1, "number"
                break


def _mask_checked(text: str) -> str:
    """Cards and ids, which their check digits tell from other digits, however they are grouped."""
    return _replaced(text, _checked(_shadow(text), _DIGITS))


def _mask_checked_with_colons(text: str) -> str:
    """The same where colons stand between the groups: times of a day are none, for a list of them has as many digits
    as a card."""
    timeless = _TIMES.sub(lambda found: "t" * len(found[0]), _shadow(text))
    return _replaced(text, _checked(timeless, _DIGITS_AND_COLONS))


def _checked(shadow: str, digits: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
    for found in digits.finditer(shadow):
        plain = re.sub(r"[^0-9Xx]", "", found[0])
        if re.fullmatch(rf"{_IPV4}(?::\d+)?", found[0]):
            continue
        if mark := _mark_of(plain):
            is_check = found["tenth"] is None or is_chinese_id(plain[-18:])
            yield found.start(), found.end() if is_check else found.start("tenth"), mark


def _mark_of(plain: str) -> str | None:
    digits = plain.rstrip("Xx")
    if re.fullmatch(r"(?:00)?(?:86)?1[3-9]\d{9}", digits):
        return "phone"
    if any(is_chinese_id(plain[start : start + 18]) for start in range(len(plain) - 17)):
        return "id"
    if re.fullmatch(r"[1-9]\d{5}\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}", digits):
        return "id"
    for length in _CARD:
        windows = (digits[start : start + length] for start in range(len(digits) - length + 1))
        if any(_CARD_BEGINS.match(window) and passes_luhn(window) for window in windows):
            return "card"
    return None


def _mask_long_numbers(text: str) -> str:
    shadow = _shadow(text)
    found = (each for each in _LONG.finditer(shadow) if not _names_standard(shadow, each))
    return _replaced(text, ((*each.span(), "number") for each in found))


def _names_standard(shadow: str, number: re.Match[str]) -> bool:
    """ISO 14001 and its like point at nobody."""
    return len(number[0]) <= _LONGEST_STANDARD and _STANDARD.search(shadow[: number.start()]) is not None


def _mask_phones(text: str) -> str:
    """What is no date and begins or is grouped as numbers that are dialled are."""
    shadow = _shadow(text)
    found = (each for pattern in _PHONES for each in pattern.finditer(shadow))
    dialled = (each for each in found if not _DATES.match(each[0]) and _fits_phone(each[0]))
    return _replaced(text, iter(sorted((*each.span(), "phone") for each in dialled)))


def _fits_phone(written: str) -> bool:
    return 7 <= sum(each.isdigit() for each in written) <= 16


_PHONES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![A-Za-z0-9.])(?:\+|00)\d(?:[ \u00a0()./-]{0,3}\d){6,14}",
        r"(?<![A-Za-z0-9.,])\(?0\d{1,5}\)?(?:[ \u00a0/-]{1,3}\d{2,8}){1,5}(?![\d:])",
        r"(?<![A-Za-z0-9.])\(?[2-9]\d{2}\)?[ .-]{1,2}\d{3}[ .-]\d{4}(?!\d)",
        r"(?<!\d)1[3-9]\d(?:[ -]\d{4}){2}(?!\d)",
        r"(?<!\d)(?:400|800)[ -]?\d{3,4}[ -]?\d{3,4}(?!\d)",
        r"(?<![\d-])[2-9]\d{2}-\d{4}(?![\d-])",
        r"(?<![\d-])[2-9]\d{3}[ -]\d{4}(?![\d-])(?=$|[^\w])",
    )
)
_CHINESE_DIGITS = "零〇一二三四五六七八九幺两"
_NUMBER_WORDS = "zero|oh|one|two|three|four|five|six|seven|eight|nine|double|treble|triple"
_GERMAN_NUMBER_WORDS = "null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun"
_TELLING_WORDS = (
    r"employee|staff|badge|personnel|payroll|customer|client|account|passport|licen[cs]e|member|membership|policy|"
    r"insurance|tax|social security|national insurance|patient|registration|personal"
)
_CALLED_NUMBER = r"(?:'s)?[ ]*(?:id|no\.?|nr\.?|num(?:ber)?|#|code)[ ]*(?:is|was|:|=|-)?[ ]*"
_AN_ID = r"(?=[A-Za-z-]{0,6}\d)[A-Za-z0-9][A-Za-z0-9/-]*"
_CHINESE_NUMBERED = (
    "工号|员工号|员工编号|学号|护照|护照号|护照号码|身份证|身份证号|身份证号码|卡号|账号|帐号|账户|客户号|客户编号|会员号|"
    "社保号|社保卡号|车牌|车牌号|驾照号|驾驶证号|证件号|证件号码|编号|银行卡号|病历号|档案号"
)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_STREET = (
    r"(?:street|road|avenue|lane|boulevard|crescent|terrace|gardens|drive|close|court|square|place|way|hill|row|mews)"
)
_STREET_SHORT = r"(?:St|Rd|Ave|Ln|Blvd|Dr|Ct|Sq|Pl|Ter)\b\.?"
_HOUSE = r"(?:[0-9一二三四五六七八九十百零]{1,6}(?:[-之][0-9]{1,4})?(?:号楼|号院|号|弄|栋|幢|座|单元|室|楼|层))"
_NO_STREETS = (
    "Arbeits|Park|Stell|Sitz|Flucht|Rettungs|Dienst|Rechts|Liege|Lager|Spiel|Treff|Speicher|Verkehrs|Fuß|Rad|Um"
)


def _mask_chinese_addresses(text: str) -> str:
    """The street's name begins after the word that leads to it: 住在中山路88号 is 住在‹address›."""
    pattern = re.compile(
        rf"[{_HAN}A-Za-z0-9]{{1,16}}?(?:路|街|大道|巷|胡同|弄|里|村|小区|花园|新村|大厦)[ ]?{_HOUSE}(?:[ ]?{_HOUSE})*"
    )
    spans = []
    for found in pattern.finditer(_shadow(text)):
        leading = re.match(
            rf".*(?:地址是|地址|住在|位于|搬到|送到|寄到|寄往|住|在|到|去|往|至|从|是)(?=[{_HAN}]{{2}})", found[0]
        )
        spans.append((found.start() + (leading.end() if leading else 0), found.end(), "address"))
    return _replaced(text, iter(spans))


# What check digits tell goes first: in "me@1100 0020 …" the rule of mails would take its beginning away.
_RULES: tuple[Rule, ...] = (
    _mask_ibans,
    _mask_checked,
    _mask_checked_with_colons,
    _every(rf"(?:https?|ftp)://[^{_NOT_IN_LINKS}]+|\bwww\.[^{_NOT_IN_LINKS}]+", "link", flags=re.I),
    _every(rf"[{_LATIN}._%+'&=-]+[ ]?@[ ]?[{_LATIN}-]+(?:\.[{_LATIN}-]+)*", "mail"),
    _every(r"[\w.%+'-]+@[\w-]+(?:\.[\w-]+)*", "mail"),
    _every(
        r"[a-z0-9._%+-]+[ ]?[\[({][ ]?(?:at|ät)[ ]?[\])}][ ]?"
        r"[a-z0-9-]+(?:(?:\.|[ ]?[\[({]?(?:dot|punkt)[\])}]?[ ]?)[a-z0-9-]+)+",
        "mail",
        flags=re.I,
    ),
    _every(r"\b[a-z0-9._-]+ at [a-z0-9-]+ dot [a-z]{2,}", "mail", flags=re.I),
    _every(
        rf"(?<![\w.@-])(?!asp\.net\b)(?:[a-z0-9-]+\.)+(?:{_ENDINGS})\b(?![.-]\w)(?:[:/][^{_NOT_IN_LINKS}]*)?",
        "link",
        flags=re.I | re.ASCII,
    ),
    _every(rf"(?<![\d.]){_IPV4}(?![\d.]*\d)", "address"),
    _every(
        r"(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])|"
        r"(?<![\w:])(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}(?![\w:])",
        "address",
        flags=re.I,
    ),
    _every(r"(?<![0-9a-f:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-f:-])", "address", flags=re.I),
    _every(r"(?<![\d-])\d{3}[- ]\d{2}[- ]\d{4}(?![\d-])", "id"),
    _every(
        r"(?<![A-Za-z0-9])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-D](?![A-Za-z0-9])",
        "id",
        flags=re.I,
    ),
    _every(rf"\b(?:{_TELLING_WORDS}){_CALLED_NUMBER}({_AN_ID})", "id", flags=re.I | re.ASCII, group=1),
    _every(
        r"\b(?:Personal|Kunden|Mitarbeiter|Ausweis|Konto|Steuer|Mitglieds|Versicherungs|Pass)-?"
        rf"(?:nummer|nr\.?|id)[ ]*(?:ist|lautet|:)?[ ]*({_AN_ID})",
        "id",
        flags=re.I,
        group=1,
    ),
    _every(rf"(?:{_CHINESE_NUMBERED})(?:是|为|叫|:)?[ ]?(?=[A-Za-z-]{{0,6}}\d)([A-Za-z0-9-]+)", "id", group=1),
    _every(
        rf"[{_PROVINCES}使领][A-Z][ ·.-]?[A-HJ-NP-Z0-9]{{4,5}}[A-HJ-NP-Z0-9挂学警港澳](?![A-Za-z0-9])", "id", flags=re.I
    ),
    _every(r"(?<![\w-])[A-ZÄÖÜ]{1,3}-[A-Z]{1,2}[ -]?\d{1,4}[EH]?(?![\w-])", "id"),
    _every(r"(?<![\w-])[A-Z]{2}\d{2}[ ]?[A-Z]{3}(?![\w-])", "id"),
    _every(r"(?<![A-Za-z0-9])[A-Z]{1,3}-?\d{6,10}[A-Z]?(?![A-Za-z0-9])", "id", flags=re.I),
    _mask_phones,
    _mask_long_numbers,
    _every(
        r"(?:\b(?:ext\.?|extension|Durchwahl|Nebenstelle)|分机号?)[ ]*(?:is|ist|是|为|:)?[ ]*(\d{2,6})(?!\d)",
        "phone",
        flags=re.I,
        group=1,
    ),
    _every(rf"[{_CHINESE_DIGITS}](?:{_BETWEEN_WORDS}{{0,3}}[{_CHINESE_DIGITS}]){{5,}}", "number"),
    _every(rf"\b(?:{_NUMBER_WORDS})(?:{_BETWEEN_WORDS}+(?:{_NUMBER_WORDS})){{4,}}\b", "number", flags=re.I),
    _every(
        rf"\b(?:{_GERMAN_NUMBER_WORDS})(?:{_BETWEEN_WORDS}+(?:{_GERMAN_NUMBER_WORDS})){{4,}}\b", "number", flags=re.I
    ),
    _every(
        rf"(?<![\w.])\d{{1,5}}[A-Za-z]?,?[ ]+(?:[A-Z][\w'’.-]*[ ]+){{1,3}}(?:(?i:{_STREET})\b|{_STREET_SHORT})",
        "address",
    ),
    _every(
        r"(?<![\w.])\d{1,5}[a-z]?[ ]+(?!the|an?|per|this|that|my|our|each|every|two|wide|long|bus|wet|new|car)"
        r"[a-z'-]{2,}[ ]+(?:street|road|avenue|boulevard|crescent)\b",
        "address",
    ),
    _every(r"\b[a-zäöüß-]{3,}stra(?:ß|ss)e[ ]?\d{1,4}[ ]?[a-z]?(?!\w)", "address", flags=re.I),
    _every(
        rf"\b(?!{_NO_STREETS})[A-ZÄÖÜ][\wäöüß-]{{2,}}"
        r"(?:straße|strasse|str\.|weg|platz|allee|gasse|damm|ufer)[ ]?\d{1,4}[ ]?[a-z]?(?!\w)",
        "address",
    ),
    _every(
        r"\b[A-ZÄÖÜ][\wäöüß-]+[ ]"
        r"(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Damm|Ufer|Ring)[ ]?\d{1,4}[ ]?[a-z]?(?!\w)",
        "address",
    ),
    _every(
        r"(?<![A-Za-z0-9])(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d[\dA-Z]?|\d[A-HJKPSTUW])"
        r"[ ]\d[ABD-HJLNP-UW-Z]{2})(?![A-Za-z0-9])",
        "address",
    ),
    _every(r"\bP\.?O\.? ?Box \d+|\bPostfach \d+", "address", flags=re.I),
    _mask_chinese_addresses,
    mask_given_names,
)
