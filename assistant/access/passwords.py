"""Passwords of local accounts: kept as Argon2id, checked at the same cost whether or not there is such an account."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from assistant.errors import BadInput

SHORTEST, LONGEST = 12, 256
"""Characters. NIST SP 800-63B-4 asks for 15 where a password is all there is, 8 beside a second factor; 12 with
throttled attempts, no rules about signs and no forced change."""
TOO_SHORT = (f"a password needs {SHORTEST} characters", "a few words in a row are easy to keep in mind")
TOO_PLAIN = ("this password is the first that anybody would try", "take a few words in a row")
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without what looks alike: somebody types this from a sheet of paper."""

# 19 MiB, two passes, one lane: the first choice of OWASP's password storage cheat sheet. Some 30 ms on one core.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODYS = _HASHER.hash(secrets.token_urlsafe(16))


def hash_password(password: str, *, name: str) -> str:
    """Raises BadInput where it is too short, too long, or the person's own name."""
    if len(password) < SHORTEST:
        raise BadInput(*TOO_SHORT)
    if len(password) > LONGEST:
        raise BadInput(f"a password has {LONGEST} characters at most")
    if password.strip().casefold() in (name.casefold() * 2, name.casefold()) or len(set(password)) < 4:
        raise BadInput(*TOO_PLAIN)
    return _HASHER.hash(password)


def password_is(password: str, password_hash: str | None) -> bool:
    """Whether it is the one that was hashed; takes its time where there is none, too."""
    try:
        _HASHER.verify(password_hash or _NOBODYS, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_hashing_anew(password_hash: str) -> bool:
    return _HASHER.check_needs_rehash(password_hash)


def made_up_password() -> str:
    """Four groups of four: 80 bits, to be written down once and changed."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
