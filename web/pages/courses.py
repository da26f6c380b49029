"""Courses: what there is to ask, by course."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from web import library
from web.library import services_of
from web.render import render

router = APIRouter(include_in_schema=False)


@router.get("/courses")
def courses_page(request: Request) -> Response:
    holdings = library.holdings_of_courses(services_of(request).database)
    return render(request, "courses.html", {"courses": holdings})
