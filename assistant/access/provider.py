"""Signing in by a company's provider: the values, and what a provider must do. Knows no protocol."""

import datetime as dt
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from assistant.access.claims import SignedInAs
from assistant.access.flow import Flow

CALLBACK_PATH = "/sign-in/callback"


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """How we are known to the provider. `client_secret`: None for a public client, whom PKCE alone protects.

    `max_age_s`: how long ago the person may have signed in at the provider; None leaves that to the provider.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    max_age_s: int | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.issuer)
        if not is_protected(self.issuer) or parts.query or parts.fragment:
            raise ValueError(f"{self.issuer!r} is no issuer: write its https address as the provider does")
        if "openid" not in self.scopes:
            raise ValueError("the scopes need openid among them")


@dataclass(frozen=True, slots=True)
class Begun:
    """`url`: where the browser goes. `flow`: what it must bring back; kept for this browser alone."""

    url: str
    flow: Flow


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Whose sessions end: all of `subject`'s, or the one that began with `sid`. One of them is there."""

    subject: str | None
    sid: str | None


@dataclass(frozen=True, slots=True)
class Probed:
    """What a provider that answers is able to do. `keys`: with which it may sign."""

    keys: int
    ends_sessions: bool


class SignInProvider(Protocol):
    """Each may raise ProviderDown; each talks to the provider, so that it is never called in an event loop."""

    def begin(self, redirect_uri: str, *, return_to: str | None = None, now: dt.datetime) -> Begun:
        """`redirect_uri`: our own callback, as the provider knows it."""
        ...

    def finish(self, flow: Flow, callback_params: Mapping[str, str], *, now: dt.datetime) -> SignedInAs:
        """Who came back. Raises SignInRefused; a flow can be finished once."""
        ...

    def end_session_url(
        self, id_token_hint: str | None, post_logout_redirect_uri: str, *, now: dt.datetime
    ) -> str | None:
        """Where the browser signs out there too; None where the provider has no such page, or does not answer."""
        ...

    def verify_logout_token(self, token: str, *, now: dt.datetime) -> SignedOut:
        """What the provider itself asks us to end. Raises SignInRefused."""
        ...

    def probe(self, *, now: dt.datetime) -> Probed: ...


def is_protected(url: str, *, loopback: bool = True) -> bool:
    """Whether nobody on the way can read or change what is sent: https, or this machine where `loopback` allows it."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or not url.isascii() or any(sign.isspace() for sign in url):
        return False
    return parts.scheme == "https" or (loopback and parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
