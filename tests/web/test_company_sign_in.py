"""Signing in with the company's provider: a real one on loopback, and the pages between."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from assistant.access import people
from assistant.access.caller import SignIn
from assistant.access.claims import ClaimMapping
from assistant.access.oidc import OpenIdProvider
from assistant.access.provider import ProviderConfig
from assistant.access.role import Role
from assistant.access.tables import PersonRow
from assistant.access.used_flows import UsedFlowsTable
from assistant.audit.event import AuditAction
from assistant.audit.tables import AuditRow
from tests.assistant.access.real_provider import CALLBACK, brought_back, running_provider
from tests.web.house import WebHouse
from tests.web.people import form_token_of, stranger
from web.pages.sign_in import BACKCHANNEL_PATH, FLOW_COOKIE
from web.services import Company
from web.visitors import SESSION_COOKIE

MAPPING = ClaimMapping(
    role_claim="realm_access.roles", roles={"earmark-admins": Role.ADMIN}, default_role=None, groups_claim="groups"
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider() as address:
        yield address


@pytest.fixture
def company(house: WebHouse, issuer: str) -> Iterator[WebHouse]:
    provider = OpenIdProvider(ProviderConfig(issuer, "earmark", "secret"), MAPPING, UsedFlowsTable(house.database))
    told = Company(provider, issuer, CALLBACK, b"k" * 32)
    yield replace(house, services=replace(house.services, sign_in=SignIn.OIDC, company=told))
    provider.close()


def begin(browser: TestClient, back: str = "/") -> str:
    """The provider's address that the page leads to."""
    token = form_token_of(browser, "/sign-in")
    page = browser.post("/sign-in/provider", data={"back": back, "form_token": token})
    assert page.status_code == 200
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.text)
    assert found
    return unescape(found[1])


def events(house: WebHouse) -> list[str]:
    with house.database.read() as session:
        return [row.action for row in session.scalars(select(AuditRow).order_by(AuditRow.seq))]


def test_a_person_comes_back_signed_in_with_role_and_groups_where_they_wanted_to_be(company: WebHouse) -> None:
    browser = stranger(company)
    params = brought_back(begin(browser, back="/courses"), "ana")
    reply = browser.get("/sign-in/callback", params=params)
    assert (reply.status_code, reply.headers["location"]) == (303, "/courses")
    assert "Ana Lima" in browser.get("/courses").text
    with company.database.read() as session:
        [ana] = people.list_people(session)
        assert ana.role is Role.ADMIN
        assert {group.name for group in people.list_groups(session)} == {"/nurses", "/ward 3"}
    assert events(company) == [AuditAction.SIGNED_IN, AuditAction.PERSON_ADDED]


def test_what_one_browser_began_no_other_can_end(company: WebHouse) -> None:
    """Nor can anybody be signed in as somebody else by a link."""
    params = brought_back(begin(stranger(company)), "ana")
    victim = stranger(company)
    begin(victim)
    for browser in (victim, stranger(company)):
        reply = browser.get("/sign-in/callback", params=params)
        assert reply.status_code == 401
        assert SESSION_COOKIE not in browser.cookies
    assert events(company) == [AuditAction.SIGN_IN_REFUSED] * 2


def test_what_was_brought_back_once_counts_no_second_time(company: WebHouse) -> None:
    browser = stranger(company)
    params = brought_back(begin(browser), "ana")
    flow = browser.cookies[FLOW_COOKIE]
    assert browser.get("/sign-in/callback", params=params).status_code == 303
    again = stranger(company)
    again.cookies.set(FLOW_COOKIE, flow)
    assert again.get("/sign-in/callback", params=params).status_code == 401


def test_a_session_that_was_planted_is_worth_nothing_after_signing_in(company: WebHouse) -> None:
    browser = stranger(company)
    planted = "A" * 43
    browser.cookies.set(SESSION_COOKIE, planted, domain="127.0.0.1", path="/")
    browser.get("/sign-in/callback", params=brought_back(begin(browser), "ana"))
    thief = stranger(company)
    thief.cookies.set(SESSION_COOKIE, planted)
    assert thief.get("/").status_code == 303


def test_a_parameter_that_comes_twice_means_nothing(company: WebHouse) -> None:
    browser = stranger(company)
    params = brought_back(begin(browser), "ana")
    assert browser.get("/sign-in/callback", params=[*params.items(), ("state", "x")]).status_code == 401


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_led_elsewhere_after_signing_in(company: WebHouse, back: str) -> None:
    browser = stranger(company)
    reply = browser.get("/sign-in/callback", params=brought_back(begin(browser, back=back), "ana"))
    assert reply.headers["location"] == "/"


def test_somebody_without_a_role_and_somebody_suspended_stay_outside(company: WebHouse) -> None:
    browser = stranger(company)
    assert browser.get("/sign-in/callback", params=brought_back(begin(browser), "guest")).status_code == 401
    browser.get("/sign-in/callback", params=brought_back(begin(browser), "ana"))
    with company.database.write() as session:
        ana = session.scalars(select(PersonRow)).one()
        ana.role = Role.EMPLOYEE
        people.suspend(session, ana.id)
    assert browser.get("/").status_code == 303
    again = stranger(company)
    assert again.get("/sign-in/callback", params=brought_back(begin(again), "ana")).status_code == 401


def test_signing_out_leads_to_the_providers_own_page(company: WebHouse, issuer: str) -> None:
    browser = stranger(company)
    browser.get("/sign-in/callback", params=brought_back(begin(browser), "ana"))
    page = browser.post("/sign-out", data={"form_token": form_token_of(browser)})
    assert f'content="0;url={issuer}/' in page.text
    assert browser.get("/").status_code == 303


@pytest.mark.parametrize("body", [b"", b"logout_token=rubbish", b"\xff\xfe", b"logout_token=a.b.c"])
def test_who_is_not_the_provider_ends_nobodys_session(company: WebHouse, body: bytes) -> None:
    browser = stranger(company)
    browser.get("/sign-in/callback", params=brought_back(begin(browser), "ana"))
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert stranger(company).post(BACKCHANNEL_PATH, content=body, headers=kind).status_code == 400
    assert browser.get("/").status_code == 200


def test_there_is_no_password_to_try_where_a_provider_vouches(company: WebHouse) -> None:
    browser = stranger(company)
    page = browser.get("/sign-in")
    assert 'type="password"' not in page.text
    form = {"name": "Ana Lima", "password": "x" * 12, "form_token": form_token_of(browser, "/sign-in")}
    assert browser.post("/sign-in", data=form).headers["location"] == "/"
    assert browser.get("/").status_code == 303
