"""Signing in at a provider that others wrote, run as its own process: discovery, code, keys, user info, signing out."""

import datetime as dt
from collections.abc import Iterator

import httpx
import pytest

from assistant.access.claims import ClaimMapping
from assistant.access.errors import Refusal, SignInRefused
from assistant.access.oidc import OpenIdProvider
from assistant.access.provider import ProviderConfig
from assistant.access.role import Role
from assistant.access.used_flows import UsedFlowsTable
from knowledge.database import Database
from tests.assistant.access.real_provider import CALLBACK, brought_back, running_provider

MAPPING = ClaimMapping(
    role_claim="realm_access.roles", roles={"earmark-admins": Role.ADMIN}, default_role=None, groups_claim="groups"
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider() as address:
        yield address


@pytest.fixture
def ours(issuer: str, database: Database) -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider(ProviderConfig(issuer, "earmark", "secret"), MAPPING, UsedFlowsTable(database))
    yield provider
    provider.close()


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def test_a_person_signs_in_with_role_and_groups_from_nested_claims(ours: OpenIdProvider, issuer: str) -> None:
    begun = ours.begin(CALLBACK, return_to="/jobs", now=now())
    person = ours.finish(begun.flow, brought_back(begun.url, "ana"), now=now())
    assert (person.issuer, person.subject, person.name, person.email) == (issuer, "ana", "Ana Lima", "ana@example.org")
    assert (person.role, person.groups) == (Role.ADMIN, frozenset({"/nurses", "/ward 3"}))


def test_a_person_without_a_role_stays_outside(ours: OpenIdProvider) -> None:
    begun = ours.begin(CALLBACK, now=now())
    with pytest.raises(SignInRefused) as refusal:
        ours.finish(begun.flow, brought_back(begun.url, "guest"), now=now())
    assert refusal.value.refusal is Refusal.NO_ROLE


def test_a_code_that_was_used_is_refused_by_the_provider_too(ours: OpenIdProvider) -> None:
    first, second = (ours.begin(CALLBACK, now=now()) for _ in range(2))
    brought = brought_back(first.url, "ana")
    ours.finish(first.flow, brought, now=now())
    with pytest.raises(SignInRefused) as refusal:
        ours.finish(second.flow, {**brought, "state": second.flow.state}, now=now())
    assert refusal.value.refusal is Refusal.CODE


def test_a_code_with_another_flows_nonce_is_refused(ours: OpenIdProvider) -> None:
    """The person's own browser, tricked into bringing back somebody else's code: this provider checks no verifier."""
    theirs, own = (ours.begin(CALLBACK, now=now()) for _ in range(2))
    brought = brought_back(theirs.url, "guest")
    with pytest.raises(SignInRefused) as refusal:
        ours.finish(own.flow, {**brought, "state": own.flow.state}, now=now())
    assert refusal.value.refusal is Refusal.NONCE


def test_who_declines_there_is_not_signed_in(ours: OpenIdProvider) -> None:
    begun = ours.begin(CALLBACK, now=now())
    with pytest.raises(SignInRefused):
        ours.finish(begun.flow, brought_back(begun.url, "ana", action="deny"), now=now())


def test_the_provider_knows_the_page_that_signs_out(ours: OpenIdProvider) -> None:
    begun = ours.begin(CALLBACK, now=now())
    person = ours.finish(begun.flow, brought_back(begun.url, "ana"), now=now())
    url = ours.end_session_url(person.id_token, "https://earmark.example/", now=now())
    assert url is not None
    assert httpx.get(url, trust_env=False).status_code == 200
