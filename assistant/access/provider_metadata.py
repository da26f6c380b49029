"""What a provider says of itself (OpenID Connect Discovery 1.0), checked before anything of it is used. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.access.errors import ProviderDown
from assistant.access.provider import is_protected

SIGNATURES = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""Those made with a key that the provider keeps: never `none`, never HS*, whose key both sides know."""


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """`posts_secret`: the provider takes our secret in the form, not in a header. `names_itself`: in each callback."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    signatures: frozenset[str]
    posts_secret: bool
    names_itself: bool


def read_metadata(document: Mapping[str, Any], issuer: str) -> ProviderMetadata:
    """Raises ProviderDown naming what is missing, unprotected, or somebody else's."""
    said = document.get("issuer")
    if said != issuer:
        raise ProviderDown(
            f"{issuer}: the provider there calls itself {str(said)[:200]!r}; set oidc_issuer to just that"
        )
    return ProviderMetadata(
        issuer=issuer,
        authorization_endpoint=_needed(document, "authorization_endpoint", issuer),
        token_endpoint=_needed(document, "token_endpoint", issuer),
        jwks_uri=_needed(document, "jwks_uri", issuer),
        userinfo_endpoint=_address(document, "userinfo_endpoint", issuer),
        end_session_endpoint=_address(document, "end_session_endpoint", issuer),
        signatures=_signatures(document, issuer),
        posts_secret="client_secret_post" in _list(document, "token_endpoint_auth_methods_supported"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _needed(document: Mapping[str, Any], name: str, issuer: str) -> str:
    address = _address(document, name, issuer)
    if address is None:
        raise ProviderDown(f"{issuer}: names no {name}")
    return address


def _address(document: Mapping[str, Any], name: str, issuer: str) -> str | None:
    address = document.get(name)
    if address is None:
        return None
    loopback = issuer.startswith("http:")
    if not isinstance(address, str) or not is_protected(address, loopback=loopback) or "#" in address:
        raise ProviderDown(f"{issuer}: its {name} is no https address")
    return address


def _signatures(document: Mapping[str, Any], issuer: str) -> frozenset[str]:
    """Of those it announces the ones that we allow; ours where it announces none."""
    announced = _list(document, "id_token_signing_alg_values_supported")
    allowed = SIGNATURES.intersection(announced) if announced else SIGNATURES
    if not allowed:
        raise ProviderDown(f"{issuer}: signs in no way that is safe ({', '.join(announced)[:200]})")
    return allowed


def _list(document: Mapping[str, Any], name: str) -> list[str]:
    values = document.get(name)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
