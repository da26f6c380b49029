"""Who wants to know what single people asked, and has HR's browser: takes all that pages and files say, at all times
and through all filters, and calculates.

It knows no function of topics, of publishing or of reports: numbers come from replies alone. `Behind`, what was really
asked, is for judging what was found, and for the totals that somebody may know from elsewhere.
"""

import csv
import html
import io
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import openpyxl
from pypdf import PdfReader
from starlette.testclient import TestClient

NO_COURSE, OTHER_COURSES = "no course had anything for it", "courses that are not open to you"
FEWEST, MOST_OF_ONE = 5, 5
Line = tuple[str | None, str | None]
"""A topic and a course by its name; None is what fits no topic."""
Behind = Mapping[str, Mapping[Line, Mapping[str, int]]]
"""How often each person asked, by week, topic and course."""


@dataclass(frozen=True, slots=True)
class Figures:
    questions: int
    people: int
    answered: int
    spoken: int

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.questions + other.questions,
            self.people + other.people,
            self.answered + other.answered,
            self.spoken + other.spoken,
        )


NOTHING = Figures(0, 0, 0, 0)
Grid = dict[tuple[str, str, str], Figures]
"""By topic, course and week."""


@dataclass(frozen=True, slots=True)
class Look:
    """All that was seen at one moment. `until`: the last week that had closed. `grid`: every figure of the file.
    `names`: of topics, by their ids. `words`: every page and file, as read. `claims`: numbers of pages that their cells
    do not add up to."""

    until: str
    grid: Grid
    names: Mapping[str, str]
    words: tuple[str, ...]
    claims: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """What stands in an address, and which cells it means."""

    since: str
    until: str
    course: str = ""
    course_name: str = ""
    topic: str = ""

    def has(self, cell: tuple[str, str, str]) -> bool:
        topic, course, week = cell
        return (
            self.since <= week <= self.until
            and (not self.course or course == self.course_name)
            and (not self.topic or topic == self.topic)
        )

    @property
    def query(self) -> str:
        return f"since={self.since}&until={self.until}&course={self.course}"


@dataclass
class Spy:
    """HR's browser, and everything that it ever showed."""

    browser: TestClient
    looks: list[Look] = field(default_factory=list)

    def look(
        self, whole: Filter, filters: Iterable[Filter], *, closed: str, sheets: bool = True, paper: bool = True
    ) -> None:
        """The whole grid, then the same through filters. `closed`: the last week that has."""
        page = self._text(f"/topics?{whole.query}&all=yes")
        words = [page]
        names = _names(page)
        grid: Grid = {}
        claims: list[str] = []
        if "export.csv" in page:
            sheet = self._text(f"/topics/export.csv?{whole.query}")
            words.append(sheet)
            grid = self._grid(whole, sheet, names)
            for each in (whole, *filters):
                address = f"/topics/{each.topic}?{each.query}" if each.topic else f"/topics?{each.query}&all=yes"
                text = self._text(address)
                words.append(text)
                claims += (f"{address}: {claim}" for claim in _false_sums(text, _within(grid, each)))
                if "export.csv" in text and sheets:
                    words += self._files(each, _within(grid, each), paper=paper, claims=claims)
        self.looks.append(Look(closed, grid, names, tuple(words), tuple(claims)))

    def _grid(self, whole: Filter, sheet: str, names: Mapping[str, str]) -> Grid:
        """Where two topics have one name, as halves of one may, each is asked for by itself."""
        if len(set(names.values())) == len(names):
            return _grid(sheet, {name: topic for topic, name in names.items()})
        grid: Grid = {}
        for topic, name in names.items():
            grid |= _grid(self._text(f"/topics/export.csv?{whole.query}&topic={topic}"), {name: topic})
        return grid

    def _files(self, each: Filter, grid: Grid, *, paper: bool, claims: list[str]) -> Iterator[str]:
        query = f"{each.query}&topic={each.topic}"
        rows = _sheet_rows(self._get(f"/topics/export.xlsx?{query}"))
        words = "\n".join("\t".join(map(str, row)) for row in rows)
        yield words
        own = [Figures(*map(int, row[-4:])) for row in rows if len(row) == 7 and isinstance(row[3], int)]
        if sorted(map(_in_order, own)) != sorted(map(_in_order, grid.values())):
            claims.append(f"XLSX {query}: other figures than the CSV")
        if paper:
            text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(self._get_pdf(query))).pages)
            yield re.sub(r"\s+", " ", text)
            drawn = self._text(f"/topics/chart.svg?{query}")
            known = set(_numbers(words)) | set(_numbers(html.unescape(re.sub("<[^>]*>", " ", drawn))))
            timeless = re.sub(r"\d{4}-\d\d-\d\d\s+\d\d:\d\d\s+UTC", "", text)  # printed a minute after the XLSX
            if strange := set(_numbers(timeless)) - known - set(range(10)):
                claims.append(f"PDF {query}: numbers that the XLSX has not: {strange}")

    def _get_pdf(self, query: str) -> bytes:
        return self._get(f"/topics/export.pdf?{query}")

    def _get(self, address: str) -> bytes:
        reply = self.browser.get(address)
        assert reply.status_code == 200, (address, reply.text)
        return reply.content

    def _text(self, address: str) -> str:
        return self._get(address).decode("utf-8")


def _names(page: str) -> dict[str, str]:
    found = re.findall(r'<th scope="row"><a href="/topics/([0-9a-f-]{36})[^"]*"><bdi>(.*?)</bdi>', page)
    return {topic: html.unescape(name) for topic, name in found}


def _grid(sheet: str, topics: Mapping[str, str]) -> Grid:
    rows = list(csv.reader(io.StringIO(sheet, newline="")))
    grid: Grid = {}
    for topic, course, week, *numbers in rows[rows.index([]) + 2 :]:
        grid[topics[topic.removeprefix("'")], course, week] = Figures(*map(int, numbers))
    return grid


def _sheet_rows(content: bytes) -> list[list[object]]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    return [
        [value for value in row if value is not None] for sheet in book for row in sheet.iter_rows(values_only=True)
    ]


def _in_order(figures: Figures) -> tuple[int, int, int, int]:
    return figures.questions, figures.people, figures.answered, figures.spoken


def _numbers(text: str) -> Iterator[int]:
    yield from (int(each) for each in re.findall(r"\d+", text))


def _within(grid: Grid, chosen: Filter) -> Grid:
    return {cell: figures for cell, figures in grid.items() if chosen.has(cell)}


_NUMBER = r'<td class="number" data-label="{}">([\d,]*)</td>'
_TOPIC_LINE = re.compile(
    r'<a href="/topics/([0-9a-f-]{36}).*?' + _NUMBER.format("Questions") + _NUMBER.format("People"), re.DOTALL
)
_COURSE_LINE = re.compile(
    r'<tr><th scope="row"><bdi>([^<]*)</bdi></th>' + _NUMBER.format("Questions") + _NUMBER.format("People")
)
_TILE = re.compile(r'<div class="card"><span class="muted">[^<]*</span><b>([\d,]+)</b>')
_WEEK_LINE = re.compile(r'<th scope="row" class="numbers">(\S+)</th>(.*?)</tr>')


def _false_sums(page: str, grid: Grid) -> Iterator[str]:
    """Numbers that are no sum of the cells that the filter shows: they would tell of others."""
    tiles = [_count(each) for each in _TILE.findall(page)]
    total = _sum(grid.values())
    if tiles and tiles != [total.questions, total.questions - total.answered]:
        yield f"tiles {tiles}, and {total} by its cells"
    if bool(tiles) != bool(grid):
        yield "a page with numbers and no cells, or the other way round"
    for place, lines in ((0, _TOPIC_LINE), (1, _COURSE_LINE)):
        for name, questions, people in lines.findall(page):
            named = html.unescape(name)
            those = _sum(figures for cell, figures in grid.items() if cell[place] == named)
            if (_count(questions), _count(people)) != (those.questions, those.people):
                yield f"{named}: {questions} of {people}, and {those} by its cells"
    by_week: dict[str, list[int]] = defaultdict(list)
    for topic in {cell[0] for cell in grid}:
        for week in {cell[2] for cell in grid}:
            those = _sum(figures for cell, figures in grid.items() if (cell[0], cell[2]) == (topic, week))
            by_week[week].append(those.questions)
    for week, columns in _WEEK_LINE.findall(page):
        for shown in re.findall(r'<td class="number">([\d,]+)</td>', columns):
            if _count(shown) not in by_week[week]:
                yield f"{week}: {shown}, which no topic has by its cells"


def _count(text: str) -> int:
    return int(text.replace(",", ""))


def _sum(figures: Iterable[Figures]) -> Figures:
    total = NOTHING
    for each in figures:
        total += each
    return total


# What is made of it.


def told(looks: Sequence[Look], behind: Behind, *, one: Mapping[str, str]) -> Iterator[str]:
    """Everything that was found out and nobody should know. `one`: for each topic the one that stands for all that it
    was ever merged with."""
    first_seen = _first_seen(looks)
    yield from (claim for look in looks for claim in look.claims)
    yield from _told_by_differences(looks, one)
    for week, lines in behind.items():
        shown = {(cell[0], cell[1]): figures for cell, figures in first_seen.items() if cell[2] == week}
        yield from (f"{week} {claim}" for claim in _told_by_cells(shown, lines))
        for totals in ("courses", "courses and topics"):
            yield from (f"{week} by totals of {totals}: {claim}" for claim in _told_by_totals(shown, lines, totals))
    if strange := {cell[2] for cell in first_seen} - set(behind):
        yield f"figures of weeks that have not closed: {strange}"


def _first_seen(looks: Sequence[Look]) -> Grid:
    """Each cell as it was shown first: what was merged later lay apart before."""
    seen: Grid = {}
    weeks: set[str] = set()
    for look in looks:
        seen |= {cell: figures for cell, figures in look.grid.items() if cell[2] not in weeks}
        weeks |= {cell[2] for cell in look.grid}
    return seen


def _told_by_differences(looks: Sequence[Look], one: Mapping[str, str]) -> Iterator[str]:
    """A closed week is the same whenever it is looked at, but for topics that came to lie on one another."""
    for before, after in pairwise(looks):
        old, new = (_laid_together(look.grid, one, until=before.until) for look in (before, after))
        for cell in sorted(old.keys() | new.keys()):
            if old.get(cell) != new.get(cell):
                yield f"{cell} was {old.get(cell)} and became {new.get(cell)}"


def _laid_together(grid: Grid, one: Mapping[str, str], *, until: str) -> Grid:
    together: Grid = {}
    for (topic, course, week), figures in grid.items():
        if week <= until:
            place = one.get(topic, topic), course, week
            together[place] = together.get(place, NOTHING) + figures
    return together


def _told_by_cells(shown: Mapping[Line, Figures], behind: Mapping[Line, Mapping[str, int]]) -> Iterator[str]:
    for line, figures in shown.items():
        people = len(behind.get(line, {}))
        if people < FEWEST:
            yield f"{line} is shown, of {people} people"
        if people and _of_each(figures) is not None:
            yield f"{line}: each of {people} asked {_of_each(figures)} times, or the same was said by all of them"


def _of_each(figures: Figures) -> int | None:
    """How often each single person asked, where the numbers leave only one way. A number of people that is no step of
    the rounding is exact."""
    most = figures.people + (FEWEST - 1 if figures.people % FEWEST == 0 else 0)
    if figures.questions <= figures.people:
        return 1
    if figures.questions >= MOST_OF_ONE * most:
        return MOST_OF_ONE
    return figures.questions if {figures.answered, figures.spoken} & {0, figures.questions} else None


def _told_by_totals(
    shown: Mapping[Line, Figures], behind: Mapping[Line, Mapping[str, int]], totals: str
) -> Iterator[str]:
    """What somebody calculates who knows each total to the last question, and which cells are not empty.

    Unknown are the cells that are not shown, each of which somebody asked in. A sum of some of them is known where it
    is a combination of equations. Bounds add nothing to that: what every cell really has is above nought, so that
    wherever a combination leaves a cell open it may move both ways.
    """
    asked = {line: frozenset(people) for line, people in behind.items() if people}
    hidden = sorted((line for line in asked if line not in shown), key=str)
    if not hidden or not shown:
        return
    everything = [*hidden, *(line for line in asked if line in shown)]
    with_figures = _equations(hidden, totals)
    without = _equations(everything, totals)
    for sum_of in _combinations(with_figures):
        inside = [line for line, part in zip(hidden, sum_of, strict=True) if abs(part) > 1e-6]
        people = frozenset().union(*(asked[line] for line in inside))
        if not 0 < len(people) < FEWEST:
            continue
        if not _follows(np.append(sum_of, np.zeros(len(everything) - len(hidden))), without):
            yield f"{inside} of {len(people)} people"


def _equations(cells: Sequence[Line], totals: str) -> np.ndarray:
    """One row a total: which of the cells it counts. The total of the week is the sum of those of its courses."""
    places = (1,) if totals == "courses" else (0, 1)
    lines = [(place, name) for place in places for name in sorted({cell[place] for cell in cells}, key=str)]
    return np.array([[float(cell[place] == name) for cell in cells] for place, name in lines])


def _combinations(equations: np.ndarray) -> Iterator[np.ndarray]:
    """The totals themselves, then each cell that they determine."""
    yield from equations
    for place in range(equations.shape[1]):
        alone = np.zeros(equations.shape[1])
        alone[place] = 1.0
        if _follows(alone, equations):
            yield alone


def _follows(wanted: np.ndarray, equations: np.ndarray) -> bool:
    found = np.linalg.lstsq(equations.T, wanted, rcond=None)[0]
    return bool(np.abs(equations.T @ found - wanted).max() < 1e-6)


def words_told(looks: Iterable[Look], secrets: Collection[str]) -> list[str]:
    """Which of these stand anywhere, on a page or in a file."""
    everything = "\n".join(text for look in looks for text in look.words).casefold()
    return [f"it says: {each}" for each in secrets if each.casefold() in everything]
