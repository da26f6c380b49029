"""Templates to replies: one Jinja environment a language, everything escaped. Decides nothing about content."""

import datetime as dt
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from web.interface_languages import LANGUAGES, InterfaceLanguage, language_of, words_of
from web.timecodes import iso_duration, timecode
from web.views.notices import unseen_by
from web.views.shell import holdings, open_count
from web.views.words import ROLE_WORDS, SCOPE_WORDS
from web.visitors import FORM_TOKEN_FIELD, Visitor, visitor_of

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment(language: InterfaceLanguage) -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = words_of(language)
    made.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, words.ngettext, newstyle=True
    )
    made.filters["told"] = lambda text: told(text, language)  # `_` takes what somebody typed for a format, and for safe
    made.filters["timecode"] = timecode
    made.filters["iso_duration"] = iso_duration
    made.filters["lasting"] = lambda seconds: lasting(seconds, language)
    made.filters["lasting_days"] = lambda days: lasting_days(days, language)
    made.filters["language_name"] = lambda code: language_name(code, language)
    made.filters["role_name"] = lambda role: words.gettext(ROLE_WORDS[role])
    made.filters["scope_name"] = lambda scope: words.gettext(SCOPE_WORDS[scope])
    made.filters["percent"] = lambda share: format_percent(share, locale=language.code)
    made.filters["number"] = lambda number: format_decimal(number, locale=language.code)
    made.filters["day"] = lambda moment: day(moment, language)
    made.filters["minute"] = lambda moment: format_datetime(moment, "short", locale=language.code) + " UTC"
    made.filters["bare_number"] = lambda number: f"{number:.3f}".rstrip("0").rstrip(".")
    made.globals["language"] = language
    made.globals["languages"] = tuple(LANGUAGES.values())
    return made


def is_partial(request: Request) -> bool:
    """Whether htmx asks for a part of the page; going back in history wants the whole."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"


def render(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """A page or a part of one, in the language of the request."""
    language, visitor = language_of(request), visitor_of(request)
    database = request.app.state.services.database
    frame = {
        "here_again": _address(request),
        "shell": request.app.state.shell.view(),
        "holdings": holdings(database, visitor.caller),
        "unseen": () if is_partial(request) else unseen_by(database, visitor),
        # no error looks another way because something else was asked meanwhile
        "open_count": 0 if is_partial(request) or status >= 400 else open_count(database, visitor),
        "me": visitor,
        "form_token": lambda: _form_token_field(visitor),
    }
    html = environment(language).get_template(template).render(**frame, **values)
    reply = HTMLResponse(html, status_code=status, headers=dict(headers or {}))
    reply.headers["vary"] = "HX-Request, Cookie, Accept-Language"
    return reply


def _form_token_field(visitor: Visitor) -> Markup:
    """To stand in every form that is posted."""
    if not visitor.form_token:
        return Markup()
    return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_TOKEN_FIELD, visitor.form_token)


def _address(request: Request) -> str:
    """Where the switch of languages leads back to: a page that was posted cannot be got again."""
    if request.method not in ("GET", "HEAD"):
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def lasting(seconds: float, language: InterfaceLanguage) -> str:
    """How long something is, in the words of a page: `48 min`, `1 h 12 min`, `35 s`."""
    _ = words_of(language).gettext
    whole = round(seconds)
    if whole < 60:
        return _("%(seconds)s s") % {"seconds": whole}
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("%(minutes)s min") % {"minutes": minutes}
    hours, rest = divmod(minutes, 60)
    if not rest:
        return _("%(hours)s h") % {"hours": hours}
    return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": rest}


def lasting_days(days: int, language: InterfaceLanguage) -> str:
    """For how long something is kept: `12 months`, `5 years`, `30 days`."""
    ngettext = words_of(language).ngettext
    years, rest = divmod(days, 365)
    if rest or not years:
        return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
    if years > 2:
        return ngettext("%(count)s year", "%(count)s years", years) % {"count": years}
    return ngettext("%(count)s month", "%(count)s months", 12 * years) % {"count": 12 * years}


def told(text: str, language: InterfaceLanguage) -> str:
    """What an error says, in the words of a page; what a file is called stands before it, and stays as it is."""
    translated = words_of(language).gettext
    starts = [0, *(found.end() for found in re.finditer(": ", text))]
    for start in starts:
        rest = text[start:]
        if rest and translated(rest) != rest:
            return text[:start] + translated(rest)
    return text


def day(moment: dt.datetime, language: InterfaceLanguage) -> str:
    return format_date(moment, format="medium", locale=language.code)


def language_name(code: str, language: InterfaceLanguage) -> str:
    """`fr` as the interface calls it; a code that nobody knows as it is."""
    try:
        return Locale.parse(code, sep="-").get_display_name(language.code) or code
    except (UnknownLocaleError, ValueError):
        return code
