"""Signing in at the company's provider, from the settings: what is missing is named before anything starts."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from assistant.access.claims import ClaimMapping, read_required, read_roles
from assistant.access.oidc import OpenIdProvider
from assistant.access.provider import CALLBACK_PATH, ProviderConfig, SignInProvider, is_protected
from assistant.access.role import Role
from assistant.access.used_flows import UsedFlowsTable
from earmark.settings import PREFIX, Settings, SettingsError
from knowledge.database import Database

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class CompanySignIn:
    """`redirect_uri`: our callback, which the provider must know letter for letter."""

    config: ProviderConfig
    mapping: ClaimMapping
    redirect_uri: str


def oidc_settings(settings: Settings, *, public_url: str) -> CompanySignIn:
    """What `sign_in = oidc` needs. `public_url`: under which address people reach our pages.

    Raises SettingsError naming what is missing or cannot be read.
    """
    config, mapping = provider_config(settings), claim_mapping(settings)
    _need(public_url, "public_url")
    if not is_protected(public_url):
        raise SettingsError(
            f"setting public_url: {public_url!r} is no https address", "a provider sends nobody back to another"
        )
    return CompanySignIn(config, mapping, public_url.rstrip("/") + CALLBACK_PATH)


def provider_config(settings: Settings) -> ProviderConfig:
    """Raises SettingsError."""
    _need(settings.oidc_issuer, "oidc_issuer")
    _need(settings.oidc_client_id, "oidc_client_id")
    secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else ""
    hours = settings.oidc_max_age_hours
    return _read(
        "oidc_issuer, oidc_scopes",
        lambda: ProviderConfig(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=secret or None,
            scopes=tuple(settings.oidc_scopes.split()),
            max_age_s=None if hours is None else round(hours * 3600),
        ),
    )


def claim_mapping(settings: Settings) -> ClaimMapping:
    """Raises SettingsError."""
    roles = _read("oidc_roles", lambda: read_roles(settings.oidc_roles))
    required = _read("oidc_required", lambda: read_required(settings.oidc_required))
    return _read(
        "oidc_role_claim, oidc_roles, oidc_default_role",
        lambda: ClaimMapping(
            role_claim=settings.oidc_role_claim,
            roles=roles,
            default_role=None if settings.oidc_default_role == "none" else Role(settings.oidc_default_role),
            groups_claim=settings.oidc_groups_claim,
            required=required,
        ),
    )


@contextmanager
def open_provider(config: ProviderConfig, mapping: ClaimMapping, database: Database) -> Iterator[SignInProvider]:
    """Nothing is asked of the provider before somebody signs in."""
    with closing(OpenIdProvider(config, mapping, UsedFlowsTable(database))) as provider:
        yield provider


def _need(value: str, name: str) -> None:
    if not value:
        raise SettingsError(f"setting {name} is missing", f"sign_in = oidc needs it: set {PREFIX}{name.upper()}")


def _read(names: str, read: Callable[[], Value]) -> Value:
    try:
        return read()
    except ValueError as error:
        raise SettingsError(f"settings {names}: {error}", "docs/admin.md has examples") from error
