"""Courses: what there is to ask, by course, and how each is heard."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from assistant.courses.hearing_as import hear_course_as
from web import library
from web.library import services_of
from web.render import render
from web.uploads import UploadedForm, read_form

router = APIRouter(include_in_schema=False)

Form = Annotated[UploadedForm, Depends(read_form)]


@router.get("/courses")
def courses_page(request: Request, heard: str = "") -> Response:
    holdings = library.holdings_of_courses(services_of(request).database)
    return render(request, "courses.html", {"courses": holdings, "changed": heard})


@router.post("/courses/{course_id}")
def hear_as(request: Request, course_id: str, form: Form) -> Response:
    """From now on; what was heard before stays as it is."""
    services = services_of(request)
    course = library.course(services.database, course_id)
    hear_course_as(
        services.database,
        services.engine_state,
        course.id,
        language=form.fields.get("language", "").strip() or None,
        itn=form.fields.get("itn") == "yes",
    )
    return RedirectResponse(f"/courses?heard={course.id}#course-{course.id}", status_code=303)
