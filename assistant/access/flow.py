"""A sign-in under way: what the browser that began it must bring back. Sealed into its cookie, so nobody else has it.

Knows no provider. Sealing is Fernet (AES-128-CBC, HMAC-SHA-256) with a key made for this use alone.
"""

import base64
import datetime as dt
import hashlib
import json
import re
from dataclasses import asdict, dataclass

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from assistant.access.errors import Refusal, SignInRefused

LIFETIME = dt.timedelta(minutes=10)
SKEW_S = 60
"""By how much the clocks of two hosts of ours may differ; Fernet allows as much."""
SHORTEST_KEY = 32
LONGEST_RETURN = 1000
"""Characters: sealed it must fit a cookie of 4 KB."""
_WITHIN = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""Visible ASCII without a backslash: browsers read `/\\host` and `//host` as another site's address."""


@dataclass(frozen=True, slots=True)
class Flow:
    """`issued_at`: seconds since 1970. `return_to`: where the person wanted to go, a path of our own pages."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    return_to: str
    issued_at: int

    def is_fresh(self, now: dt.datetime) -> bool:
        age_s = now.timestamp() - self.issued_at
        return -SKEW_S <= age_s <= LIFETIME.total_seconds()

    @property
    def digest(self) -> str:
        """By what it is remembered that this flow was used."""
        return hashlib.sha256(self.state.encode()).hexdigest()

    @property
    def ends_at(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.issued_at, dt.UTC) + LIFETIME


def own_path(text: str | None) -> str:
    """The path if it stays on our own pages, else the first page."""
    if text is None or len(text) > LONGEST_RETURN or not _WITHIN.fullmatch(text):
        return "/"
    return text


def seal(flow: Flow, key: bytes) -> str:
    """Text for a cookie. `key`: SHORTEST_KEY random bytes or more, the same in every process that serves pages."""
    content = json.dumps(asdict(flow), separators=(",", ":")).encode()
    return _fernet(key).encrypt_at_time(content, flow.issued_at).decode("ascii")


def unseal(text: str, key: bytes, now: dt.datetime) -> Flow:
    """Raises SignInRefused for what was not sealed with this key, or longer than LIFETIME ago."""
    try:
        content = _fernet(key).decrypt_at_time(text.encode(), int(LIFETIME.total_seconds()), int(now.timestamp()))
        return Flow(**json.loads(content))
    except (InvalidToken, UnicodeEncodeError, TypeError) as error:  # TypeError: sealed by another version of Earmark
        raise SignInRefused(Refusal.FLOW) from error


def _fernet(key: bytes) -> Fernet:
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"a key of {len(key)} bytes is too short, {SHORTEST_KEY} are needed")
    made = HKDF(SHA256(), 32, salt=None, info=b"earmark sign-in flow").derive(key)
    return Fernet(base64.urlsafe_b64encode(made))
