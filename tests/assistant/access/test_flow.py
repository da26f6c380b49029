"""What the browser brings back: sealed, for ten minutes, and leading nowhere but to our own pages."""

import base64
import datetime as dt
from dataclasses import asdict, dataclass
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.access.errors import Refusal, SignInRefused
from assistant.access.flow import LIFETIME, LONGEST_RETURN, Flow, own_path, seal, unseal

KEY = bytes(range(32))
NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
FLOW = Flow("s" * 43, "n" * 43, "v" * 64, "https://earmark.example/sign-in/callback", "/jobs", int(NOW.timestamp()))


def test_what_was_sealed_comes_back_whole() -> None:
    assert unseal(seal(FLOW, KEY), KEY, NOW + LIFETIME) == FLOW


def test_nothing_of_a_flow_can_be_read_without_the_key() -> None:
    content = base64.urlsafe_b64decode(seal(FLOW, KEY))
    assert not [part for part in (FLOW.state, FLOW.nonce, FLOW.verifier) if part.encode() in content]


def refused(text: str, key: bytes = KEY, now: dt.datetime = NOW) -> bool:
    with pytest.raises(SignInRefused) as refusal:
        unseal(text, key, now)
    return refusal.value.refusal is Refusal.FLOW


@given(st.integers(0, len(seal(FLOW, KEY)) - 1), st.sampled_from("Az09-_"))
def test_a_changed_cookie_is_refused(at: int, sign: str) -> None:
    sealed = seal(FLOW, KEY)
    changed = sealed[:at] + sign + sealed[at + 1 :]
    same = base64.urlsafe_b64decode(changed + "==") == base64.urlsafe_b64decode(sealed + "==")
    assert same or refused(changed)


@given(st.text())
def test_a_made_up_cookie_is_refused(text: str) -> None:
    assert refused(text)


def test_a_cookie_of_another_key_or_time_is_refused() -> None:
    sealed = seal(FLOW, KEY)
    assert refused(sealed, bytes(32))
    assert refused(sealed, now=NOW + LIFETIME + dt.timedelta(seconds=1))
    assert refused(sealed, now=NOW - dt.timedelta(hours=1))


def test_hosts_of_ours_whose_clocks_differ_understand_each_other() -> None:
    early = NOW - dt.timedelta(seconds=50)
    assert unseal(seal(FLOW, KEY), KEY, early).is_fresh(early)
    assert not FLOW.is_fresh(NOW - dt.timedelta(seconds=70))


def test_a_flow_of_another_version_is_refused_like_any_other() -> None:
    @dataclass(frozen=True)
    class LaterFlow(Flow):
        more: str = "later"

    later = LaterFlow(**asdict(FLOW))
    assert refused(seal(later, KEY))


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        seal(FLOW, b"secret")


def test_the_longest_flow_fits_a_cookie() -> None:
    longest = Flow("s" * 43, "n" * 43, "v" * 64, "https://" + "h" * 255 + "/c", "/" + "r" * (LONGEST_RETURN - 1), 2**33)
    assert own_path(longest.return_to) == longest.return_to
    assert len(seal(longest, KEY)) < 4000


@pytest.mark.parametrize("path", ["/", "/recordings", "/recordings/0198?t=754#top", "/questions/1?a=%C3%A9&b=//x"])
def test_a_path_of_ours_is_kept(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "recordings",
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/a\\b",
        "/a\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/" + "r" * LONGEST_RETURN,
    ],
)
def test_what_leads_elsewhere_becomes_the_first_page(text: str | None) -> None:
    assert own_path(text) == "/"


@given(st.text("/\\.:@evil?#%\t\n é", max_size=12))
def test_no_path_leaves_our_own_address(text: str) -> None:
    assert urlsplit(urljoin("https://earmark.example/sign-in", own_path(text))).netloc == "earmark.example"
