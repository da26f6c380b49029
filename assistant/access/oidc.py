"""OpenID Connect: the code flow with PKCE, state and nonce, and the check of tokens. Alone knows Authlib and joserfc.

What it learns of the provider (its metadata, its keys) is kept for an hour. Whatever a stranger sends, the provider is
asked for them anew at most once in FLOOR, or in FAILED_FOR where it fails: nobody can make us hammer it.
"""

import base64
import datetime as dt
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ClaimError,
    ExpiredTokenError,
    InvalidKeyCurveError,
    JoseError,
    KeyParameterError,
    MissingClaimError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import JWSRegistry

from assistant.access.claims import ClaimMapping, SignedInAs, missing_in, person_in
from assistant.access.errors import ProviderDown, Refusal, SignInRefused
from assistant.access.flow import Flow, own_path
from assistant.access.kept import Kept
from assistant.access.provider import Begun, Probed, ProviderConfig, SignedOut
from assistant.access.provider_http import ProviderHttp, without_query
from assistant.access.provider_metadata import SIGNATURES, ProviderMetadata, read_metadata
from assistant.access.used_flows import UsedFlows

LEEWAY_S = 60
"""By how much the provider's clock and ours may differ."""
FLOOR = dt.timedelta(seconds=60)
LOGOUT_FOR = dt.timedelta(minutes=10)
LONGEST_TOKEN = 128_000
LONGEST_CODE = 4096
MOST_KEYS = 100
RSA_BITS = range(2048, 8193)
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
REFUSALS = {
    "iss": Refusal.ISSUER,
    "aud": Refusal.AUDIENCE,
    "azp": Refusal.AUDIENCE,
    "iat": Refusal.TOO_EARLY,
    "nbf": Refusal.TOO_EARLY,
    "nonce": Refusal.NONCE,
    "at_hash": Refusal.ACCESS_TOKEN,
    "sub": Refusal.SUBJECT,
}
OUR_FAULT = {"invalid_client", "unauthorized_client"}


class OpenIdProvider:
    """A SignInProvider. Safe to call from several threads."""

    def __init__(
        self, config: ProviderConfig, mapping: ClaimMapping, used: UsedFlows, *, http: ProviderHttp | None = None
    ) -> None:
        self._config = config
        self._mapping = mapping
        self._used = used
        self._http = http or ProviderHttp()
        self._metadata = Kept(self._fetch_metadata)
        self._keys = Kept(self._fetch_keys)

    def close(self) -> None:
        self._http.close()

    def begin(self, redirect_uri: str, *, return_to: str | None = None, now: dt.datetime) -> Begun:
        metadata = self._metadata.get(now)
        flow = Flow(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect_uri,
            return_to=own_path(return_to),
            issued_at=int(now.timestamp()),
        )
        asked = {} if self._config.max_age_s is None else {"max_age": self._config.max_age_s}
        url, _state = self._client(metadata).create_authorization_url(
            metadata.authorization_endpoint,
            state=flow.state,
            nonce=flow.nonce,
            code_verifier=flow.verifier,
            redirect_uri=redirect_uri,
            **asked,
        )
        return Begun(url, flow)

    def finish(self, flow: Flow, callback_params: Mapping[str, str], *, now: dt.datetime) -> SignedInAs:
        if not flow.is_fresh(now):
            raise SignInRefused(Refusal.FLOW)
        if not hmac.compare_digest(callback_params.get("state", "").encode(errors="replace"), flow.state.encode()):
            raise SignInRefused(Refusal.STATE)
        if not self._used.use(flow, now=now):
            raise SignInRefused(Refusal.REPLAYED)
        metadata = self._metadata.get(now)
        tokens = self._exchange(metadata, flow, _code_in(callback_params, metadata))
        claims = self._verified_id_token(tokens, metadata, flow, now)
        if missing_in(claims, self._mapping) and metadata.userinfo_endpoint and tokens.access_token:
            claims = self._with_user_info(claims, metadata.userinfo_endpoint, tokens.access_token)
        return replace(person_in(claims, self._mapping), id_token=tokens.id_token)

    def end_session_url(
        self, id_token_hint: str | None, post_logout_redirect_uri: str, *, now: dt.datetime
    ) -> str | None:
        try:
            endpoint = self._metadata.get(now).end_session_endpoint
        except ProviderDown:
            return None  # signing out of Earmark never waits for somebody else
        if endpoint is None:
            return None
        params = [("client_id", self._config.client_id), ("post_logout_redirect_uri", post_logout_redirect_uri)]
        if id_token_hint:
            params.append(("id_token_hint", id_token_hint))
        return str(add_params_to_uri(endpoint, params))

    def verify_logout_token(self, token: str, *, now: dt.datetime) -> SignedOut:
        """By OpenID Connect Back-Channel Logout 1.0, section 2.6. Used twice it ends what has ended already."""
        metadata = self._metadata.get(now)
        verified = self._verified(token, metadata, now)
        claims = verified.claims
        registry = jwt.JWTClaimsRegistry(
            int(now.timestamp()),
            LEEWAY_S,
            iss={"essential": True, "value": metadata.issuer},
            aud={"essential": True, "value": self._config.client_id},
            iat={"essential": True},
        )
        try:
            registry.validate(claims)
        except ClaimError as error:
            raise SignInRefused(_refusal_of(error)) from error
        if now.timestamp() - claims["iat"] > LOGOUT_FOR.total_seconds() + LEEWAY_S:
            raise SignInRefused(Refusal.EXPIRED)
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict) or "nonce" in claims:
            raise SignInRefused(Refusal.CLAIM)
        subject, sid = _text_in(claims, "sub"), _text_in(claims, "sid")
        if subject is None and sid is None:
            raise SignInRefused(Refusal.SUBJECT)
        return SignedOut(subject, sid)

    def probe(self, *, now: dt.datetime) -> Probed:
        metadata = self._metadata.get(now)
        keys = self._keys.get(now)
        if not keys:
            raise ProviderDown(f"{without_query(metadata.jwks_uri)}: has no key that signs")
        return Probed(keys=len(keys), ends_sessions=metadata.end_session_endpoint is not None)

    def _client(self, metadata: ProviderMetadata) -> Any:
        """Authlib's, made for one call: it keeps the tokens that it fetched."""
        # In the form a secret has one way to be written; in a header providers differ on how its signs are quoted.
        with_secret = "client_secret_post" if metadata.posts_secret else "client_secret_basic"
        return OAuth2Client(
            _Session(self._http),
            client_id=self._config.client_id,
            client_secret=self._config.client_secret,
            token_endpoint_auth_method=with_secret if self._config.client_secret else "none",
            scope=" ".join(self._config.scopes),
            code_challenge_method="S256",
        )

    def _exchange(self, metadata: ProviderMetadata, flow: Flow, code: str) -> "_Tokens":
        at = without_query(metadata.token_endpoint)
        try:
            answer = self._client(metadata).fetch_token(
                metadata.token_endpoint, code=code, code_verifier=flow.verifier, redirect_uri=flow.redirect_uri
            )
        except OAuth2Error as error:
            if str(error.error) in OUR_FAULT:
                raise ProviderDown(f"{at}: does not accept our client id or secret ({error.error})") from None
            raise SignInRefused(Refusal.CODE) from None  # its text may quote the code
        except httpx.HTTPStatusError as error:
            raise ProviderDown(f"{at}: answers {error.response.status_code}") from None
        except (ValueError, TypeError, RecursionError):
            raise ProviderDown(f"{at}: does not answer as OAuth 2.0 says") from None
        id_token, access_token = _text_in(answer, "id_token"), _text_in(answer, "access_token")
        if id_token is None:
            raise ProviderDown(f"{at}: gives no ID token; openid must be among its scopes")
        return _Tokens(id_token, access_token)

    def _verified_id_token(
        self, tokens: "_Tokens", metadata: ProviderMetadata, flow: Flow, now: dt.datetime
    ) -> dict[str, Any]:
        token = self._verified(tokens.id_token, metadata, now)
        if not isinstance(token.claims.get("at_hash", ""), str):
            raise SignInRefused(Refusal.ACCESS_TOKEN)
        # Authlib knows the hash of RFC 9864's name only by the older one.
        header = {**token.header, "alg": "EdDSA"} if token.header["alg"] == "Ed25519" else token.header
        claims = CodeIDToken(
            token.claims,
            header,
            options={
                "iss": {"essential": True, "value": metadata.issuer},
                "aud": {"essential": True, "value": self._config.client_id},
                "sub": {"essential": True},
            },
            params={
                "client_id": self._config.client_id,
                "nonce": flow.nonce,
                "access_token": tokens.access_token,
                "max_age": self._config.max_age_s,
            },
        )
        try:
            claims.validate(int(now.timestamp()), LEEWAY_S)
        except ClaimError as error:
            raise SignInRefused(_refusal_of(error)) from error
        self._refuse_long_ago(claims, now)
        return dict(token.claims)

    def _refuse_long_ago(self, claims: Mapping[str, Any], now: dt.datetime) -> None:
        longest = self._config.max_age_s
        if longest is not None and now.timestamp() - claims.get("auth_time", 0) > longest + LEEWAY_S:
            raise SignInRefused(Refusal.SIGNED_IN_LONG_AGO)

    def _with_user_info(self, claims: dict[str, Any], endpoint: str, access_token: str) -> dict[str, Any]:
        """Adds what the ID token leaves out; what it says stands."""
        told = self._http.get_object(endpoint, bearer=access_token)
        if told.get("sub") != claims["sub"]:
            raise SignInRefused(Refusal.SUBJECT)
        return {**told, **claims}

    def _verified(self, token: str, metadata: ProviderMetadata, now: dt.datetime) -> jwt.Token:
        """Its signature alone. A key that is not known is looked for at the provider once."""
        header = _header_of(token)
        if header.get("alg") not in metadata.signatures:
            raise SignInRefused(Refusal.ALGORITHM)
        keys = _fitting(self._keys.get(now), header)
        kid_named = header.get("kid") is not None
        if keys:
            try:
                return _decoded(token, keys)
            except BadSignatureError as error:
                if kid_named:
                    raise SignInRefused(Refusal.SIGNATURE) from error
        keys = _fitting(self._keys.get(now, at_most_old=FLOOR), header)
        if not keys:
            raise SignInRefused(Refusal.KEY)
        try:
            return _decoded(token, keys)
        except BadSignatureError as error:
            raise SignInRefused(Refusal.SIGNATURE) from error

    def _fetch_metadata(self, _now: dt.datetime) -> ProviderMetadata:
        issuer = self._config.issuer
        return read_metadata(self._http.get_object(get_well_known_url(issuer, external=True)), issuer)

    def _fetch_keys(self, now: dt.datetime) -> tuple[Key, ...]:
        uri = self._metadata.get(now).jwks_uri
        keys = self._http.get_object(uri).get("keys")
        if not isinstance(keys, list):
            raise ProviderDown(f"{without_query(uri)}: holds no keys")
        return tuple(key for key in map(_signing_key, keys[:MOST_KEYS]) if key is not None)


@dataclass(frozen=True, slots=True, repr=False)
class _Tokens:
    id_token: str
    access_token: str | None


class _Session:
    """What Authlib's client posts through, in place of a requests session."""

    def __init__(self, http: ProviderHttp) -> None:
        self._http = http

    def post(
        self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth
    ) -> httpx.Response:
        url, signed, form = auth.prepare("POST", url, dict(headers), urlencode(data))
        return self._http.post_form(url, form=form, headers=signed)


class _AllowedSignatures(JWSRegistry):
    """Only ours. joserfc would warn of the name EdDSA, which providers write; and refuse headers of their own."""

    def __init__(self) -> None:
        super().__init__(algorithms=SIGNATURES, strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        if name not in SIGNATURES:
            raise UnsupportedAlgorithmError(f"{name!r} is not allowed")
        return self.algorithms[name]


def _refusal_of(error: ClaimError) -> Refusal:
    if isinstance(error, ExpiredTokenError):
        return Refusal.EXPIRED
    if isinstance(error, MissingClaimError) and error.claim == "iat":
        return Refusal.CLAIM
    return REFUSALS.get(error.claim, Refusal.CLAIM)


def _code_in(params: Mapping[str, str], metadata: ProviderMetadata) -> str:
    """The code with which the browser came back, after what came beside it was checked."""
    if "id_token" in params or "access_token" in params:
        raise SignInRefused(Refusal.TOKEN_IN_ADDRESS)
    issuer = params.get("iss")
    if issuer != metadata.issuer and (issuer is not None or metadata.names_itself):  # RFC 9207
        raise SignInRefused(Refusal.ISSUER)
    if "error" in params:
        raise SignInRefused(Refusal.PROVIDER_REFUSED)
    code = params.get("code", "")
    if not code or len(code) > LONGEST_CODE or not code.isascii() or not code.isprintable():
        raise SignInRefused(Refusal.CODE)
    return code


def _header_of(token: str) -> dict[str, Any]:
    """What the token says of its own signature: believed only as far as it names one of our ways and keys."""
    first = token.partition(".")[0]
    try:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise ValueError("too long")
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError) as error:
        raise SignInRefused(Refusal.TOKEN) from error
    if not isinstance(header, dict) or not isinstance(header.get("alg"), str):
        raise SignInRefused(Refusal.TOKEN)
    return header


def _decoded(token: str, keys: Sequence[Key]) -> jwt.Token:
    """Raises BadSignatureError where none of the keys made it."""
    for key in keys:
        try:
            return jwt.decode(token, key, registry=_AllowedSignatures())
        except (BadSignatureError, InvalidKeyCurveError, KeyParameterError):
            continue
        except (JoseError, ValueError, RecursionError) as error:
            raise SignInRefused(Refusal.TOKEN) from error
    raise BadSignatureError


def _signing_key(data: object) -> Key | None:
    """A public key that signs; None for every other, because one strange key must not hide the rest."""
    if not isinstance(data, dict) or data.get("kty") not in ("RSA", "EC", "OKP") or data.get("use", "sig") != "sig":
        return None
    if data["kty"] == "RSA" and _rsa_bits(data.get("n")) not in RSA_BITS:
        return None
    try:
        return JWKRegistry.import_key(data)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _rsa_bits(modulus: object) -> int:
    try:
        raw = base64.urlsafe_b64decode(str(modulus) + "==")
    except ValueError:
        return 0
    return int.from_bytes(raw, "big").bit_length()


def _fitting(keys: Sequence[Key], header: Mapping[str, Any]) -> list[Key]:
    """Those that may have signed: of the named id, or any where the token names none; and made for the algorithm."""
    kid, algorithm = header.get("kid"), str(header["alg"])
    return [
        key
        for key in keys
        if (kid is None or key.get("kid") == kid)
        and key.get("alg") in (None, algorithm)
        and key.key_type == _key_type(algorithm)
    ]


def _key_type(algorithm: str) -> str:
    return {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[algorithm[:2]]


def _text_in(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None
