"""What is signed about the log and kept outside the database: that it stood there at a time, was cut, was put back.

The idea is that of signed tree heads (RFC 9162, section 4.10) and of the transparency logs' checkpoints, over a plain
chain: whoever holds one statement can tell whether the rows behind it are still those of then. Ed25519 (RFC 8032).
Pure: keys and lines come in, nothing is read or written.
"""

import base64
import binascii
import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from assistant.audit.chain import Head, read_time, time_text

_STATEMENT_BYTES = b"earmark audit statement 1\n"
_HASH = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"kind", "seq", "hash", "at", "key", "signature"}


class StatementKind(StrEnum):
    CHECKPOINT = "checkpoint"
    """The log's last row was this one, then."""
    PRUNED = "pruned"
    """Retention took every row up to this one away."""
    RESTORED = "restored"
    """A backup was put back: the log ended with this row again, and what was said of later ones holds no more."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Of the row `seq` and its hash; `at` by the clock of the host that signed."""

    kind: StatementKind
    seq: int
    hash: str
    at: dt.datetime

    @property
    def head(self) -> Head:
        return Head(self.seq, self.hash)


@dataclass(frozen=True, slots=True)
class SignedLines:
    """What a file of statements holds: those whose signature is right, the line numbers of those where it is not
    with why, and of those that were cut short while they were written."""

    statements: tuple[Statement, ...]
    forged: tuple[tuple[int, str], ...] = ()
    cut_short: tuple[int, ...] = ()


class _Unsound(Exception):
    """Why a line is not believed."""


def sign(statement: Statement, key: Ed25519PrivateKey) -> str:
    """The statement as a line of JSON, without its line feed."""
    fields = _fields_of(statement, key_id(key.public_key()))
    signature = base64.b64encode(key.sign(_signed_bytes(fields))).decode("ascii")
    return json.dumps({**fields, "signature": signature}, separators=(",", ":"))


def read_signed(lines: Iterable[str], keys: Sequence[Ed25519PublicKey]) -> SignedLines:
    """Each line's statement, where one of the keys signed it.

    A line without its end is what a power failure leaves; it is worth as much as one that was never written.
    """
    known = {key_id(key): key for key in keys}
    statements: list[Statement] = []
    forged: list[tuple[int, str]] = []
    cut_short: list[int] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if not line.rstrip().endswith("}"):
            cut_short.append(number)
            continue
        try:
            statements.append(_read(line, known))
        except _Unsound as why:
            forged.append((number, str(why)))
    return SignedLines(tuple(statements), tuple(forged), tuple(cut_short))


def key_id(key: Ed25519PublicKey) -> str:
    """A short name for a key, to say which one signed."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def _read(line: str, known: Mapping[str, Ed25519PublicKey]) -> Statement:
    fields = _parsed(line)
    signature = fields.pop("signature")
    key = known.get(fields["key"])
    if key is None:
        raise _Unsound(f"it is signed by key {fields['key']}, which is not among those to trust")
    try:
        key.verify(base64.b64decode(signature, validate=True), _signed_bytes(fields))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise _Unsound("its signature does not belong to what it says") from error
    return _statement_of(fields)


def _parsed(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise _Unsound("it is not JSON") from error
    texts = _FIELDS - {"seq"}
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        raise _Unsound("it does not have the fields of a statement")
    if type(fields["seq"]) is not int or not all(isinstance(fields[name], str) for name in texts):
        raise _Unsound("its fields are not of the right kinds")
    return fields


def _statement_of(fields: Mapping[str, Any]) -> Statement:
    """Of signed fields: what is wrong with them here was signed by a newer Earmark."""
    at = read_time(fields["at"])
    if fields["kind"] not in set(StatementKind) or at is None or not _HASH.fullmatch(fields["hash"]):
        raise _Unsound("it is signed, but says what this Earmark does not know")
    return Statement(StatementKind(fields["kind"]), fields["seq"], fields["hash"], at)


def _fields_of(statement: Statement, key: str) -> dict[str, Any]:
    return {
        "kind": statement.kind.value,
        "seq": statement.seq,
        "hash": statement.hash,
        "at": time_text(statement.at),
        "key": key,
    }


def _signed_bytes(fields: Mapping[str, Any]) -> bytes:
    return _STATEMENT_BYTES + json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
