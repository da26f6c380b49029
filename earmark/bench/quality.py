"""A run's figures, all questions together and group by group, as a document and as lines for a terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from earmark.bench.calibration import Bin, reliability
from earmark.bench.grouping import Labels, groups_of
from earmark.bench.measures import Measure, honesty_measures
from earmark.bench.metrics import Figure
from earmark.bench.outcomes import Columns, Outcome, columns_of
from earmark.bench.resampling import figures_of


@dataclass(frozen=True, slots=True)
class Sheet:
    """The figures of some questions."""

    questions: int
    answerable: int
    figures: Mapping[str, Figure]

    def as_document(self) -> dict[str, object]:
        return {
            "questions": self.questions,
            "answerable": self.answerable,
            **{name: figure.as_document() for name, figure in self.figures.items()},
        }

    def lines(self) -> Iterator[str]:
        yield f"{self.questions} questions, {self.answerable} of them answerable"
        yield from (f"{name}: {figure}" for name, figure in self.figures.items())


@dataclass(frozen=True, slots=True)
class Quality:
    """`everything`: all questions but near misses. `near`: honesty over answerable questions and
    near misses instead.

    `groups`: grouping → group → figures. `reliability`: "covered" and "probability" → bins.
    """

    everything: Sheet
    near: Sheet | None
    groups: Mapping[str, Mapping[str, Sheet]]
    reliability: Mapping[str, tuple[Bin, ...]]

    def as_document(self) -> dict[str, object]:
        return {
            **self.everything.as_document(),
            "near_misses": self.near and self.near.as_document(),
            "by": {
                name: {group: sheet.as_document() for group, sheet in sheets.items()}
                for name, sheets in self.groups.items()
            },
            "reliability": {name: [each.as_document() for each in bins] for name, bins in self.reliability.items()},
        }

    def lines(self) -> Iterator[str]:
        yield from self.everything.lines()
        for name, bins in self.reliability.items():
            yield from ("", f"{name}: told → share true", *map(_bin_line, bins))
        if self.near is not None:
            yield from ("", "near misses as the unanswerable ones", *self.near.lines())
        for name, sheets in self.groups.items():
            yield from ("", *_table(name, sheets))


def quality_of(
    outcomes: Sequence[Outcome], measures: Sequence[Measure], *, extra: Mapping[str, Labels] | None = None
) -> Quality:
    far = [each for each in outcomes if not each.near]
    near = [each for each in outcomes if each.near or each.answerable]
    columns = columns_of(far)
    return Quality(
        everything=_sheet(far, measures),
        near=_sheet(near, honesty_measures()) if any(each.near for each in near) else None,
        groups={name: _grouped(far, labels, measures) for name, labels in groups_of(far, extra).items()},
        reliability=_reliability(columns),
    )


def _reliability(columns: Columns) -> dict[str, tuple[Bin, ...]]:
    return {
        "covered": reliability(columns.covered, columns.answerable),
        "probability": reliability(columns.probability, columns.right),
    }


def _grouped(outcomes: Sequence[Outcome], labels: Labels, measures: Sequence[Measure]) -> dict[str, Sheet]:
    members: dict[str, list[Outcome]] = {}
    for each in outcomes:
        if each.id in labels:
            members.setdefault(labels[each.id], []).append(each)
    return {label: _sheet(group, measures) for label, group in sorted(members.items())}


def _sheet(outcomes: Sequence[Outcome], measures: Sequence[Measure]) -> Sheet:
    answerable = sum(each.answerable for each in outcomes)
    return Sheet(len(outcomes), answerable, figures_of(columns_of(outcomes), measures))


def _table(name: str, sheets: Mapping[str, Sheet]) -> Iterator[str]:
    """Markdown: a column a group, a row a figure that any of them can give."""
    figures = dict.fromkeys(figure for sheet in sheets.values() for figure in sheet.figures)
    yield _row(name, sheets)
    yield _row("---", ["---:"] * len(sheets))
    yield _row("questions, answerable", (f"{each.questions}, {each.answerable}" for each in sheets.values()))
    for figure in figures:
        yield _row(figure, (str(each.figures.get(figure, "-")) for each in sheets.values()))


def _row(head: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join((head, *cells))} |"


def _bin_line(each: Bin) -> str:
    if each.mean_told is None or each.share_true is None:
        return f"{each.low:.1f} to {each.high:.1f}: none"
    return (
        f"{each.low:.1f} to {each.high:.1f}: {each.count} questions, told {100 * each.mean_told:.1f}, "
        f"true {100 * each.share_true:.1f}"
    )
