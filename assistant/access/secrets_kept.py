"""Secrets that browsers and programs show: made by us, long enough that their SHA-256 may be kept in their place."""

import hashlib
import secrets


def new_secret() -> str:
    """256 bits, as 43 characters that may stand in a cookie or a header."""
    return secrets.token_urlsafe(32)


def kept_form(secret: str) -> str:
    """What the database keeps. A plain digest will do: nobody tries 2^256."""
    return hashlib.sha256(secret.encode()).hexdigest()
