"""The API as its own document describes it: whatever may be sent by it, nothing breaks, and what comes back is what was
described; with a token, with one that may do little, and with none."""

import warnings
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from assistant.access.caller import Scope
from assistant.access.policy import SCOPE_OF
from assistant.access.role import Role
from tests.web.house import WebHouse
from tests.web.people import add_person, program_of, signed_in, stranger, with_sign_in
from tests.web.serving import serving
from web.app import ROUTERS
from web.rules import declared_routes

EXAMPLES = 25
"""Of each operation."""
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


@pytest.fixture
def company(house: WebHouse) -> WebHouse:
    house.add_recording()
    return with_sign_in(house)


@pytest.fixture
def address(company: WebHouse) -> Iterator[str]:
    with serving(company) as address:
        yield address


def document_of(browser: TestClient) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    document: dict[str, dict[str, dict[str, dict[str, object]]]] = browser.get("/api/openapi.json").json()
    return document


def test_each_operation_says_which_scope_its_token_needs(company: WebHouse) -> None:
    document = document_of(signed_in(company, add_person(company, "Anna")))
    scheme = document["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    needed = {
        (path, method): operation["security"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    declared = {
        (route.path, method.lower()): [{"token": [SCOPE_OF[rule.action].value]}]
        for route, rule in declared_routes(ROUTERS)
        if route.include_in_schema and rule.action is not None
        for method in route.methods
    }
    assert needed == declared


def test_the_page_of_the_api_says_so_too(company: WebHouse) -> None:
    page = signed_in(company, add_person(company, "Anna")).get("/api/docs").text
    assert "Needs a token with the scope <code>transcribe</code>" in page


def test_where_nobody_signs_in_no_token_is_asked_for(browser: TestClient) -> None:
    document = document_of(browser)
    assert "securitySchemes" not in document["components"]
    assert "Needs a token" not in browser.get("/api/docs").text


@pytest.mark.slow
@pytest.mark.parametrize("who", ["trainer", "token that only reads", "nobody"])
def test_whatever_the_document_allows_is_answered_as_it_says(company: WebHouse, address: str, who: str) -> None:
    trainer = add_person(company, "Tina", Role.ADMIN)
    headers: dict[str, str] = {}
    if who != "nobody":
        scopes = tuple(Scope) if who == "trainer" else (Scope.READ,)
        headers["authorization"] = program_of(company, trainer, *scopes).headers["authorization"]
    schema = schemathesis.openapi.from_dict(document_of(signed_in(company, trainer)))
    tried: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        def answers(case: schemathesis.Case) -> None:
            reply = case.call(base_url=address, headers=headers)
            tried.setdefault(operation.label, set()).add(reply.status_code)  # noqa: B023
            case.validate_response(reply, checks=CHECKS)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answers()
    assert len(tried) == sum(len(methods) for methods in document_of(signed_in(company, trainer))["paths"].values())
    statuses = set().union(*tried.values())
    if who == "nobody":
        assert 401 in statuses
        assert statuses <= {401, 404}, "a path that may be read in two ways is none for anybody"
    elif who == "trainer":
        assert 200 in statuses
        assert 401 not in statuses


def test_a_stranger_does_not_even_read_the_document(company: WebHouse) -> None:
    assert stranger(company).get("/api/openapi.json").status_code == 401
