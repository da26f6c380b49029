"""Reports of topics for people: rows with small curves on the page, and the same figures as files."""

import datetime as dt
import gettext
from collections.abc import Mapping
from dataclasses import dataclass

from assistant.topics.figures import Topic
from assistant.topics.report import OTHER_COURSES, Report, Series, Sums, TopicLine, Trend, grid
from web.asked_about import Asked
from web.reports.charts import MOST_LINES
from web.reports.report_file import Chart, ChartLine, ReportFile, Table

ARROWS: Mapping[Trend, str] = {Trend.RISING: "↗", Trend.STEADY: "→", Trend.FALLING: "↘", Trend.UNKNOWN: ""}
_SPARK_WIDTH, _SPARK_HEIGHT, _SPARK_EDGE = 120.0, 28.0, 4.0
_FIRST_ROWS = 50
_MOST_CHANGE = 9.99


@dataclass(frozen=True, slots=True)
class Spark:
    """A curve as attributes of SVG: its stretches between gaps, and weeks that stand alone. `label` tells it."""

    stretches: tuple[str, ...]
    alone: tuple[tuple[float, float], ...]
    label: str


@dataclass(frozen=True, slots=True)
class TrendView:
    """`change`: such as `+12 %`, empty where nobody can tell."""

    kind: str
    arrow: str
    words: str
    change: str


@dataclass(frozen=True, slots=True)
class TopicRow:
    id: str
    name: str
    example: str | None
    invented: bool
    sums: Sums
    spark: Spark
    trend: TrendView


@dataclass(frozen=True, slots=True)
class CourseRow:
    name: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class WeekRow:
    """`sums`: one for each column; None where nothing is shown."""

    week: str
    sums: tuple[Sums | None, ...]


@dataclass(frozen=True, slots=True)
class ReportView:
    """`rows`: the first of them, `hidden_rows` are left for a longer page. `charted`: what the chart shows, in its
    order; `weeks`: the same as a table, newest first."""

    since: str
    until: str
    rows: tuple[TopicRow, ...]
    hidden_rows: int
    courses: tuple[CourseRow, ...]
    total: Sums
    unanswered: int
    trend: TrendView
    charted: tuple[str, ...]
    weeks: tuple[WeekRow, ...]
    invented: bool


def report_view(asked: Asked, report: Report, words: gettext.NullTranslations, *, whole: bool = False) -> ReportView:
    shown = report.lines if whole else report.lines[:_FIRST_ROWS]
    charted = report.lines[:MOST_LINES]
    return ReportView(
        since=str(report.chosen.since),
        until=str(report.chosen.until),
        rows=tuple(_row(line, words) for line in shown),
        hidden_rows=len(report.lines) - len(shown),
        courses=tuple(
            CourseRow(course_name(line.course_id, asked.courses, words), line.sums) for line in report.courses
        ),
        total=report.total,
        unanswered=max(0, report.total.questions - report.total.answered),
        trend=trend_view(report.series, words),
        charted=tuple(line.topic.name for line in charted),
        weeks=tuple(
            WeekRow(str(week), tuple(line.series.weeks[at] for line in charted))
            for at, week in reversed(tuple(enumerate(report.weeks)))
        ),
        invented=report.has_invented,
    )


def trend_view(series: Series, words: gettext.NullTranslations) -> TrendView:
    _ = words.gettext
    names = {
        Trend.RISING: _("rising"),
        Trend.STEADY: _("steady"),
        Trend.FALLING: _("falling"),
        Trend.UNKNOWN: _("too few weeks to tell"),
    }
    change = "" if series.change is None else f"{round(100 * min(series.change, _MOST_CHANGE)):+d} %"
    return TrendView(series.trend.value, ARROWS[series.trend], names[series.trend], change.replace("-", "−"))


def course_name(course_id: str | None, courses: Mapping[str, str], words: gettext.NullTranslations) -> str:
    _ = words.gettext
    if course_id is None:
        return _("no course had anything for it")
    if course_id == OTHER_COURSES:
        return _("courses that are not open to you")
    return courses[course_id]


def chart_of(report: Report, words: gettext.NullTranslations) -> Chart:
    """The topics most asked about, or the one that was chosen."""
    _ = words.gettext
    lines = tuple(ChartLine(line.topic.name, _questions(line.series)) for line in report.lines[:MOST_LINES])
    unit = _("Questions a week")
    if report.has_invented:  # it may be opened, and kept, by itself
        unit = f"{unit} [{_('invented')}]"
    return Chart(_("What people ask about"), unit, tuple(map(str, report.weeks)), lines)


def report_file(
    asked: Asked, report: Report, words: gettext.NullTranslations, *, language: str, now: dt.datetime
) -> ReportFile:
    """Everything that leaves as a file, in the words of the page."""
    _ = words.gettext
    return ReportFile(
        title=_("What people ask about"),
        facts=tuple(_facts(asked, report, words, now)),
        chart=chart_of(report, words),
        summary=(_topics_table(report, words), _courses_table(asked, report, words), _weeks_table(report, words)),
        grid=_grid_table(asked, report, words),
        language=language,
        page=_("Page %(number)s"),
        replaced=_("stands for characters that the fonts of this file lack; the page has them"),
    )


def _facts(asked: Asked, report: Report, words: gettext.NullTranslations, now: dt.datetime) -> list[tuple[str, str]]:
    _ = words.gettext
    chosen = report.chosen
    hidden = _("groups of fewer than %(count)s people are not shown; such weeks are left empty")
    facts = [
        (_("Weeks"), f"{chosen.since} – {chosen.until}"),
        (_("Course"), course_name(chosen.course_id, asked.courses, words) if chosen.course_id else _("all courses")),
    ]
    if chosen.topic_id is not None:
        facts.append((_("Topic"), _name(asked.topics[chosen.topic_id], words)))
    facts += [
        (_("Printed"), f"{now:%Y-%m-%d %H:%M} UTC"),
        (_("Not shown"), hidden % {"count": asked.state.fewest_people}),
        (_("People"), _("rounded, and counted anew in each week and course")),
        (_("Answered"), _("“yes, this was it” or played")),
    ]
    if asked.state.unembedded_languages:
        facts.append((_("Languages"), _("some questions are grouped by their words alone, see the page")))
    if report.has_invented:
        facts.insert(0, (_("invented"), _("These questions are invented, to show what this page is for.")))
    return facts


def _topics_table(report: Report, words: gettext.NullTranslations) -> Table:
    _ = words.gettext
    columns = (_("Topic"), _("Trend"), _("Questions"), _("People"), _("Answered, %"), _("By voice, %"))
    rows = []
    for line in report.lines:
        trend = trend_view(line.series, words)
        rows.append((_name(line.topic, words), f"{trend.words} {trend.change}".strip(), *_figures(line.sums)))
    return Table(_("Topics"), columns, tuple(rows), widths=(5.5, 2, 1.4, 1.2, 1.5, 1.5), named=2)


def _courses_table(asked: Asked, report: Report, words: gettext.NullTranslations) -> Table:
    _ = words.gettext
    columns = (_("Course"), _("Questions"), _("People"), _("Answered, %"), _("By voice, %"))
    rows = tuple((course_name(line.course_id, asked.courses, words), *_figures(line.sums)) for line in report.courses)
    return Table(_("Courses"), columns, rows, widths=(7.5, 1.4, 1.2, 1.5, 1.5))


def _weeks_table(report: Report, words: gettext.NullTranslations) -> Table:
    _ = words.gettext
    columns = (_("Week"), _("Questions"), _("People"), _("Answered, %"), _("By voice, %"))
    rows = tuple(
        (str(week), *(_figures(sums) if sums is not None else (None,) * 4))
        for week, sums in zip(report.weeks, report.series.weeks, strict=True)
    )
    return Table(_("Weeks"), columns, rows, widths=(7.5, 1.4, 1.2, 1.5, 1.5))


def _grid_table(asked: Asked, report: Report, words: gettext.NullTranslations) -> Table:
    _ = words.gettext
    columns = (_("Topic"), _("Course"), _("Week"), _("Questions"), _("People"), _("Answered"), _("By voice"))
    found = grid(asked.cells, asked.topics, report.chosen, named_courses=asked.courses.keys())
    topics = {line.topic.id: _name(line.topic, words) for line in report.lines}
    courses = {line.course_id: course_name(line.course_id, asked.courses, words) for line in report.courses}
    rows = tuple(
        (topics[topic.id], courses[course], str(week), sums.questions, sums.people, sums.answered, sums.spoken)
        for topic, course, week, sums in found
    )
    return Table(_("Figures"), columns, rows, named=3)


def _figures(sums: Sums) -> tuple[int, int, int | None, int | None]:
    return sums.questions, sums.people, _percent(sums.answered_share), _percent(sums.spoken_share)


def _percent(share: float | None) -> int | None:
    return None if share is None else round(100 * share)


def _name(topic: Topic, words: gettext.NullTranslations) -> str:
    return f"{topic.name} [{words.gettext('invented')}]" if topic.invented else topic.name


def _row(line: TopicLine, words: gettext.NullTranslations) -> TopicRow:
    topic = line.topic
    return TopicRow(
        id=topic.id,
        name=topic.name,
        example=topic.example,
        invented=topic.invented,
        sums=line.sums,
        spark=_spark(_questions(line.series), words),
        trend=trend_view(line.series, words),
    )


def _questions(series: Series) -> tuple[int | None, ...]:
    return tuple(None if sums is None else sums.questions for sums in series.weeks)


def _spark(values: tuple[int | None, ...], words: gettext.NullTranslations) -> Spark:
    shown = [value for value in values if value is not None]
    across = (_SPARK_WIDTH - 2 * _SPARK_EDGE) / max(1, len(values) - 1)
    high = (_SPARK_HEIGHT - 2 * _SPARK_EDGE) / max(shown, default=1)
    stretches: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            stretches.append([])
        else:
            y = _SPARK_HEIGHT - _SPARK_EDGE - value * high
            stretches[-1].append((round(_SPARK_EDGE + at * across, 1), round(y, 1)))
    label = words.gettext("between %(least)s and %(most)s questions a week; %(shown)s of %(all)s weeks shown")
    told = {"least": min(shown, default=0), "most": max(shown, default=0), "shown": len(shown), "all": len(values)}
    return Spark(
        stretches=tuple(" ".join(f"{x:g},{y:g}" for x, y in each) for each in stretches if len(each) > 1),
        alone=tuple(each[0] for each in stretches if len(each) == 1),
        label=label % told,
    )
