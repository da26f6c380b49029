"""Signing in at a provider that answers well, and at one that does not; each abuse is refused by its own name."""

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import OctKey, RSAKey

from assistant.access.claims import ClaimMapping
from assistant.access.errors import NOT_SIGNED_IN, ProviderDown, Refusal, SignInRefused
from assistant.access.flow import LIFETIME
from assistant.access.kept import KNOWN_FOR
from assistant.access.oidc import FLOOR, LOGOUT_EVENT, OpenIdProvider
from assistant.access.provider import ProviderConfig, SignedOut
from assistant.access.provider_http import LARGEST_BYTES
from assistant.access.role import Role
from assistant.access.used_flows import UsedFlowsTable
from knowledge.database import Database
from tests.assistant.access.misbehaving_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    EC,
    ED,
    NOW_S,
    OTHER_RSA,
    RSA,
    Answer,
    MisbehavingProvider,
    as_json,
    public,
    signed_with_the_public_key,
    unsigned,
)

CALLBACK = "https://earmark.example/sign-in/callback"
SECOND = dt.timedelta(seconds=1)


def signed_in(ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, **brought: str) -> Any:
    begun = ours.begin(CALLBACK, now=now)
    return ours.finish(begun.flow, {**there.sign_in(begun.url), **brought}, now=now)


def refused(ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, **brought: str) -> Refusal:
    """Why; and what the person is told is always the same."""
    with pytest.raises(SignInRefused) as refusal:
        signed_in(ours, there, now, **brought)
    assert (refusal.value.detail, refusal.value.way_out) == NOT_SIGNED_IN
    return refusal.value.refusal


def test_a_person_comes_in_with_name_role_and_groups(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.claims = {"roles": ["staff", "boss", "unknown"], "sid": "s1"}
    person = signed_in(ours, there, now)
    assert (person.issuer, person.subject, person.name, person.email) == (
        there.issuer,
        "f3a1",
        "Ana Lima",
        "ana@example.org",
    )
    assert (person.role, person.groups, person.sid) == (Role.ADMIN, frozenset({"nurses"}), "s1")
    assert there.asked.count("/user") == 0


def test_the_browser_is_sent_with_all_that_the_flow_needs_and_nothing_secret(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    begun = ours.begin(CALLBACK, return_to="/recordings?page=2", now=now)
    asked = parse_qs(urlsplit(begun.url).query)
    assert asked["tenant"] == ["1"]
    assert asked["response_type"] == ["code"]
    assert asked["client_id"] == [CLIENT_ID]
    assert asked["redirect_uri"] == [CALLBACK]
    assert asked["scope"] == ["openid profile email"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"] == [begun.flow.state]
    assert asked["nonce"] == [begun.flow.nonce]
    assert begun.flow.verifier not in begun.url
    assert CLIENT_SECRET not in begun.url
    assert begun.flow.return_to == "/recordings?page=2"
    again = ours.begin(CALLBACK, now=now).flow
    assert not {again.state, again.nonce, again.verifier} & {begun.flow.state, begun.flow.nonce, begun.flow.verifier}


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:0"])
def test_nobody_is_sent_on_to_another_site(ours: OpenIdProvider, now: dt.datetime, elsewhere: str) -> None:
    assert ours.begin(CALLBACK, return_to=elsewhere, now=now).flow.return_to == "/"


@pytest.mark.parametrize("methods", [["client_secret_post"], ["client_secret_basic"], None])
def test_the_secret_goes_the_way_that_the_provider_names(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, methods: list[str] | None
) -> None:
    there.behaviour.document = {"token_endpoint_auth_methods_supported": methods}
    assert signed_in(ours, there, now).subject == "f3a1"
    [form] = [form for form in there.forms if "code" in form]
    assert ("client_secret" in form) == (methods == ["client_secret_post"])


@pytest.mark.parametrize("key", [RSA, EC, ED], ids=["RS256", "ES256", "Ed25519"])
def test_each_way_to_sign_that_is_allowed_is_taken(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, key: Any
) -> None:
    there.behaviour.keys = [public(OTHER_RSA), public(key)]
    there.behaviour.signed_by = key
    there.behaviour.claims = {"at_hash": None}
    assert signed_in(ours, there, now).subject == "f3a1"


def test_the_older_name_of_edwards_signatures_is_taken_without_a_warning(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, recwarn: pytest.WarningsRecorder
) -> None:
    there.behaviour.keys, there.behaviour.signed_by = [public(ED)], ED
    there.behaviour.header = {"alg": "EdDSA"}
    there.behaviour.claims = {"at_hash": None}
    there.behaviour.id_token = lambda claims: _quietly_signed(there, claims)
    assert signed_in(ours, there, now).subject == "f3a1"


def _quietly_signed(there: MisbehavingProvider, claims: dict[str, Any]) -> str:
    with pytest.warns(match="EdDSA"):
        return there.signed(claims)


def test_a_code_counts_once_and_so_does_a_state(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    begun = ours.begin(CALLBACK, now=now)
    brought = there.sign_in(begun.url)
    assert ours.finish(begun.flow, brought, now=now).subject == "f3a1"
    there.asked.clear()
    with pytest.raises(SignInRefused) as again:
        ours.finish(begun.flow, brought, now=now)
    assert again.value.refusal is Refusal.REPLAYED
    assert there.asked == []
    fresh = ours.begin(CALLBACK, now=now)
    with pytest.raises(SignInRefused) as stolen:  # another browser's flow, the used code
        ours.finish(fresh.flow, {"code": brought["code"], "state": fresh.flow.state}, now=now)
    assert stolen.value.refusal is Refusal.CODE


def test_a_state_counts_once_in_whichever_process_it_is_brought_to(
    config: ProviderConfig, there: MisbehavingProvider, databases: Database, now: dt.datetime
) -> None:
    doors = [Database(databases.url) for _ in range(4)]
    several = [OpenIdProvider(config, ClaimMapping(), UsedFlowsTable(door)) for door in doors]
    begun = several[0].begin(CALLBACK, now=now)

    def outcome(ours: OpenIdProvider) -> Refusal | None:
        try:
            ours.finish(begun.flow, {**there.sign_in(begun.url)}, now=now)
        except SignInRefused as refusal:
            return refusal.refusal
        return None

    with ThreadPoolExecutor(4) as pool:
        assert sorted(map(str, pool.map(outcome, several))) == sorted(["None", *[Refusal.REPLAYED] * 3])
    for door in doors:
        door.close()


def test_a_failed_sign_in_uses_its_state_up_too(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    begun = ours.begin(CALLBACK, now=now)
    refusals = []
    for _ in range(2):
        with pytest.raises(SignInRefused) as refusal:
            ours.finish(begun.flow, {**there.sign_in(begun.url), "code": "guessed"}, now=now)
        refusals.append(refusal.value.refusal)
    assert refusals == [Refusal.CODE, Refusal.REPLAYED]


@pytest.mark.parametrize("state", ["", "other", "é"])
def test_another_state_is_refused(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, state: str
) -> None:
    assert refused(ours, there, now, state=state) is Refusal.STATE


def test_a_code_of_another_browsers_flow_is_refused(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    """Somebody else's fresh code, put into this browser's flow: the verifier does not fit, whatever the nonce."""
    theirs = there.sign_in(ours.begin(CALLBACK, now=now).url)
    assert refused(ours, there, now, code=theirs["code"]) is Refusal.CODE


def test_a_sign_in_ends_after_ten_minutes(ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime) -> None:
    begun = ours.begin(CALLBACK, now=now)
    with pytest.raises(SignInRefused) as refusal:
        ours.finish(begun.flow, there.sign_in(begun.url), now=now + LIFETIME + SECOND)
    assert refusal.value.refusal is Refusal.FLOW


@pytest.mark.parametrize(
    ("brought", "refusal"),
    [
        ({"iss": "https://evil.example"}, Refusal.ISSUER),
        ({"id_token": "x.y.z"}, Refusal.TOKEN_IN_ADDRESS),
        ({"access_token": "x"}, Refusal.TOKEN_IN_ADDRESS),
        ({"error": "access_denied"}, Refusal.PROVIDER_REFUSED),
        ({"code": ""}, Refusal.CODE),
        ({"code": "a\nb"}, Refusal.CODE),
        ({"code": "c" * 5000}, Refusal.CODE),
    ],
)
def test_what_the_browser_brings_back_is_checked_before_the_provider_is_asked(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, brought: dict[str, str], refusal: Refusal
) -> None:
    assert refused(ours, there, now, **brought) is refusal
    assert "/token" not in there.asked


def test_a_provider_that_names_itself_must_do_so_each_time(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.document = {"authorization_response_iss_parameter_supported": True}
    assert signed_in(ours, there, now, iss=there.issuer).subject == "f3a1"
    assert refused(ours, there, now) is Refusal.ISSUER


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"nonce": "other"}, Refusal.NONCE),
        ({"nonce": None}, Refusal.NONCE),
        ({"aud": "somebody-else"}, Refusal.AUDIENCE),
        ({"aud": None}, Refusal.AUDIENCE),
        ({"aud": []}, Refusal.AUDIENCE),
        ({"aud": [CLIENT_ID, "somebody-else"]}, Refusal.AUDIENCE),
        ({"aud": [CLIENT_ID, "somebody-else"], "azp": "somebody-else"}, Refusal.AUDIENCE),
        ({"azp": "somebody-else"}, Refusal.AUDIENCE),
        ({"iss": "https://evil.example"}, Refusal.ISSUER),
        ({"iss": None}, Refusal.ISSUER),
        ({"iss": ["http://127.0.0.1"]}, Refusal.ISSUER),
        ({"exp": NOW_S - 120}, Refusal.EXPIRED),
        ({"exp": None}, Refusal.CLAIM),
        ({"exp": "soon"}, Refusal.CLAIM),
        ({"exp": float("inf")}, Refusal.CLAIM),
        ({"iat": NOW_S + 3600}, Refusal.TOO_EARLY),
        ({"iat": None}, Refusal.CLAIM),
        ({"nbf": NOW_S + 3600}, Refusal.TOO_EARLY),
        ({"sub": None}, Refusal.SUBJECT),
        ({"sub": ""}, Refusal.SUBJECT),
        ({"sub": 7}, Refusal.SUBJECT),
        ({"sub": "s" * 256}, Refusal.SUBJECT),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, Refusal.ACCESS_TOKEN),
        ({"at_hash": 7}, Refusal.ACCESS_TOKEN),
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, claims: dict[str, Any], refusal: Refusal
) -> None:
    there.behaviour.claims = claims
    assert refused(ours, there, now) is refusal


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "somebody-else"], "azp": CLIENT_ID},
        {"exp": NOW_S - 30},
        {"iat": NOW_S + 40, "nbf": NOW_S + 40},
        {"at_hash": None},
    ],
    ids=str,
)
def test_a_token_within_the_rules_is_taken(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, claims: dict[str, Any]
) -> None:
    there.behaviour.claims = claims
    assert signed_in(ours, there, now).subject == "f3a1"


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        (unsigned, Refusal.ALGORITHM),
        (signed_with_the_public_key, Refusal.ALGORITHM),
        (lambda _: "not a token", Refusal.TOKEN),
        (lambda _: "W10.W10.", Refusal.TOKEN),
        (lambda _: "é", Refusal.TOKEN),
        (lambda _: "x" * 200_000, Refusal.TOKEN),
    ],
    ids=["none", "HS256 with the public key", "words", "a list", "not ASCII", "huge"],
)
def test_a_token_that_nobody_signed_is_refused(
    ours: OpenIdProvider,
    there: MisbehavingProvider,
    now: dt.datetime,
    make: Callable[[dict[str, Any]], str],
    refusal: Refusal,
) -> None:
    there.behaviour.id_token = make
    assert refused(ours, there, now) is refusal


def test_a_key_both_sides_know_is_never_believed_even_where_the_provider_publishes_one(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    shared = OctKey.import_key("a secret of thirty-two bytes or so", {"kid": "shared"})
    there.behaviour.keys = [dict(shared.as_dict(private=True)), public(RSA)]
    there.behaviour.signed_by = shared
    assert refused(ours, there, now) is Refusal.ALGORITHM
    there.behaviour.header = {"alg": "HS256", "kid": None}
    assert refused(ours, there, now) is Refusal.ALGORITHM


def test_another_key_under_a_known_id_is_refused(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.signed_by = OTHER_RSA
    there.behaviour.header = {"kid": RSA.kid}
    assert refused(ours, there, now) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    "header", [{"jwk": public(OTHER_RSA)}, {"jku": "http://127.0.0.1:1/keys"}, {"x5u": "http://127.0.0.1:1/"}], ids=list
)
def test_a_key_that_the_token_brings_along_or_points_to_is_not_believed(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, header: dict[str, Any]
) -> None:
    there.behaviour.signed_by = OTHER_RSA
    there.behaviour.header = {"kid": RSA.kid, **header}
    assert refused(ours, there, now) in {Refusal.SIGNATURE, Refusal.TOKEN}


def test_a_header_of_the_providers_own_is_passed_over(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.header = {"pi.atm": "1"}
    assert signed_in(ours, there, now).subject == "f3a1"
    there.behaviour.header = {"crit": ["pi.atm"], "pi.atm": "1"}
    assert refused(ours, there, now) is Refusal.TOKEN


def test_a_changed_token_is_refused(ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime) -> None:
    def changed(claims: dict[str, Any]) -> str:
        head, _, mac = there.signed(claims).split(".")
        return f"{head}.{there.signed({**claims, 'sub': 'boss'}).split('.')[1]}.{mac}"

    there.behaviour.id_token = changed
    assert refused(ours, there, now) is Refusal.SIGNATURE


def test_keys_that_do_not_sign_or_are_too_small_are_passed_over(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    strange = [{"kty": "AKP", "kid": RSA.kid}, "no key", {"kty": "RSA", "kid": RSA.kid, "n": "AQAB", "e": "AQAB"}, {}]
    there.behaviour.keys = [*strange, {**public(RSA), "use": "enc"}, public(RSA)]  # type: ignore[list-item]
    assert signed_in(ours, there, now).subject == "f3a1"
    there.behaviour.keys = [{**public(RSA), "use": "enc"}]
    assert refused(ours, there, now + KNOWN_FOR) is Refusal.KEY


def test_a_key_that_can_be_broken_is_not_believed(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    with pytest.warns(match="2048"):
        small = RSAKey.generate_key(1024, {"kid": "small"})
    there.behaviour.keys, there.behaviour.signed_by = [public(small)], small
    assert refused(ours, there, now) is Refusal.KEY


def test_a_key_made_for_another_algorithm_is_not_used(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.keys = [{**public(RSA), "alg": "PS256"}]
    assert refused(ours, there, now) is Refusal.KEY


def test_an_algorithm_that_the_provider_does_not_announce_is_refused(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.document = {"id_token_signing_alg_values_supported": ["ES256", "none", "HS256"]}
    assert refused(ours, there, now) is Refusal.ALGORITHM


def test_new_keys_are_found_when_the_provider_has_changed_them(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    assert signed_in(ours, there, now).subject == "f3a1"
    there.behaviour.keys, there.behaviour.signed_by = [public(OTHER_RSA)], OTHER_RSA
    assert signed_in(ours, there, now + FLOOR).subject == "f3a1"
    assert there.asked.count("/keys") == 2


def test_new_keys_without_ids_are_found_too(ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime) -> None:
    def bare(key: RSAKey) -> dict[str, Any]:
        return {name: value for name, value in public(key).items() if name != "kid"}

    there.behaviour.header = {"kid": None}
    there.behaviour.keys = [public(EC), bare(RSA)]
    assert signed_in(ours, there, now).subject == "f3a1"
    there.behaviour.keys, there.behaviour.signed_by = [bare(OTHER_RSA)], OTHER_RSA
    assert signed_in(ours, there, now + FLOOR).subject == "f3a1"


def test_unknown_keys_make_us_ask_the_provider_once_a_minute_at_most(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.header = {"kid": "made up"}
    tokens = [there.signed(there.claims_for(None)) for _ in range(20)]
    for token in tokens:
        with pytest.raises(SignInRefused) as refusal:
            ours.verify_logout_token(token, now=now)
        assert refusal.value.refusal is Refusal.KEY
    assert there.asked.count("/keys") == 1
    with pytest.raises(SignInRefused):
        ours.verify_logout_token(tokens[0], now=now + FLOOR)
    assert there.asked.count("/keys") == 2


def test_a_withdrawn_key_counts_for_an_hour_at_most(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    assert signed_in(ours, there, now).subject == "f3a1"
    there.behaviour.keys = [public(OTHER_RSA)]
    assert refused(ours, there, now + KNOWN_FOR) is Refusal.KEY


def huge() -> Answer:
    return as_json({"padding": "x" * LARGEST_BYTES})


def cut_off() -> Answer:
    return 200, {"Content-Length": "900000"}, b"{"


def dripping() -> Answer:
    return 200, {"Content-Length": "900000"}, (time.sleep(0.1) or b" " for _ in range(30))


def hanging() -> Answer:
    time.sleep(1.5)
    return as_json({})


def elsewhere() -> Answer:
    return 302, {"Location": "/followed"}, b"{}"


def packed() -> Answer:
    return 200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08" + bytes(100)


def nested() -> Answer:
    return 200, {}, b"[" * 500_000


def listed() -> Answer:
    return as_json([])


def broken() -> Answer:
    return 500, {}, b"<html>"


def busy() -> Answer:
    return 429, {}, b"slow down"


BROKEN = [huge, cut_off, dripping, hanging, elsewhere, packed, nested, listed, broken, busy]


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/user"])
@pytest.mark.parametrize("answer", BROKEN)
@pytest.mark.timed
def test_a_provider_that_answers_badly_is_a_part_that_is_down(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, path: str, answer: Callable[[], Answer]
) -> None:
    there.behaviour.before = {path: answer}
    there.behaviour.claims = {"name": None}  # so that user info is asked
    there.behaviour.user_info = {"sub": "f3a1"}
    began = time.monotonic()
    with pytest.raises(ProviderDown) as down:
        signed_in(ours, there, now)
    assert time.monotonic() - began < 3.0
    assert path in down.value.reason
    assert CLIENT_SECRET not in str(down.value)
    assert "127.0.0.1" not in down.value.detail + down.value.way_out
    there.behaviour.before = {}
    assert signed_in(ours, there, now + 10 * SECOND).subject == "f3a1"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/user"])
def test_no_redirect_is_followed(ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, path: str) -> None:
    there.behaviour.before = {path: elsewhere}
    there.behaviour.claims = {"name": None}
    with pytest.raises(ProviderDown, match="sends us elsewhere"):
        signed_in(ours, there, now)
    assert "/followed" not in there.asked


@pytest.mark.timed
def test_those_who_come_while_a_provider_hangs_do_not_wait_one_after_another(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.before = {"/.well-known/openid-configuration": hanging}

    def begin(_: int) -> bool:
        with pytest.raises(ProviderDown):
            ours.begin(CALLBACK, now=now)
        return True

    began = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(begin, range(10)))
    assert time.monotonic() - began < 1.5
    assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"issuer": "https://evil.example"}, "calls itself 'https://evil.example'"),
        ({"issuer": None}, "calls itself"),
        ({"authorization_endpoint": None}, "names no authorization_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint is no https"),
        ({"token_endpoint": "http://elsewhere.example/token"}, "token_endpoint is no https"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri is no https"),
        ({"userinfo_endpoint": "https://user@elsewhere.example/"}, "userinfo_endpoint is no https"),
        ({"end_session_endpoint": "https://[broken/"}, "end_session_endpoint is no https"),
        ({"id_token_signing_alg_values_supported": ["none", "HS256"]}, "signs in no way that is safe"),
    ],
    ids=str,
)
def test_a_provider_that_says_dangerous_things_of_itself_is_not_used(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, document: dict[str, Any], said: str
) -> None:
    there.behaviour.document = document
    with pytest.raises(ProviderDown) as down:
        ours.begin(CALLBACK, now=now)
    assert said in down.value.reason


def test_what_the_token_leaves_out_is_asked_once_and_does_not_replace_what_it_says(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.claims = {"name": None, "groups": None}
    there.behaviour.user_info = {
        "sub": "f3a1",
        "name": "Ana Lima",
        "groups": ["doctors"],
        "roles": ["boss"],
        "email": "boss@example.org",
        "iss": "https://evil.example",
    }
    person = signed_in(ours, there, now)
    assert (person.name, person.groups) == ("Ana Lima", frozenset({"doctors"}))
    assert (person.role, person.email, person.issuer) == (Role.EMPLOYEE, "ana@example.org", there.issuer)
    assert there.asked.count("/user") == 1


@pytest.mark.parametrize("info", [{"sub": "boss"}, {}, {"sub": ["f3a1"]}])
def test_user_info_of_another_person_is_refused(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, info: dict[str, Any]
) -> None:
    there.behaviour.claims = {"roles": None}
    there.behaviour.user_info = {"roles": ["boss"], **info}
    assert refused(ours, there, now) is Refusal.SUBJECT


def test_whom_no_claim_gives_a_role_is_told_so(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.claims = {"roles": ["guest"]}
    with pytest.raises(SignInRefused, match="may not use Earmark") as refusal:
        signed_in(ours, there, now)
    assert refusal.value.refusal is Refusal.NO_ROLE


@pytest.mark.parametrize(
    ("auth_time", "refusal"), [(NOW_S - 3600, Refusal.SIGNED_IN_LONG_AGO), (None, Refusal.CLAIM), (NOW_S, None)]
)
def test_a_sign_in_at_the_provider_may_have_to_be_recent(
    config: ProviderConfig,
    there: MisbehavingProvider,
    database: Database,
    now: dt.datetime,
    auth_time: int | None,
    refusal: Refusal | None,
) -> None:
    recent = ProviderConfig(config.issuer, config.client_id, config.client_secret, max_age_s=600)
    ours = OpenIdProvider(recent, ClaimMapping(), UsedFlowsTable(database))
    there.behaviour.claims = {"auth_time": auth_time}
    assert parse_qs(urlsplit(ours.begin(CALLBACK, now=now).url).query)["max_age"] == ["600"]
    if refusal is None:
        assert signed_in(ours, there, now).subject == "f3a1"
    else:
        assert refused(ours, there, now) is refusal
    ours.close()


def test_a_secret_that_the_provider_does_not_know_is_our_fault_and_not_the_persons(
    config: ProviderConfig, there: MisbehavingProvider, database: Database, now: dt.datetime
) -> None:
    wrong = ProviderConfig(config.issuer, config.client_id, "last year's secret")
    ours = OpenIdProvider(wrong, ClaimMapping(), UsedFlowsTable(database))
    with pytest.raises(ProviderDown, match="client id or secret") as down:
        signed_in(ours, there, now)
    assert "last year's secret" not in f"{down.value} {wrong!r}"
    ours.close()


def test_no_token_secret_or_name_is_logged(
    ours: OpenIdProvider,
    there: MisbehavingProvider,
    now: dt.datetime,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    begun = ours.begin(CALLBACK, now=now)
    brought = there.sign_in(begun.url)
    person = ours.finish(begun.flow, brought, now=now)
    written = caplog.text + "".join(capfd.readouterr()) + repr(person)
    secrets = [brought["code"], begun.flow.state, begun.flow.verifier, CLIENT_SECRET, person.id_token]
    assert not [secret for secret in secrets if secret in written]


def test_signing_out_leads_to_the_providers_page(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    url = ours.end_session_url("hint", "https://earmark.example/", now=now)
    assert url is not None
    assert url.startswith(there.issuer + "/end?")
    assert parse_qs(urlsplit(url).query) == {
        "client_id": [CLIENT_ID],
        "post_logout_redirect_uri": ["https://earmark.example/"],
        "id_token_hint": ["hint"],
    }


@pytest.mark.parametrize("gone", [{"end_session_endpoint": None}, {"issuer": "https://evil.example"}])
def test_signing_out_waits_for_no_provider(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, gone: dict[str, Any]
) -> None:
    there.behaviour.document = gone
    assert ours.end_session_url(None, "https://earmark.example/", now=now) is None


def logout_token(there: MisbehavingProvider, **claims: Any) -> str:
    said = {
        "iss": there.issuer,
        "aud": CLIENT_ID,
        "iat": NOW_S,
        "exp": NOW_S + 120,
        "jti": "j1",
        "events": {LOGOUT_EVENT: {}},
        "sub": "f3a1",
        "sid": "s1",
        **claims,
    }
    return there.signed({name: value for name, value in said.items() if value is not None})


def test_the_provider_may_end_sessions_itself(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    there.behaviour.header = {"typ": "logout+jwt"}
    assert ours.verify_logout_token(logout_token(there), now=now) == SignedOut("f3a1", "s1")
    assert ours.verify_logout_token(logout_token(there, sid=None), now=now) == SignedOut("f3a1", None)
    assert ours.verify_logout_token(logout_token(there, sub=None), now=now) == SignedOut(None, "s1")


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"iss": "https://evil.example"}, Refusal.ISSUER),
        ({"aud": "somebody-else"}, Refusal.AUDIENCE),
        ({"exp": NOW_S - 120}, Refusal.EXPIRED),
        ({"iat": NOW_S - 3600, "exp": None}, Refusal.EXPIRED),
        ({"iat": NOW_S + 3600}, Refusal.TOO_EARLY),
        ({"iat": None}, Refusal.CLAIM),
        ({"events": None}, Refusal.CLAIM),
        ({"events": {"http://other.example": {}}}, Refusal.CLAIM),
        ({"events": [LOGOUT_EVENT]}, Refusal.CLAIM),
        ({"nonce": "n"}, Refusal.CLAIM),
        ({"sub": None, "sid": None}, Refusal.SUBJECT),
    ],
    ids=str,
)
def test_a_logout_token_against_the_rules_is_refused(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime, claims: dict[str, Any], refusal: Refusal
) -> None:
    with pytest.raises(SignInRefused) as refused_for:
        ours.verify_logout_token(logout_token(there, **claims), now=now)
    assert refused_for.value.refusal is refusal


def test_an_id_token_signs_nobody_out_and_a_logout_token_nobody_in(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    with pytest.raises(SignInRefused):
        ours.verify_logout_token(there.signed(there.claims_for("n")), now=now)
    there.behaviour.id_token = lambda claims: logout_token(there)
    assert refused(ours, there, now) is Refusal.NONCE


@pytest.mark.parametrize(
    "issuer",
    ["http://sso.example.org", "ftp://sso.example.org", "sso.example.org", "https://", "https://sso.example.org/?a=1"],
)
def test_an_issuer_is_an_https_address(issuer: str) -> None:
    with pytest.raises(ValueError, match="is no issuer"):
        ProviderConfig(issuer, CLIENT_ID)


def test_the_doctor_learns_what_a_provider_can_do(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    probed = ours.probe(now=now)
    assert (probed.keys, probed.ends_sessions) == (1, True)
    there.behaviour.keys = []
    there.behaviour.document = {"end_session_endpoint": None}
    with pytest.raises(ProviderDown, match="no key that signs"):
        ours.probe(now=now + KNOWN_FOR)


def test_a_clock_that_was_set_back_keeps_no_key_for_ever(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    ours.probe(now=now + dt.timedelta(days=365))
    ours.probe(now=now)
    assert there.asked.count("/keys") == 2


@pytest.mark.timed
def test_what_is_known_is_used_while_somebody_looks_for_newer_keys(
    ours: OpenIdProvider, there: MisbehavingProvider, now: dt.datetime
) -> None:
    ours.probe(now=now)
    there.behaviour.before = {"/keys": hanging}
    there.behaviour.header = {"kid": "made up"}
    token = there.signed(there.claims_for(None))

    def look() -> None:
        with pytest.raises(ProviderDown):
            ours.verify_logout_token(token, now=now + FLOOR)

    looking = threading.Thread(target=look)
    looking.start()
    while there.asked.count("/keys") < 2:
        time.sleep(0.005)
    there.behaviour.header = {}
    began = time.monotonic()
    assert signed_in(ours, there, now + FLOOR).subject == "f3a1"
    assert time.monotonic() - began < 0.4
    looking.join()
