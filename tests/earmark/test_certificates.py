"""The building's own authority: what it signs is believed by who has it, and by nobody for another name."""

import ipaddress
import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from assistant.errors import BadInput
from earmark.certificates import (
    LocalFiles,
    Made,
    Pair,
    Reached,
    certify,
    make_authority,
    make_server_certificate,
    names_of,
    own_names,
    permitted_by,
    reached_by,
)
from earmark.listening import tls_context
from tests.product.running import earmark

NOW = datetime.now(UTC).replace(microsecond=0)
USUAL = reached_by([], [])


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path)


def made(files: LocalFiles, *, asked: Reached | None = None, days: int = 397, force: bool = False) -> Made:
    return certify(files, asked=asked, usual=USUAL, days=days, force=force, now=NOW)


def greeted(files: LocalFiles, name: str, *, authority: Path | None = None) -> str:
    """The version of TLS that was spoken with the server by whom has the authority. Raises ssl.SSLError."""
    server = tls_context(files.certificate, files.key)
    client = ssl.create_default_context(cafile=authority or files.authority)
    ours, theirs = socket.socketpair()
    ours.settimeout(10)

    def answer() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name) as spoken:
            return spoken.version() or ""
    finally:
        ours.close()
        thread.join(10)


@pytest.mark.parametrize("name", ["training.office.example", "192.168.7.7", "fd00::7", "localhost", "127.0.0.1"])
def test_who_has_the_authority_believes_the_server(files: LocalFiles, name: str) -> None:
    made(files, asked=reached_by(["Training.office.example"], ["192.168.7.7", "fd00::7"]))
    assert greeted(files, name) == "TLSv1.3"


@pytest.mark.parametrize("name", ["bank.example", "192.168.7.8"])
def test_for_another_name_it_is_not_believed(files: LocalFiles, name: str) -> None:
    made(files, asked=reached_by(["training.example"], ["192.168.7.7"]))
    with pytest.raises(ssl.SSLCertVerificationError):
        greeted(files, name)


@pytest.mark.parametrize("stolen_for", [reached_by(["bank.example"], []), reached_by([], ["192.168.7.8"])])
def test_a_stolen_authority_opens_no_other_site(files: LocalFiles, stolen_for: Reached) -> None:
    """Whoever has its key signs what he likes; the constraint stands in what the devices hold."""
    made(files, asked=reached_by(["training.example"], ["192.168.7.7"]))
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    forged = make_server_certificate(make_authority(stolen_for, now=NOW), stolen_for, days=30, now=NOW)
    _write(files, _signed_by(Pair(authority, _key(files.authority_key)), forged))

    name = stolen_for.names[-1] if len(stolen_for.names) > 1 else str(stolen_for.addresses[-1])
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        greeted(files, name)


def _key(path: Path) -> EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return key


def _signed_by(authority: Pair, forged: Pair) -> Pair:
    """The same names under the true authority's name and key, past the check that we make ourselves."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(forged.certificate.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(forged.key.public_key())
        .serial_number(1)
        .not_valid_before(forged.certificate.not_valid_before_utc)
        .not_valid_after(forged.certificate.not_valid_after_utc)
    )
    for extension in forged.certificate.extensions:
        if isinstance(extension.value, x509.AuthorityKeyIdentifier):
            continue
        builder = builder.add_extension(extension.value, extension.critical)
    return Pair(builder.sign(authority.key, hashes.SHA256()), forged.key)


def _write(files: LocalFiles, pair: Pair) -> None:
    files.certificate.write_bytes(pair.certificate.public_bytes(Encoding.PEM))
    files.key.write_bytes(pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_keys_are_their_owners_alone(files: LocalFiles) -> None:
    made(files)
    for path in (files.key, files.authority_key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    assert len(list(files.folder.iterdir())) == 4


def test_run_again_it_renews_by_the_same_authority(files: LocalFiles) -> None:
    first = made(files, asked=reached_by(["training.example"], ["192.168.7.7"]))
    before = {path.name: path.read_bytes() for path in files.folder.iterdir()}
    again = made(files)

    assert (first.new_authority, again.new_authority) == (True, False)
    assert again.reached == first.reached
    after = {path.name: path.read_bytes() for path in files.folder.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"server.crt", "server.key"}
    assert greeted(files, "training.example")


def test_for_less_than_it_may_the_same_authority_signs(files: LocalFiles) -> None:
    made(files, asked=reached_by(["office.example"], []))
    less = made(files, asked=reached_by(["training.office.example"], []))
    assert not less.new_authority
    assert greeted(files, "training.office.example")


def test_for_more_a_new_one_is_needed_and_made_only_by_force(files: LocalFiles) -> None:
    made(files, asked=reached_by(["training.example"], []))
    before = files.authority.read_bytes()
    with pytest.raises(BadInput, match=r"may sign for localhost, training\.example"):
        made(files, asked=reached_by(["other.example"], []))
    assert files.authority.read_bytes() == before

    assert made(files, asked=reached_by(["other.example"], []), force=True).new_authority
    assert greeted(files, "other.example")


def test_an_authority_without_its_key_is_not_written_over(files: LocalFiles) -> None:
    made(files)
    files.authority_key.unlink()
    before = files.authority.read_bytes()
    with pytest.raises(BadInput, match="--force"):
        made(files)
    assert files.authority.read_bytes() == before


def test_nothing_outlives_its_authority(files: LocalFiles) -> None:
    made(files)
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    late = authority.not_valid_after_utc - timedelta(days=10)
    pair = make_server_certificate(Pair(authority, _key(files.authority_key)), USUAL, days=397, now=late)
    assert pair.certificate.not_valid_after_utc == authority.not_valid_after_utc


@pytest.mark.parametrize("name", ["", "-x", "a..b", "a b", "*.example", "192.168.1.1", "x" * 300, "münchen.example"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="is no name"):
        reached_by([name], [])


@pytest.mark.parametrize("address", ["", "training", "192.168.1.0/24", "1.2.3"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="is no IP address"):
        reached_by([], [address])


def test_what_an_authority_may_sign_reads_back() -> None:
    asked = reached_by(["a.example", *own_names()], ["10.0.0.1", "fd00::1"])
    authority = make_authority(asked, now=NOW)
    assert permitted_by(authority.certificate) == asked
    assert names_of(make_server_certificate(authority, asked, days=1, now=NOW).certificate) == asked
    assert ipaddress.ip_address("10.0.0.1") in asked.addresses


def test_the_command_says_what_to_do_with_it(tmp_path: Path) -> None:
    ran = earmark(tmp_path, "certs", "local", "--name", "training.example", "--days", "30")
    assert ran.code == 0
    assert ran.out.strip() == str(tmp_path / "tls" / "earmark-ca.crt")
    assert "earmark serve --tls" in ran.err
    for device in ("iPhone", "Android", "Windows", "Firefox"):
        assert device in ran.err
    again = earmark(tmp_path, "certs", "local")
    assert "devices that have it need nothing" in again.err
    assert earmark(tmp_path, "certs", "local", "--days", "826").code == 2


@pytest.mark.parametrize("spoiled", ["no file", "no certificate", "another key", "a password"])
def test_a_certificate_that_cannot_serve_is_named(files: LocalFiles, spoiled: str) -> None:
    made(files)
    if spoiled == "no file":
        files.certificate.unlink()
    elif spoiled == "no certificate":
        files.certificate.write_text("nothing")
    elif spoiled == "another key":
        files.key.write_bytes(files.authority_key.read_bytes())
    else:
        secret = BestAvailableEncryption(b"secret")
        files.key.write_bytes(_key(files.key).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    with pytest.raises(BadInput, match=r"server\.crt with .*server\.key cannot be used"):
        tls_context(files.certificate, files.key)


def test_an_older_protocol_is_not_spoken(files: LocalFiles) -> None:
    made(files)
    context = tls_context(files.certificate, files.key)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
