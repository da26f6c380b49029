"""Our side of SMTP before a real server: encrypted or not, with a password or without, and whatever it answers."""

import socket
import threading
from pathlib import Path

import pytest

from assistant.notices.mail import MailPutOff, MailRefused, MailServerDown, answered_mail
from assistant.notices.smtp import Security, SmtpServer
from tests.assistant.notices.answered import NOON
from tests.assistant.notices.post_office import (
    PASSWORD,
    USER,
    Certificate,
    certificate_for,
    client_of,
    open_office,
)
from tests.assistant.notices.test_mail import MAILING

ANNA, BERT = "anna@example.org", "bert@example.org"


def send(server: SmtpServer, to: str = ANNA) -> None:
    server.send(answered_mail(MAILING, to=to, notice_id="n1", question_id="q1", language=None, now=NOON))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate_for(tmp_path_factory.mktemp("certificate"))


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the server's own worry, for whom TLS is not STARTTLS
@pytest.mark.parametrize("security", Security)
@pytest.mark.parametrize("with_password", [False, True])
def test_a_mail_arrives_as_it_was_made(certificate: Certificate, security: Security, with_password: bool) -> None:
    user, password = (USER, PASSWORD) if with_password else ("", "")
    with open_office(security=security, certificate=certificate, with_password=with_password) as office:
        server = client_of(office, security=security, ca_file=certificate.authority, user=user, password=password)
        server.check()
        send(server)
        send(server, BERT)
        server.hang_up()
    assert office.reached == [ANNA, BERT]
    assert "https://earmark.example.org:8443/questions/q1" in office.letters[0].get_content()
    assert "查看回答" in office.letters[0].get_content()


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_certificate_that_nobody_vouches_for_gets_nothing(
    certificate: Certificate, tmp_path: Path, security: Security
) -> None:
    """Nor one for another name."""
    other = certificate_for(tmp_path, name="mail.example.org")
    for ca_file, shown in ((None, certificate), (other.authority, certificate), (other.authority, other)):
        with open_office(security=security, certificate=shown) as office:
            client = client_of(office, security=security, ca_file=ca_file)
            if shown is other:
                client = SmtpServer("127.0.0.2", office.port, security=security, own_name="us", ca_file=ca_file)
            with pytest.raises(MailServerDown):
                send(client)
            assert office.letters == []


def test_a_server_that_does_not_encrypt_gets_no_password() -> None:
    with open_office() as office:
        server = client_of(office, security=Security.STARTTLS, user=USER, password=PASSWORD)
        with pytest.raises(MailServerDown, match="STARTTLS"):
            send(server)


def test_a_wrong_password_is_the_servers_no_and_is_not_told_on(certificate: Certificate) -> None:
    with open_office(security=Security.STARTTLS, certificate=certificate, with_password=True) as office:
        server = client_of(
            office, security=Security.STARTTLS, ca_file=certificate.authority, user=USER, password="wrong secret"
        )
        with pytest.raises(MailServerDown, match=r"does not let us in: 535 5\.7\.8") as refused:
            send(server)
    assert "wrong secret" not in f"{refused.value!r} {refused.value.__cause__!r}"


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        (f"550 5.1.1 <{ANNA}> unknown", MailRefused, "550 5.1.1"),
        (f"553 {ANNA}?", MailRefused, "553"),
        (f"451 4.7.1 {ANNA} come back later", MailPutOff, "451 4.7.1"),
        ("452 4.2.2 full", MailPutOff, "452 4.2.2"),
        ("421 4.3.2 closing", MailServerDown, "421 4.3.2"),
        ("530 5.7.0 sign in first", MailServerDown, "530 5.7.0"),
    ],
)
@pytest.mark.parametrize("at", ["address", "data"])
def test_what_the_server_says_of_one_mail_is_told_without_the_address(
    said: str, kind: type[Exception], reason: str, at: str
) -> None:
    with open_office() as office:
        (office.says_of if at == "address" else office.says_of_data)[ANNA] = said
        server = client_of(office)
        with pytest.raises(kind) as refused:
            send(server)
        assert refused.value.__cause__ is None
        assert reason in str(refused.value)
        assert ANNA not in str(refused.value)
        send(server, BERT)  # over the same connection, or a new one
        server.hang_up()
        assert office.reached == [BERT]


def test_our_own_address_refused_is_no_fault_of_who_is_written_to() -> None:
    with open_office() as office:
        office.says_of_sender = "553 5.1.8 who are you"
        with pytest.raises(MailServerDown, match=r"from our address: 553 5\.1\.8"):
            send(client_of(office))


def test_a_server_that_hangs_is_left_after_a_while() -> None:
    with open_office() as office:
        office.hangs = True
        with pytest.raises(MailServerDown):
            send(client_of(office, timeout_s=0.3))


@pytest.mark.parametrize("greeting", [b"", b"554 no\r\n", b"\x00\xff\r\n", b"HTTP/1.1 200 OK\r\n", b"2" * 20_000])
def test_what_is_no_mail_server_is_one_that_is_down(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        port = listening.getsockname()[1]
        with pytest.raises(MailServerDown):
            send(SmtpServer("127.0.0.1", port, security=Security.NONE, own_name="us", timeout_s=2.0))
        thread.join()
    with pytest.raises(MailServerDown, match="ConnectionRefused"):
        send(SmtpServer("127.0.0.1", port, security=Security.NONE, own_name="us"))
