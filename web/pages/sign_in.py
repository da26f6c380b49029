"""Signing in and out."""

from typing import Annotated
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from assistant.access.caller import SignIn, Way
from assistant.access.flow import LIFETIME, own_path, seal, unseal
from assistant.access.people import count_people
from assistant.access.provider import CALLBACK_PATH
from assistant.access.signing_in import end_at_provider, note_refused_provider, sign_in, sign_in_claimed, sign_out
from assistant.errors import Busy, NotFound, SignInRefused
from knowledge.database import utc_now
from web.error_pages import status_of
from web.library import services_of
from web.render import render
from web.rules import NOT_HERE, needs
from web.services import Company
from web.uploads import UploadedForm, read_document, read_form
from web.visitors import address_of, forget_session, remember_session, visitor_of

router = APIRouter(include_in_schema=False)
FLOW_COOKIE = "__Host-earmark_flow"
BACKCHANNEL_PATH = "/sign-in/backchannel"
_LONGEST_LOGOUT_BYTES = 32_000
_log = structlog.get_logger()
Form = Annotated[UploadedForm, Depends(read_form)]


async def logout_body(request: Request) -> bytes:
    return await read_document(request, most_bytes=_LONGEST_LOGOUT_BYTES)


@router.get("/sign-in", dependencies=[needs(None)])
def sign_in_page(request: Request, back: str = "/") -> Response:
    if visitor_of(request).caller is not None:
        return RedirectResponse(own_path(back), status_code=303)
    return _page(request, own_path(back))


@router.post("/sign-in", dependencies=[needs(None)])
def sign_in_with_password(request: Request, form: Form) -> Response:
    services = services_of(request)
    if services.sign_in is not SignIn.LOCAL:
        return RedirectResponse("/", status_code=303)
    back, name = own_path(form.fields.get("back", "/")), form.fields.get("name", "").strip()
    try:
        begun = sign_in(
            services.database,
            name,
            form.fields.get("password", ""),
            address=address_of(request),
            now=utc_now(),
            instead_of=_session_of(request),
        )
    except (SignInRefused, Busy) as error:  # the page itself says so, with the name still in it
        return _page(request, back, name=name, refusal=error)
    reply = RedirectResponse(back, status_code=303)
    remember_session(reply, begun.secret)
    return reply


@router.post("/sign-in/provider", dependencies=[needs(None)])
def to_the_provider(request: Request, form: Form) -> Response:
    """What is to be brought back goes into a cookie of this browser alone, sealed."""
    company = _company(request)
    now = utc_now()
    begun = company.provider.begin(company.redirect_uri, return_to=form.fields.get("back"), now=now)
    reply = _going(request, begun.url)
    reply.set_cookie(
        FLOW_COOKIE,
        seal(begun.flow, company.flow_key),
        max_age=int(LIFETIME.total_seconds()),
        httponly=True,
        secure=True,
        samesite="lax",
        path="/",
    )
    return reply


@router.get(CALLBACK_PATH, dependencies=[needs(None)])
def back_from_the_provider(request: Request) -> Response:
    company, services, now = _company(request), services_of(request), utc_now()
    try:
        flow = unseal(request.cookies.get(FLOW_COOKIE, ""), company.flow_key, now)
        claimed = company.provider.finish(flow, _once_each(request), now=now)
        begun = sign_in_claimed(services.database, claimed, now=now, instead_of=_session_of(request))
    except SignInRefused as refusal:
        _log.warning("sign-in refused", reason=refusal.reason)
        note_refused_provider(services.database)
        refused = _page(request, "/", refusal=refusal)
        refused.delete_cookie(FLOW_COOKIE, httponly=True, secure=True, samesite="lax", path="/")
        return refused
    reply = RedirectResponse(flow.return_to, status_code=303)
    reply.delete_cookie(FLOW_COOKIE, httponly=True, secure=True, samesite="lax", path="/")
    remember_session(reply, begun.secret)
    return reply


@router.post(BACKCHANNEL_PATH, dependencies=[needs(None)])
def ended_by_the_provider(request: Request, body: Annotated[bytes, Depends(logout_body)]) -> Response:
    """The provider itself says, signed, whose sessions are over (OpenID Connect Back-Channel Logout 1.0)."""
    company = _company(request)
    token = dict(parse_qsl(body.decode("ascii", "replace"))).get("logout_token", "")
    try:
        over = company.provider.verify_logout_token(token, now=utc_now())
    except SignInRefused as refusal:
        _log.warning("a provider's sign-out was refused", reason=refusal.reason)
        return Response(status_code=400, headers={"cache-control": "no-store"})
    end_at_provider(
        services_of(request).database, issuer=company.issuer, subject=over.subject, provider_session=over.sid
    )
    return Response(status_code=200, headers={"cache-control": "no-store"})


@router.post("/sign-out", dependencies=[needs(None)])
def sign_out_here(request: Request, _form: Form) -> Response:
    caller, services = visitor_of(request).caller, services_of(request)
    id_token = sign_out(services.database, caller) if caller is not None else None
    leave = None
    if services.company is not None and id_token is not None:
        after = services.company.redirect_uri.removesuffix(CALLBACK_PATH) + "/sign-in"
        leave = services.company.provider.end_session_url(id_token, after, now=utc_now())
    reply = _going(request, leave) if leave else RedirectResponse("/sign-in", status_code=303)
    forget_session(reply)
    # Pages that were seen are gone from the browser's own store, too: the next person at this machine sees none.
    reply.headers["clear-site-data"] = '"cache", "storage"'
    return reply


def _company(request: Request) -> Company:
    company = services_of(request).company
    if company is None:
        raise NotFound(*NOT_HERE)
    return company


def _once_each(request: Request) -> dict[str, str]:
    """What came in the address; a name that came twice means nothing."""
    names = [name for name, _ in request.query_params.multi_items()]
    return {name: value for name, value in request.query_params.multi_items() if names.count(name) == 1}


def _going(request: Request, url: str) -> Response:
    """A page that leads on to another server: a form may only be sent to ourselves, redirects included."""
    return render(request, "going.html", {"url": url})


def _session_of(request: Request) -> str | None:
    caller = visitor_of(request).caller
    return caller.way_id if caller is not None and caller.way is Way.SESSION else None


def _has_nobody(request: Request) -> bool:
    with services_of(request).database.read() as session:
        return count_people(session) == 0


def _page(request: Request, back: str, *, name: str = "", refusal: SignInRefused | Busy | None = None) -> Response:
    headers = {"retry-after": str(int(refusal.retry_after_s))} if isinstance(refusal, Busy) else {}
    values = {
        "back": back,
        "name": name,
        "refusal": refusal,
        "with_provider": services_of(request).sign_in is SignIn.OIDC,
        "is_new": services_of(request).sign_in is SignIn.LOCAL and _has_nobody(request),
        "wait_s": refusal.retry_after_s if isinstance(refusal, Busy) else None,
    }
    return render(
        request, "sign_in.html", values, status=200 if refusal is None else int(status_of(refusal)), headers=headers
    )
