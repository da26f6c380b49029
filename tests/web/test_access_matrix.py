"""Every route there is × whoever may come × what is one's own, open, closed, removed, somebody else's or not there.

The routes are those of the app, so that a new one enters by itself; one with a parameter that is unknown here, or that
nobody was promised, fails. What is expected stands in small tables below, and nothing of the product's own rules.
Each of them is asked once by each; the tests judge what came back.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

import httpx
import pytest

from assistant.access import course_rights
from assistant.access.caller import Scope
from assistant.audit.event import AuditAction
from knowledge.database import new_id
from tests.web.company import (
    CANARIES,
    FOREIGN_QUESTION,
    GROUP,
    GUESTS,
    INSIDERS,
    Company,
    Who,
    course_of,
    open_company,
)
from tests.web.house import write_tone
from web.app import ROUTERS
from web.rules import declared_routes

pytestmark = pytest.mark.slow

EVERYBODY = {"employee", "hr", "compliance", "trainer", "admin"}
PROMISED: dict[str, tuple[set[str], str]] = {
    "be-here": (EVERYBODY, ""),
    "ask": (EVERYBODY, "ask"),
    "browse": (EVERYBODY, "read"),
    "bring-in": ({"trainer", "admin"}, "write"),
    "transcribe": ({"trainer", "admin"}, "transcribe"),
    "answer-open": ({"trainer", "admin"}, ""),
    "keep-people": ({"admin"}, ""),
    "read-audit": ({"compliance", "admin"}, ""),
    "see-proof": ({"trainer", "admin"}, ""),
    "watch": ({"admin"}, "metrics"),
    "see-topics": ({"hr", "admin"}, ""),
    "shape-topics": ({"hr", "admin"}, ""),
}
"""Who may, by role, and with which scope a token may; without one no token may."""
READS, CHANGES = ("GET", "HEAD"), ("POST", "DELETE")
ROUTES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    *(((*READS, *CHANGES), prefix, "") for prefix in ("/sign-in", "/sign-out", "/language", "/healthz", "/readyz")),
    (READS, "/metrics", "watch"),
    (READS, "/proof", "see-proof"),
    ((*READS, *CHANGES), "/people", "keep-people"),
    ((*READS, *CHANGES), "/groups", "keep-people"),
    ((*READS, *CHANGES), "/audit", "read-audit"),
    (CHANGES, "/topics", "shape-topics"),
    (READS, "/topics", "see-topics"),
    ((*READS, *CHANGES), "/me", "be-here"),
    (CHANGES, "/ask", "ask"),
    (CHANGES, "/api/v1/questions", "ask"),
    (CHANGES, "/v1/audio/transcriptions", "transcribe"),
    (CHANGES, "/recordings/{recording_id}/find", "browse"),
    (READS, "/courses/{course_id}/as", "bring-in"),
    ((*READS, *CHANGES), "/inbox", "answer-open"),
    ((*READS, *CHANGES), "/jobs", "bring-in"),
    ((*READS, *CHANGES), "/api/v1/jobs", "bring-in"),
    (CHANGES, "/questions", "be-here"),
    *((CHANGES, prefix, "bring-in") for prefix in ("/recordings", "/courses", "/api/v1/recordings")),
    *((READS, prefix, "browse") for prefix in ("/recordings", "/courses", "/media")),
    *((READS, prefix, "browse") for prefix in ("/api/v1/recordings", "/api/v1/courses")),
    *((READS, prefix, "be-here") for prefix in ("/", "/ask", "/questions", "/api/docs")),
    (READS, "/api/openapi.json", "browse"),
)
"""What each route is, by the beginning of its path, the first that fits; "" lets everybody in, signed in or not."""
STATES = {
    "recording_id": ("open", "closed", "theirs", "removed", "closed-removed", "absent"),
    "course_id": ("open", "closed", "theirs", "absent"),
    "job_id": ("open", "closed", "theirs", "absent"),
    "item_id": ("open", "closed", "theirs", "absent"),
    "answer_id": ("open", "closed", "theirs", "absent"),
    "question_id": ("own", "foreign", "absent"),
    "token_id": ("own", "foreign", "absent"),
    "mark_id": ("own", "foreign", "absent"),
    "card_id": ("own", "foreign", "absent"),
    "person_id": ("guest", "insider", "suspended", "absent"),
    "group_id": ("there", "absent"),
    "topic_id": ("there", "absent"),
}
"""What there is, by a route's parameter. `theirs`: of the other trainer, and closed too; `insider`: whom the closed
course names, `guest`: whom theirs does."""
NAMED_BY = {"insider": "closed", "guest": "theirs"}
ONLY_READS = {
    ("POST", "/recordings/{recording_id}/find"),
    ("POST", "/inbox/{item_id}/search"),
    ("POST", "/inbox/{item_id}/set-aside"),
    ("POST", "/inbox/{item_id}/open"),
}
"""Unsafe methods that need hearing alone; every other one on a recording, a course or a job needs its trainer."""
ONLY_FOR_TRAINERS = {("GET", "/courses/{course_id}/as/{person_id}")}
"""Safe ones that need the course's trainer all the same."""
LEADS_ON = {
    ("GET", "/recordings/{recording_id}/find"),
    ("GET", "/courses/{course_id}/rights"),
    ("GET", "/courses/{course_id}/people"),
    ("GET", "/people/{person_id}/password"),
    ("GET", "/groups/{group_id}/people"),
}
"""To another address, whatever there is."""
WITHOUT_A_PROVIDER = {"/sign-in/provider", "/sign-in/callback", "/sign-in/backchannel"}
"""Nobody's where people have accounts of Earmark's own. With a provider: `test_company_sign_in`."""
TRIED_ELSEWHERE = {
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("POST", "/inbox/{item_id}/line"),
    ("POST", "/inbox/{item_id}/moment"),
    ("POST", "/inbox/{item_id}/recording"),
}
"""In `test_signing_in`: for everybody, and the end of what is tried here. In `test_inbox`: what is about a course that
the form names, beside the one that the path is about."""
REFUSES_WHAT_IS_SENT_HERE = {
    ("POST", "/me/password"),
    ("POST", "/topics/{topic_id}/unmerge"),
    ("GET", "/topics/{topic_id}/split"),
    ("POST", "/topics/{topic_id}/split"),
    ("POST", "/me/delete"),
    ("POST", "/me/questions/delete"),
    ("POST", "/inbox/{item_id}/open"),
    ("POST", "/me/learning/delete"),
    ("POST", "/me/learning/cards"),
    ("POST", "/jobs/{job_id}/retry"),
    ("POST", "/api/v1/jobs/{job_id}/retry"),
}
"""A wrong password, no tick, a job that is under way, what is open already, a topic of one question that nobody merged:
let in, and then told so."""
FIXED = {"{kind}": {"/audit/export.{kind}": "csv", "/topics/export.{kind}": "csv"}}
PROGRAM_PATHS = ("/api/v1/", "/api/openapi.json", "/v1/", "/metrics", "/media/")

LABELS = [
    *("nobody", "suspended", "suspended's token"),
    *("employee", "insider", "hr", "compliance", "trainer", "other trainer", "admin"),
    *(f"{owner}'s {scope} token" for owner in ("employee", "trainer", "other trainer", "admin") for scope in Scope),
]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    yield from open_company(tmp_path_factory.mktemp("company"))
    _REPLIES.clear()  # hundreds of megabytes, which every collection of garbage would walk through from here on


@pytest.fixture(params=LABELS)
def who(request: pytest.FixtureRequest, company: Company) -> Who:
    return company.everybody[request.param]


@dataclass(frozen=True, slots=True)
class About:
    """`thing`: the id of what is in this state."""

    parameter: str
    state: str
    thing: str


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    action: str
    about: tuple[About, ...] = ()

    @property
    def route(self) -> tuple[str, str]:
        return self.method, self.path

    @property
    def is_safe(self) -> bool:
        return self.method in ("GET", "HEAD")

    @property
    def address(self) -> str:
        filled = self.path
        for each in self.about:
            filled = filled.replace(f"{{{each.parameter}}}", each.thing)
        for name, by_path in FIXED.items():
            filled = filled.replace(name, by_path.get(self.path, "vtt"))
        return filled

    @property
    def things(self) -> set[str]:
        return {each.thing for each in self.about}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and which courses were searched for it."""

    call: Call
    http: httpx.Response
    searched: frozenset[str]


def parameters_of(path: str) -> list[str]:
    for name in FIXED:
        path = path.replace(name, "")
    return [part.split("}")[0] for part in path.split("{")[1:]]


def promised(method: str, path: str) -> str:
    """What the route is. One that is new is written into the table first."""
    for methods, prefix, action in ROUTES:
        if method in methods and (path == prefix or (prefix != "/" and path.startswith(f"{prefix}/"))):
            return action
    raise AssertionError(f"{method} {path}: say here who may")


def calls_of(company: Company, who: Who) -> Iterator[Call]:
    """Every route with each thing that it may be about, or each two."""
    for route, _ in declared_routes(ROUTERS):
        named = parameters_of(route.path)
        assert set(named) <= set(STATES), f"{route.path}: what is {named}? say here which there are, and whose"
        choices = [
            [About(name, state, thing_of(company, who, name, state)) for state in STATES[name]] for name in named
        ]
        for method in sorted(route.methods or ()):
            if (method, route.path) not in TRIED_ELSEWHERE:
                for about in itertools.product(*choices):
                    yield Call(method, route.path, promised(method, route.path), about)


def thing_of(company: Company, who: Who, parameter: str, state: str) -> str:
    return who.own.get(parameter) or new_id() if state == "own" else company.things[parameter][state]


def refused(who: Who, call: Call) -> str:
    """Whatever it is about: sign-in or not-found; empty for who is let in."""
    if not call.action:
        return "not-found" if call.path in WITHOUT_A_PROVIDER else ""
    roles, scope = PROMISED[call.action]
    if not who.role or (who.scope is not None and not call.path.startswith(PROGRAM_PATHS)):
        return "sign-in"
    if who.role not in roles:
        return "not-found"
    if who.scope is not None and who.scope != scope:
        return "forbidden" if scope else "not-found"
    return ""


def expected(who: Who, call: Call) -> str:
    """in, sign-in, not-found, forbidden or gone."""
    if refused(who, call):
        return refused(who, call)
    if call.route in LEADS_ON:
        return "in"
    if hidden_from(who, call):
        return "not-found"
    edits = call.route in ONLY_FOR_TRAINERS or not (call.is_safe or call.route in ONLY_READS)
    if edits and any(course and not who.edits(course) for course in map(course_behind, call.about)):
        return "forbidden"
    return "gone" if any(each.state.endswith("removed") for each in call.about) else "in"


def course_behind(about: About) -> str:
    """Its state; empty for what belongs to none."""
    if about.parameter not in ("recording_id", "course_id", "job_id", "item_id", "answer_id"):
        return ""
    return {"removed": "open", "closed-removed": "closed"}.get(about.state, about.state)


def hidden_from(who: Who, call: Call) -> str:
    """The first parameter whose thing is not there for this person; a person behind a course that only its trainer
    may look at is asked for after the course."""
    for each in call.about:
        course = course_behind(each)
        known = each.state not in ("absent", "foreign")
        if course:
            known = known and (who.edits(course) if each.parameter == "job_id" else who.hears(course))
            if known and not who.edits(course) and call.route in ONLY_FOR_TRAINERS:
                return ""
        if each.state == "suspended" and who.role != "admin":
            known = False
        if not known:
            return each.parameter
    return ""


def outcome(reply: httpx.Response) -> str:
    if reply.status_code == 303 and reply.headers["location"].startswith("/sign-in"):
        return "sign-in"
    return {401: "sign-in", 403: "forbidden", 404: "not-found", 410: "gone"}.get(reply.status_code, "in")


def send(company: Company, who: Who, call: Call) -> Reply:
    asking = company.house.asking
    asking.asked_courses.clear()
    reply = _send(company, who, call)
    return Reply(call, reply, frozenset().union(*asking.asked_courses))


def _send(company: Company, who: Who, call: Call) -> httpx.Response:
    if not call.is_safe and expected(who, call) == "in":  # another one of the kind, so that all stays as it was
        about = (About(one.parameter, one.state, company.fresh(one.parameter, one.state, who)) for one in call.about)
        call = Call(call.method, call.path, call.action, tuple(about))
    if call.is_safe:
        return who.client.request(call.method, call.address)
    if call.path == "/api/v1/questions":
        return who.client.post(call.address, json={"text": "near miss"})
    if call.path == "/api/v1/questions/{question_id}/judgement":
        return who.client.post(call.address, json={"said": "no"})
    if call.path in ("/recordings", "/api/v1/recordings", "/v1/audio/transcriptions"):
        files = {"file": ("talk.wav", b"RIFF")}
        return who.client.post(call.address, data={"course": f"course of {who.label}"}, files=files)
    return who.client.request(call.method, call.address, data=form_for(company, call))


def form_for(company: Company, call: Call) -> dict[str, str]:
    """What any of our forms may ask for; each takes what it knows."""
    form = {
        "text": "near miss",
        "said": "yes",
        "rank": "1",
        "wanted": "report",
        "language": "en",
        "name": f"name {new_id()}",
        "role": "employee",
        "group": company.things["group_id"]["there"],
        "turn": "add-group",
        "recording": company.things["recording_id"]["open"],
        "at": "1",
        "rating": "good",
        "note": "a note",
        "subject": company.things["group_id"]["there"],
        "into": company.things["topic_id"]["into"],
        "scope-ask": "yes",
        "old": "not my password",
        "new": "not my password either",
    }
    return form | ({"sure": "yes"} if call.path == "/people/{person_id}/forget" else {})


_REPLIES: dict[str, list[Reply]] = {}


@pytest.fixture
def replies(company: Company, who: Who) -> list[Reply]:
    """Of everything there is to this person."""
    if who.label not in _REPLIES:
        _REPLIES[who.label] = [send(company, who, call) for call in calls_of(company, who)]
    return _REPLIES[who.label]


def test_everybody_gets_what_was_promised_and_no_more(who: Who, replies: list[Reply]) -> None:
    wrong = []
    for call, http in ((reply.call, reply.http) for reply in replies):
        got, right = outcome(http), expected(who, call)
        is_served = http.status_code < 400 or call.route in REFUSES_WHAT_IS_SENT_HERE
        if got != right or http.status_code >= 500 or (right == "in" and not is_served):
            wrong.append((call, right, http.status_code, http.text[:200]))
    assert wrong == [], "\n".join(map(str, wrong))


def told(reply: httpx.Response) -> str:
    headers = " ".join(f"{name}: {value}" for name, value in reply.headers.items())
    return f"{unquote(headers)}\n{reply.content.decode('utf-8', 'replace')}".lower()


def kept_from(company: Company, who: Who, call: Call) -> set[str]:
    """Words and ids that must not be in the reply, but for those that were in the request."""
    kept = {"wobbegong"} | {
        company.things[name]["foreign"] for name in ("question_id", "token_id", "mark_id", "card_id")
    }
    for course, words in CANARIES.items():
        if not who.hears(course):
            kept |= set(words)
            if not call.path.startswith("/audit") or expected(who, call) != "in":  # the log tells things by their ids
                kept |= {company.things[kind][course] for kind in ("recording_id", "course_id", "job_id")}
    if not who.hears("closed") and (not call.path.startswith("/audit") or expected(who, call) != "in"):
        kept.add(company.things["recording_id"]["closed-removed"])
    if not (who.edits("open") or who.teaches or who.listens):  # a trainer chooses among all groups
        kept.add(GROUP.lower())
    if who.role not in ("admin", "compliance"):  # who keeps people, and who reads what people did
        shown = {each.state for each in call.about if expected(who, call) == "in"}
        for state, surname in (("insider", INSIDERS), ("guest", GUESTS)):
            # a trainer sees a course as somebody known to them, and who else hears the course that they teach
            if state not in shown and NAMED_BY[state] not in who.teaches | who.listens:
                kept.add(surname.lower())
    return kept - call.things


def test_no_word_of_what_is_closed_reaches_whoever_may_not_hear_it(
    company: Company, who: Who, replies: list[Reply]
) -> None:
    """Neither in pages, lists, counts' labels and suggestions nor in refusals, headers and file names."""
    leaks = []
    for reply in replies:
        text = told(reply.http)
        found = {word for word in kept_from(company, who, reply.call) if word in text}
        if found:
            leaks.append((reply.call, found))
    assert leaks == [], "\n".join(map(str, leaks))


def test_nothing_is_searched_that_may_not_be_heard(company: Company, who: Who, replies: list[Reply]) -> None:
    searched = frozenset().union(*(reply.searched for reply in replies))
    closed = {state: company.things["course_id"][state] for state in CANARIES}
    assert {state for state, course_id in closed.items() if course_id in searched} <= set(filter(who.hears, CANARIES))
    asks = bool(who.role) and who.scope in (None, "ask")
    assert (company.things["course_id"]["open"] in searched) is asks


def without_ids(reply: httpx.Response, *things: str) -> tuple[int, dict[str, str], str]:
    headers = {name: value for name, value in reply.headers.items() if name not in ("date", "set-cookie")}
    text = reply.text
    for thing in things:
        headers = {name: value.replace(thing, "ID") for name, value in headers.items()}
        text = text.replace(thing, "ID")
    return reply.status_code, headers, text


def test_what_is_not_for_somebody_looks_like_what_is_not_there(who: Who, replies: list[Reply]) -> None:
    """To the byte, but for the ids that were asked for; whoever is refused by role sees no difference either."""
    alike: dict[tuple[str, ...], list[Reply]] = {}
    for reply in replies:
        if reply.call.about and expected(who, reply.call) in ("not-found", "sign-in"):
            hidden = "" if refused(who, reply.call) else hidden_from(who, reply.call)
            alike.setdefault((*reply.call.route, hidden), []).append(reply)
    for group in alike.values():
        absent = next(reply for reply in group if any(each.state == "absent" for each in reply.call.about))
        for reply in group:
            assert without_ids(reply.http, *reply.call.things) == without_ids(absent.http, *absent.call.things), (
                reply.call
            )
    assert sum(len(group) > 1 for group in alike.values()) > 2


NOT_CLOSED = {"token_id", "group_id", "mark_id", "card_id", "topic_id"}
"""Tried by their routes alone."""
IN_QUESTION = [
    ("GET", "/?course={course_id}", {}),
    ("GET", "/recordings?course={course_id}", {}),
    ("GET", "/api/v1/recordings?course={course_id}", {}),
    ("GET", "/api/v1/recordings?after={recording_id}&limit=1", {}),
    ("GET", "/api/v1/jobs?after={job_id}&limit=1", {}),
    ("GET", "/jobs?skipped={recording_id}", {}),
    ("GET", "/me?after={question_id}", {}),
    ("GET", "/media/{recording_id}", {"headers": {"range": "bytes=0-99"}}),
    ("GET", "/media/{recording_id}", {"headers": {"range": "bytes=99999999-", "if-none-match": '"x"'}}),
    ("GET", "/recordings/{recording_id}/lines?at=10&start=10&end=15", {}),
    ("GET", "/recordings/{recording_id}?t=10", {}),
    ("POST", "/ask", {"data": {"text": "near miss", "course": "{course_id}"}}),
    ("GET", "/me/learning/asked?after={question_id}", {}),
    ("GET", "/me/learning/check?rated={question_id}", {}),
    ("POST", "/me/learning/marks", {"data": {"recording": "{recording_id}", "start": "1", "end": "2"}}),
    ("POST", "/me/learning/marks", {"data": {"recording": "{recording_id}", "at": "1"}}),
    ("POST", "/me/learning/cards", {"data": {"recording": "{recording_id}", "at": "1", "kind": "cloze"}}),
    ("POST", "/api/v1/questions", {"json": {"text": "near miss", "course": "{course_id}"}}),
    ("POST", "/courses/{own}/rights", {"data": {"turn": "add-person", "subject": "{person_id}"}}),
    ("POST", "/courses/{own}/rights", {"data": {"turn": "add-trainer", "subject": "{person_id}"}}),
]


def filled(value: object, ids: dict[str, str]) -> object:
    if isinstance(value, dict):
        return {name: filled(one, ids) for name, one in value.items()}
    text = str(value)
    for name, thing in ids.items():
        text = text.replace(f"{{{name}}}", thing)
    return text


@pytest.mark.parametrize("label", ["employee", "hr", "compliance", "other trainer", "other trainer's ask token"])
@pytest.mark.parametrize(("method", "path", "more"), IN_QUESTION)
def test_an_id_in_a_query_a_form_or_a_range_tells_nothing_either(
    company: Company, label: str, method: str, path: str, more: dict[str, object]
) -> None:
    who, replies = company.everybody[label], []
    there = {"question_id": "foreign", "person_id": "suspended"}
    closed = {name: company.things[name][there.get(name, "closed")] for name in STATES if name not in NOT_CLOSED}
    # absent ones are of the same age, since lists go on from an id
    absent = {name: thing[:-1] + ("0" if thing[-1] != "0" else "1") for name, thing in closed.items()}
    own = {"own": company.things["course_id"]["theirs"]}
    for ids in (closed, absent):
        reply = who.client.request(method, str(filled(path, ids | own)), **filled(more, ids))  # type: ignore[arg-type]
        assert not [word for word in CANARIES["closed"] if word in told(reply)]
        assert "susi" not in told(reply)
        replies.append(without_ids(reply, *ids.values()))
    assert replies[0] == replies[1]
    if "?course=" in path[2:] or "course" in str(more):
        assert replies[0][0] in (404, 303, 401, 403)


def test_a_recording_sent_into_the_name_of_a_closed_course_goes_into_another(company: Company) -> None:
    """And is taken though the closed one holds the same file: there is nothing that would say so."""
    trainer, other = company.everybody["trainer"], company.everybody["other trainer"]
    sound = write_tone(company.house.folder / "twice.wav", duration_s=0.3).read_bytes()
    replies = []
    for who, name in ((trainer, "Zibeline"), (other, "zibeline"), (other, "Never heard of")):
        reply = who.client.post("/api/v1/recordings", data={"course": name}, files={"file": ("twice.wav", sound)})
        assert reply.status_code == 202, reply.text
        replies.append(reply.json())
    first, second, third = replies
    assert (second["skipped"], third["skipped"]) == (None, None)
    closed = company.things["course_id"]["closed"]
    assert course_of(company.house, first["recording_id"]) == closed
    assert course_of(company.house, second["recording_id"]) != closed
    listed = {one["name"]: one for one in other.client.get("/api/v1/courses").json()["items"]}
    assert listed["zibeline"]["recordings"] == listed["Never heard of"]["recordings"] == 0
    # what the other trainer made goes again, for the tests beside this one
    for made in (second, third):
        assert other.client.delete(f"/api/v1/recordings/{made['recording_id']}").status_code == 204
    with company.house.database.write() as session:
        course_rights.rename(session, course_of(company.house, second["recording_id"]), "Made by another")


def test_counts_are_of_what_one_may_hear(company: Company) -> None:
    inside = company.everybody["insider"].client.get("/api/v1/recordings").json()["items"]
    outside = company.everybody["employee"].client.get("/api/v1/recordings").json()["items"]
    closed = company.things["recording_id"]["closed"]
    assert {one["id"] for one in inside} - {one["id"] for one in outside} >= {closed}
    assert closed not in {one["id"] for one in outside}


NAMES = ("Emil", "Hanna", "Carl", "Theo", "Susi", INSIDERS, GUESTS, GROUP)
"""Of people and their groups; those that are no part of a word of ours."""


@pytest.mark.parametrize("label", ["compliance", "admin"])
def test_the_log_goes_out_without_names_and_without_what_was_said(company: Company, label: str) -> None:
    """After everybody tried everything: rows of all kinds, persons as numbers of their own."""
    browser, things = company.everybody[label].client, company.things
    company.everybody["trainer"].client.get(f"/courses/{things['course_id']['open']}/as/{things['person_id']['guest']}")
    company.everybody["employee"].client.get(f"/recordings/{things['recording_id']['closed']}")
    for kind in ("csv", "jsonl"):
        text = told(browser.get(f"/audit/export.{kind}"))
        assert AuditAction.VIEWED_AS_PERSON in text
        assert AuditAction.ACCESS_REFUSED in text
        words = itertools.chain(NAMES, *CANARIES.values(), (FOREIGN_QUESTION, "near miss"))
        assert [word for word in words if word.lower() in text] == []
        assert not [each for each in things["person_id"].values() if each in text]


def test_metrics_tell_nobody_and_nothing(company: Company) -> None:
    """Not even the metrics of whoever asks: labels are routes, methods and states."""
    admin = company.everybody["admin's metrics token"]
    for label in ("employee", "admin's metrics token"):
        for each in company.things["recording_id"].values():
            company.everybody[label].client.get(f"/recordings/{each}")
            admin.client.get(f"/recordings/{each}/xertz")
    text = told(admin.client.get("/metrics"))
    assert 'route="/recordings/{recording_id}"' in text
    ids = itertools.chain(*(by_state.values() for by_state in company.things.values()))
    words = itertools.chain(NAMES, *CANARIES.values(), (FOREIGN_QUESTION, "near miss"), ids)
    assert [word for word in words if word.lower() in text] == []


def test_a_trainer_sees_as_somebody_else_no_more_than_alone(company: Company) -> None:
    """Somebody who hears more than the trainer is seen in this course alone, and the other way round."""
    trainer, courses, persons = company.everybody["trainer"], company.things["course_id"], company.things["person_id"]
    guest = told(trainer.client.get(f"/courses/{courses['closed']}/as/{persons['guest']}"))
    insider = told(trainer.client.get(f"/courses/{courses['closed']}/as/{persons['insider']}"))
    assert "quagswag" in insider
    assert "quagswag" not in guest
    assert not [word for word in CANARIES["theirs"] if word in guest]


def test_ones_own_data_quotes_what_one_may_hear_now(company: Company) -> None:
    """All were asked, and answered, while everything could be heard."""
    taken = {
        label: json.loads(company.everybody[label].client.get("/me/data.json").text)["questions"][0]["answer"]["hits"]
        for label in ("employee", "insider", "trainer", "other trainer", "admin")
    }
    heard = {label: [hit["rank"] for hit in hits if "text" in hit] for label, hits in taken.items()}
    assert heard == {"employee": [3], "insider": [1, 3], "trainer": [1, 3], "other trainer": [2, 3], "admin": [1, 2, 3]}
