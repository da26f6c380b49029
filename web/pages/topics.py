"""What people ask about, for HR: published figures by topic, course and week; their chart and files; and the topics'
names, merges and splits."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from assistant.access.policy import Action
from assistant.topics import shaping
from assistant.topics.report import OTHER_COURSES, standing_for
from knowledge.database import utc_now
from web.asked_about import LAST_WEEKS, Asked, Wanted, read_asked, shown_report, take_asked, topic_of
from web.interface_languages import language_of, words_of
from web.library import services_of
from web.render import is_partial, render
from web.reports.charts import NARROW, WIDE, as_svg
from web.reports.pdf import as_pdf
from web.reports.report_file import plain_text
from web.reports.spreadsheets import as_csv, as_xlsx
from web.rules import needs
from web.uploads import UploadedForm, read_form
from web.views.topics import chart_of, report_file, report_view
from web.visitors import caller_of

router = APIRouter(include_in_schema=False)
Form = Annotated[UploadedForm, Depends(read_form)]
Filter = Annotated[Wanted, Query()]
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


class Filed(Wanted):
    """The filter of a chart or a file: of one topic, or of all. `narrow`: for a telephone."""

    topic: str = ""
    narrow: str = ""


class Listed(Wanted):
    """`all`: every row, however many."""

    all: str = ""


@router.get("/topics", dependencies=[needs(Action.SEE_TOPICS)])
def topics_page(request: Request, wanted: Annotated[Listed, Query()]) -> Response:
    chosen = Wanted(**wanted.model_dump(exclude={"all"}))
    asked = read_asked(services_of(request).database, caller_of(request), chosen)
    template = "partials/topics.html" if is_partial(request) else "topics.html"
    return render(request, template, _values(request, asked, whole=bool(wanted.all)))


@router.get("/topics/chart.svg", dependencies=[needs(Action.SEE_TOPICS)])
def chart(request: Request, wanted: Annotated[Filed, Query()]) -> Response:
    asked = read_asked(services_of(request).database, caller_of(request), wanted, topic_id=wanted.topic or None)
    drawn = chart_of(shown_report(asked), words_of(language_of(request)))
    headers = {"cache-control": "no-store", "vary": "Cookie, Accept-Language"}
    return Response(as_svg(drawn, width=NARROW if wanted.narrow else WIDE), media_type="image/svg+xml", headers=headers)


@router.get("/topics/export.{kind}", dependencies=[needs(Action.SEE_TOPICS)])
def export(request: Request, kind: Literal["csv", "xlsx", "pdf"], wanted: Annotated[Filed, Query()]) -> Response:
    """The figures that the page shows with this filter, and no other."""
    language = language_of(request)
    asked, report = take_asked(
        services_of(request).database, caller_of(request), wanted, kind=kind, topic_id=wanted.topic or None
    )
    file = report_file(asked, report, words_of(language), language=language.code, now=utc_now())
    content = {"csv": as_csv, "xlsx": as_xlsx, "pdf": as_pdf}[kind](file)
    name = f"topics-{report.chosen.since}-{report.chosen.until}.{kind}"
    headers = {"content-disposition": f"attachment; filename={name}", "cache-control": "no-store"}
    return Response(content, media_type=_TYPES[kind], headers=headers)


@router.get("/topics/{topic_id}", dependencies=[needs(Action.SEE_TOPICS)])
def topic_page(request: Request, topic_id: str, wanted: Filter, saved: str = "") -> Response:
    asked = read_asked(services_of(request).database, caller_of(request), wanted, topic_id=topic_id)
    topic, standing = topic_of(asked, topic_id), standing_for(asked.topics)
    others = sorted((asked.topics[each].name, each) for each in set(standing.values()) - {topic_id})
    values = {
        "topic": topic,
        "counted_in": asked.topics[standing[topic_id]] if standing[topic_id] != topic_id else None,
        "merged": [each for each in asked.topics.values() if each.merged_into == topic_id],
        "others": others,
        "saved": bool(saved),
    }
    return render(request, "topic.html", _values(request, asked, whole=True) | values)


@router.post("/topics/{topic_id}/name", dependencies=[needs(Action.SHAPE_TOPICS)])
def rename(request: Request, topic_id: str, form: Form) -> Response:
    shaping.rename(services_of(request).database, caller_of(request), topic_id, form.fields.get("name", ""))
    return RedirectResponse(f"/topics/{topic_id}?saved=yes", status_code=303)


@router.get("/topics/{topic_id}/merge", dependencies=[needs(Action.SHAPE_TOPICS)])
def what_a_merge_does(request: Request, topic_id: str, into: str = "") -> Response:
    asked = read_asked(services_of(request).database, caller_of(request), Wanted(), topic_id=topic_id)
    if not into:
        return RedirectResponse(f"/topics/{topic_id}", status_code=303)
    values = {"topic": topic_of(asked, topic_id), "into": topic_of(asked, into)}
    return render(request, "topic_merge.html", values)


@router.post("/topics/{topic_id}/merge", dependencies=[needs(Action.SHAPE_TOPICS)])
def merge(request: Request, topic_id: str, form: Form) -> Response:
    into = form.fields.get("into", "")
    shaping.merge(services_of(request).database, caller_of(request), topic_id, into)
    return RedirectResponse(f"/topics/{topic_id}?saved=yes", status_code=303)


@router.post("/topics/{topic_id}/unmerge", dependencies=[needs(Action.SHAPE_TOPICS)])
def unmerge(request: Request, topic_id: str, _form: Form) -> Response:
    shaping.unmerge(services_of(request).database, caller_of(request), topic_id)
    return RedirectResponse(f"/topics/{topic_id}?saved=yes", status_code=303)


@router.get("/topics/{topic_id}/split", dependencies=[needs(Action.SHAPE_TOPICS)])
def what_a_split_does(request: Request, topic_id: str) -> Response:
    database, caller = services_of(request).database, caller_of(request)
    asked = read_asked(database, caller, Wanted(), topic_id=topic_id)
    halves = shaping.halves(database, caller, topic_id)
    values = {
        "topic": topic_of(asked, topic_id),
        "examples": [plain_text(half.example) for half in halves],
        "agreed": " ".join(half.key for half in halves),
    }
    return render(request, "topic_split.html", values)


@router.post("/topics/{topic_id}/split", dependencies=[needs(Action.SHAPE_TOPICS)])
def split(request: Request, topic_id: str, form: Form) -> Response:
    """Into the two that were shown, and no others."""
    agreed = form.fields.get("agreed", "").split()
    shaping.split(services_of(request).database, caller_of(request), topic_id, agreed=agreed)
    return RedirectResponse(f"/topics/{topic_id}?saved=yes", status_code=303)


def _values(request: Request, asked: Asked, *, whole: bool) -> dict[str, object]:
    report = asked.report
    shown = report is not None and report.lines
    return {
        "state": asked.state,
        "chosen": asked.wanted,
        "query": asked.wanted.as_query(),
        "courses": asked.courses,
        "other_courses": OTHER_COURSES,
        "last_weeks": LAST_WEEKS,
        "default_weeks": LAST_WEEKS[1],
        "span": None if report is None else (str(report.chosen.since), str(report.chosen.until)),
        "report": report_view(asked, report, words_of(language_of(request)), whole=whole) if report and shown else None,
    }
