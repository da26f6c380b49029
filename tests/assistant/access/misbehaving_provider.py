"""A small OpenID provider on loopback that does as it is told, and so whatever a provider must not do.

Real HTTP, real keys. `claims`, `header`, `signed_by`, `document`, `before` say what differs from a good answer.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

CLIENT_ID = "earmark"
NOW_S = 1_800_000_000
"""When all of it happens: ours is told the time too."""
CLIENT_SECRET = "a secret: ~+/%&=;"
RSA = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "curve"})
ED = OKPKey.generate_key("Ed25519", {"kid": "edwards"})
Answer = tuple[int, dict[str, str], bytes | Iterable[bytes]]
"""Status, headers, body; in pieces where it comes slowly."""


class _AnyHeader(jws.JWSRegistry):
    def check_header(self, header: dict[str, Any]) -> None:
        """Signs whatever it is told."""


@dataclass
class Behaviour:
    """`claims`: put over those of a good ID token, None leaves one out. `before`: answers a path in its own way."""

    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    signed_by: Key = field(default_factory=lambda: RSA)
    keys: list[dict[str, Any]] = field(default_factory=lambda: [RSA.as_dict(private=False)])
    document: dict[str, Any] = field(default_factory=dict)
    token_answer: dict[str, Any] = field(default_factory=dict)
    user_info: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Callable[[], Answer | None]] = field(default_factory=dict)
    id_token: Callable[[dict[str, Any]], str] | None = None


class MisbehavingProvider:
    """Listens until closed; `asked` keeps the paths. A browser's part is played by `sign_in`."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def sign_in(self, url: str) -> dict[str, str]:
        """What the browser that was sent to `url` brings back."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def claims_for(self, nonce: str | None, access_token: str | None = None) -> dict[str, Any]:
        good: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "f3a1",
            "aud": CLIENT_ID,
            "exp": NOW_S + 300,
            "iat": NOW_S,
            "nonce": nonce,
            "name": "Ana Lima",
            "email": "ana@example.org",
            "groups": ["nurses"],
            "roles": ["staff"],
        }
        if access_token is not None:
            half = hashlib.sha256(access_token.encode()).digest()[:16]
            good["at_hash"] = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
        told = {**good, **self.behaviour.claims}
        return {name: value for name, value in told.items() if value is not None}

    def signed(self, claims: dict[str, Any]) -> str:
        key = self.behaviour.signed_by
        algorithm = {"RSA": "RS256", "EC": "ES256", "OKP": "Ed25519", "oct": "HS256"}[key.key_type]
        header = {"alg": algorithm, "kid": key.kid, **self.behaviour.header}
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(header, claims, key, registry=_AnyHeader(algorithms=[header["alg"]]))

    def _answer(self, path: str, form: dict[str, str], authorization: str) -> Answer:
        answer = self.behaviour.before.get(path, lambda: None)()
        if answer is not None:
            return answer
        if path == "/.well-known/openid-configuration":
            return as_json({**self._document(), **self.behaviour.document})
        if path == "/keys":
            return as_json({"keys": self.behaviour.keys})
        if path == "/user":
            return as_json(self.behaviour.user_info)
        if path == "/token":
            return self._token(form, authorization)
        return 404, {}, b""

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + "/authorize?tenant=1",
            "token_endpoint": self.issuer + "/token",
            "jwks_uri": self.issuer + "/keys",
            "userinfo_endpoint": self.issuer + "/user",
            "end_session_endpoint": self.issuer + "/end",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def _token(self, form: dict[str, str], authorization: str) -> Answer:
        """As RFC 6749 and 7636 want it: a code counts once, for its own redirect and verifier."""
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        in_form = f"{form.get('client_id')}:{form.get('client_secret')}"
        in_header = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if f"{CLIENT_ID}:{CLIENT_SECRET}" not in (in_form, in_header):
            return as_json({"error": "invalid_client"}, 401)
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form.get("redirect_uri"):
            return as_json({"error": "invalid_grant"}, 400)
        access_token = secrets.token_urlsafe(16)
        claims = self.claims_for(asked["nonce"], access_token)
        make = self.behaviour.id_token or self.signed
        tokens = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300, "id_token": make(claims)}
        return as_json({**tokens, **self.behaviour.token_answer})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._reply(dict(parse_qsl(body)))

            def _reply(self, form: dict[str, str]) -> None:
                path = urlsplit(self.path).path
                provider.asked.append(path)
                provider.forms.append(form)
                status, headers, body = provider._answer(path, form, self.headers.get("Authorization", ""))
                self.send_response(status)
                length = {"Content-Length": str(len(body))} if isinstance(body, bytes) else {}
                for name, value in {**length, **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for piece in [body] if isinstance(body, bytes) else body:
                        self.wfile.write(piece)
                except OSError:
                    self.close_connection = True  # who asked had enough of it

            def log_message(self, *args: object) -> None:
                """Quiet."""

        return Handler


def as_json(document: object, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(claims: dict[str, Any]) -> str:
    return f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(claims)}."


def signed_with_the_public_key(claims: dict[str, Any]) -> str:
    """HS256 with what everybody knows: what a library that takes the algorithm from the token would believe."""
    head = f"{encoded({'alg': 'HS256', 'kid': RSA.kid})}.{encoded(claims)}"
    mac = hmac.digest(RSA.as_pem(private=False), head.encode(), "sha256")
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def public(key: Key) -> dict[str, Any]:
    return dict(key.as_dict(private=False))
