"""A course's map of terms, ready to print: a drawing, and a list that says the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knowledge.terms.term_map import Term, TermMap
from web.views.term_drawing import Drawing, draw

MOST_TERMS, MOST_TIES = 40, 80
MOST_AROUND, MOST_TIES_AROUND = 24, 48
_MOST_NAMED = 8
_LONGEST_QUOTE = 240


@dataclass(frozen=True, slots=True)
class TermLink:
    key: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class TermRow:
    """A term with where it is explained. `defined`: the words say so. `comes_with`: the strongest ties first."""

    key: str
    text: str
    language: str
    times: int
    recording_id: str
    recording: str
    start_s: float
    quote: str
    defined: bool
    comes_with: tuple[TermLink, ...]


@dataclass(frozen=True, slots=True)
class TermsView:
    """`chosen`: the term that all is about, None for the whole map. `others`: terms that are not drawn, by name."""

    drawing: Drawing
    rows: tuple[TermRow, ...]
    others: tuple[TermLink, ...]
    chosen: TermRow | None


def terms_view(drawn: TermMap, titles: Mapping[str, str], *, chosen: str | None) -> TermsView:
    """`titles`: of recordings, by id. `chosen`: a key of the map."""
    shown = (
        drawn.overview(most_terms=MOST_TERMS, most_ties=MOST_TIES)
        if chosen is None
        else drawn.around(chosen, most_terms=MOST_AROUND, most_ties=MOST_TIES_AROUND)
    )
    links = {term.key: TermLink(term.key, term.text, term.language) for term in drawn.terms}
    rows = tuple(_row(term, drawn, links, titles) for term in shown.terms)
    there = {row.key for row in rows}
    others = tuple(sorted((link for key, link in links.items() if key not in there), key=lambda link: link.key))
    return TermsView(draw(shown), rows, others, next((row for row in rows if row.key == chosen), None))


def _row(term: Term, drawn: TermMap, links: Mapping[str, TermLink], titles: Mapping[str, str]) -> TermRow:
    tied = [tie.other(term.key) for tie in drawn.ties if term.key in (tie.first, tie.second)]
    where = term.explained
    return TermRow(
        key=term.key,
        text=term.text,
        language=term.language,
        times=term.times,
        recording_id=where.recording_id,
        recording=titles.get(where.recording_id, ""),
        start_s=where.start_s,
        quote=_shortened(where.text, where.term_start),
        defined=where.defined,
        comes_with=tuple(links[key] for key in tied[:_MOST_NAMED]),
    )


def _shortened(text: str, at: int) -> str:
    """So much of a long sentence as holds the term, whose first character is `at`."""
    if len(text) <= _LONGEST_QUOTE:
        return text
    start = max(0, min(at - _LONGEST_QUOTE // 3, len(text) - _LONGEST_QUOTE))
    end = start + _LONGEST_QUOTE
    return f"{'… ' if start else ''}{text[start:end].strip()}{' …' if end < len(text) else ''}"


def key_of(drawn: TermMap, asked: str) -> str | None:
    """The key of the term that an address names, however it is capitalised; None where the map has none."""
    keys: Sequence[str] = (asked, asked.casefold())
    return next((key for key in keys if drawn.term(key) is not None), None)
