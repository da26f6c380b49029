"""A certificate authority of one's own, for a building without one: phones give a microphone to HTTPS pages alone.

The authority may sign for the names and addresses that it was made for and for nothing else (name constraints), so
that whoever stole its key could pose as this server and as no other. Pure rules above, files below; asks no network.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from assistant.errors import BadInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AUTHORITY_DAYS = 3650
LONGEST_DAYS = 825
"""iOS takes no server certificate that is valid longer, from whomever."""
USUAL_DAYS = 397
WARN_DAYS = 30
"""Before the end the doctor says so."""
CLOCKS_DIFFER = timedelta(hours=1)
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reached:
    """By what people reach the server. Names in lower case; loopback's are always among them."""

    names: tuple[str, ...]
    addresses: tuple[Address, ...]

    def __str__(self) -> str:
        return ", ".join((*self.names, *map(str, self.addresses)))

    def covers(self, host: str) -> bool:
        """As a browser compares a certificate's names with the address it was given, brackets and all."""
        bare = host.strip("[]")
        wild = f"*.{bare.partition('.')[2]}"
        return bare in self.names or wild in self.names or bare in map(str, self.addresses)

    def within(self, other: "Reached") -> bool:
        """A name permits those below it, as name constraints do."""
        return set(self.addresses) <= set(other.addresses) and all(
            any(name == known or name.endswith(f".{known}") for known in other.names) for name in self.names
        )


@dataclass(frozen=True, slots=True)
class Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def reached_by(names: Iterable[str], addresses: Iterable[str]) -> Reached:
    """Raises BadInput naming what is neither a name nor an address."""
    kept_names, kept = ["localhost"], [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    for name in names:
        lower = name.lower()
        if len(lower) > 253 or _NAME.fullmatch(lower) is None or lower.rpartition(".")[2].isdigit():
            raise BadInput(f"{name!r} is no name of a server", "write it as people do: earmark.example; --ip is beside")
        kept_names.append(lower)
    for address in addresses:
        try:
            kept.append(ipaddress.ip_address(address))
        except ValueError as error:
            raise BadInput(f"{address!r} is no IP address", "write it as 192.168.1.20; names go with --name") from error
    return Reached(tuple(dict.fromkeys(kept_names)), tuple(dict.fromkeys(kept)))


def own_names() -> list[str]:
    """What this machine calls itself, and that name as the building's mDNS has it."""
    name = socket.gethostname().lower()
    if _NAME.fullmatch(name) is None or name == "localhost":
        return []
    return [name] if "." in name else [name, f"{name}.local"]


def make_authority(reached: Reached, *, now: datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Earmark's own authority, {now:%Y-%m-%d}")])
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in reached.names]
    permitted += [x509.IPAddress(ipaddress.ip_network(address)) for address in reached.addresses]
    builder = (
        _begun(subject, subject, key, now=now, until=now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def make_server_certificate(authority: Pair, reached: Reached, *, days: int, now: datetime) -> Pair:
    """Never valid beyond its authority. Raises BadInput where the authority may not sign for one of the names."""
    permitted = permitted_by(authority.certificate)
    if not reached.within(permitted):
        raise BadInput(
            f"the authority of this home may sign for {permitted} alone, not for {reached}",
            "--force makes a new one, which every device must then be given",
        )
    key = ec.generate_private_key(ec.SECP256R1())
    until = min(now + timedelta(days=days), authority.certificate.not_valid_after_utc)
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in reached.names]
    names += [x509.IPAddress(address) for address in reached.addresses]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Earmark")])
    builder = (
        _begun(subject, authority.certificate.subject, key, now=now, until=until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def permitted_by(authority: x509.Certificate) -> Reached:
    """What an authority of ours may sign for."""
    subtrees = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    return Reached(
        tuple(each.value for each in subtrees if isinstance(each, x509.DNSName)),
        tuple(ipaddress.ip_network(each.value)[0] for each in subtrees if isinstance(each, x509.IPAddress)),
    )


def names_of(certificate: x509.Certificate) -> Reached:
    """For what a server's certificate was made."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Reached((), ())
    addresses = (ipaddress.ip_address(str(each)) for each in found.get_values_for_type(x509.IPAddress))
    return Reached(tuple(found.get_values_for_type(x509.DNSName)), tuple(addresses))


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """Where the certificates of a home lie: HOME/tls, its keys readable by their owner alone."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "tls"

    @property
    def authority(self) -> Path:
        """To hand to phones. It is no secret."""
        return self.folder / "earmark-ca.crt"

    @property
    def authority_key(self) -> Path:
        return self.folder / "earmark-ca.key"

    @property
    def certificate(self) -> Path:
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        return self.folder / "server.key"


@dataclass(frozen=True, slots=True)
class Made:
    reached: Reached
    until: datetime
    new_authority: bool


def certify(files: LocalFiles, *, asked: Reached | None, usual: Reached, days: int, force: bool, now: datetime) -> Made:
    """An authority where there is none (or by force), and a new certificate of the server signed by it.

    Where nothing is asked for: what the authority was made for, or the `usual` for a new one. Raises BadInput."""
    is_new = force or not files.authority.exists()
    if is_new:
        named = asked or usual
        authority = make_authority(named, now=now)
    else:
        authority = _read_pair(files.authority, files.authority_key)
        named = asked or permitted_by(authority.certificate)
    server = make_server_certificate(authority, named, days=days, now=now)
    files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_new:
        _write_pair(authority, files.authority, files.authority_key)
    _write_pair(server, files.certificate, files.key)
    return Made(named, server.certificate.not_valid_after_utc, is_new)


def _read_pair(certificate: Path, key: Path) -> Pair:
    try:
        read = serialization.load_pem_private_key(key.read_bytes(), password=None)
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{key}: the authority of this home cannot be used: {error}", "--force makes a new one for every device"
        ) from error
    if not isinstance(read, ec.EllipticCurvePrivateKey) or read.public_key() != found.public_key():
        raise BadInput(f"{key}: is not the key of {certificate.name}", "--force makes a new authority")
    return Pair(found, read)


def _write_pair(pair: Pair, certificate: Path, key: Path) -> None:
    """Stopped between the two it leaves a pair that does not fit and is refused wherever it is read: run it again."""
    secret = pair.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _put(key, secret, mode=0o600)
    _put(certificate, pair.certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _put(path: Path, data: bytes, *, mode: int) -> None:
    """Whole or not at all, and never readable by others for a moment."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
