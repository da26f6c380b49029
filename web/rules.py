"""The rule of each route: what a caller must be allowed to do before anything behind it runs. A route without one
keeps the application from starting.

A rule is about the house; what is about one course is asked in `library`, which gives out nothing without a caller.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from assistant.access.policy import Action, as_person, may
from assistant.errors import Forbidden, NotFound, SignInNeeded
from web.guard import SAFE_METHODS
from web.visitors import FORM_TOKEN_HEADER, Recognition, form_token_is, is_program_path, visitor_of

NOT_HERE = ("there is no such page", "look at the menu")
OTHER_PURPOSE = ("this key is not for that", "make one with the purpose that /api/docs names for this request")
STALE_FORM = ("this page was too old to be sent", "load it again, then send it once more")


@dataclass(frozen=True, slots=True)
class Needs:
    """`action`: None lets everybody in, signed in or not."""

    action: Action | None

    def __call__(self, request: Request) -> None:
        """Raises SignInNeeded, NotFound, Forbidden."""
        visitor = visitor_of(request)
        if self.action is not None:
            if visitor.caller is None:
                raise SignInNeeded("nobody is signed in", "sign in, then try again")
            if not may(visitor.caller, self.action):
                # Its owner may: the program was given the wrong key, and there is nothing to hide.
                if may(as_person(visitor.caller), self.action):
                    raise Forbidden(*OTHER_PURPOSE)
                raise NotFound(*NOT_HERE)
        if request.method not in SAFE_METHODS and is_program_path(request.url.path) and visitor.forms_are_checked:
            check_form_token(request, "")


def needs(action: Action | None) -> params.Depends:
    """To be put into the `dependencies` of a route."""
    return params.Depends(Needs(action))


def check_form_token(request: Request, in_form: str) -> None:
    """A session is used by pages of ours alone: they bring its token, in a header or in the form.

    Raises Forbidden.
    """
    visitor = visitor_of(request)
    given = request.headers.get(FORM_TOKEN_HEADER, "") or in_form
    if visitor.forms_are_checked and not form_token_is(visitor, given):
        raise Forbidden(*STALE_FORM)


def allowed_still(request: Request, action: Action) -> Callable[[], bool]:
    """Asks again whether the visitor is let in to do it: for what takes longer than a request should. Reads the
    database, so that it belongs into a thread."""
    recognition: Recognition = request.app.state.recognition
    visitor = visitor_of(request)

    def is_allowed() -> bool:
        now = recognition.still(visitor)
        return now is not None and now.caller is not None and may(now.caller, action)

    return is_allowed


def rule_of(route: APIRoute) -> Needs | None:
    found = [each for each in _calls(route.dependant) if isinstance(each, Needs)]
    return found[0] if len(found) == 1 else None


def told_route(path: str) -> str:
    """A route's pattern, as metrics and the audit log tell it: that somebody bookmarks things and checks themselves is
    theirs to know, however few people a company has."""
    return "/me" if path.startswith("/me/learning") else path


def declared_routes(routers: Iterable[APIRouter]) -> Iterator[tuple[APIRoute, Needs]]:
    """Every route with its rule. Raises RuntimeError naming one whose rule nobody has declared."""
    for router in routers:
        for route in router.routes:
            rule = rule_of(route) if isinstance(route, APIRoute) else None
            if not isinstance(route, APIRoute) or rule is None:
                raise RuntimeError(f"{route} says not, or twice, who may call it: put needs(…) into its dependencies")
            yield route, rule


def _calls(dependant: Dependant) -> Iterator[object]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)
