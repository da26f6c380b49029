"""The key that signs statements about the log: made at first need, readable by its owner alone, in no backup.

It lies apart from the database on purpose: who has the database, or a backup of it, can change the log but cannot
sign for what he made of it.
"""

from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from assistant.errors import BadInput
from knowledge.durable_files import make_once

PRIVATE = "audit-signing.key"
PUBLIC = "audit-signing.pub"


class UnusableKey(BadInput):
    """A key file that cannot be read, or holds no Ed25519 key."""

    kind = "unusable-key"


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """The key of this folder, made where there is none; its public half lies beside. Raises UnusableKey, OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / PRIVATE
    if not path.exists():
        _make(path)
    key = _read_private(path)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if not (folder / PUBLIC).exists():
        (folder / PUBLIC).write_bytes(public)
    return key


def trusted_keys(folder: Path) -> list[Ed25519PublicKey]:
    """Whose signatures count here: this home's own, and any older one laid beside as audit-signing….pub."""
    return read_public_keys(sorted(folder.glob("audit-signing*.pub")))


def read_public_keys(paths: Iterable[Path]) -> list[Ed25519PublicKey]:
    """Raises UnusableKey naming the file."""
    return [_read_public(path) for path in paths]


def is_for_its_owner_alone(folder: Path) -> bool:
    """Whether nobody else of this machine can read the key; where there is none yet, nobody can."""
    path = folder / PRIVATE
    return not path.exists() or not path.stat().st_mode & 0o077


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    make_once(path, pem)


def _read_private(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableKey(f"{path}: cannot be read as a key: {error}", "mend its rights, or put it back") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableKey(f"{path}: is no Ed25519 key", "put back the one that Earmark made")
    return key


def _read_public(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise UnusableKey(f"{path}: cannot be read as a public key: {error}", f"name a copy of {PUBLIC}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UnusableKey(f"{path}: is no Ed25519 key", f"name a copy of {PUBLIC}")
    return key
