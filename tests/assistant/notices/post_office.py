"""A real mail server on loopback that takes, refuses, puts off and hangs as it is told."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from assistant.notices.smtp import Security, SmtpServer
from earmark.certificates import LocalFiles, certify, reached_by
from earmark.cli.serving import free_port

USER, PASSWORD = "earmark", "not for the log"
OK = "250 OK"


@dataclass
class PostOffice:
    """`says_of`: the reply to an address, by address; `says_of_data`: to what was sent to it. `hears`: called with
    each mail before the reply."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    says_of: dict[str, str] = field(default_factory=dict)
    says_of_data: dict[str, str] = field(default_factory=dict)
    says_of_sender: str = ""
    hangs: bool = False
    hears: Callable[[], None] = lambda: None

    @property
    def reached(self) -> list[str]:
        return [letter["To"] for letter in self.letters]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        while self.hangs:  # noqa: ASYNC110 - set from another thread
            await asyncio.sleep(0.05)
        if self.says_of_sender:
            return self.says_of_sender
        envelope.mail_from = address
        return OK

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        said = self.says_of.get(address, OK)
        if said == OK:
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        said = self.says_of_data.get(envelope.rcpt_tos[0], OK)
        if said == OK:
            content = envelope.original_content or b""
            self.letters.append(cast(EmailMessage, message_from_bytes(content, policy=default)))
            self.hears()
        return said


def let_in(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object) -> AuthResult:
    assert isinstance(given, LoginPassword)
    return AuthResult(success=(given.login, given.password) == (USER.encode(), PASSWORD.encode()), handled=False)


@dataclass(frozen=True)
class Certificate:
    files: LocalFiles

    @property
    def authority(self) -> Path:
        return self.files.authority

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.files.certificate, self.files.key)
        return made


def certificate_for(folder: Path, *, name: str = "localhost") -> Certificate:
    files = LocalFiles(folder)
    certify(files, asked=reached_by([name], []), usual=reached_by([], []), days=30, force=False, now=datetime.now(UTC))
    return Certificate(files)


@contextmanager
def open_office(
    *,
    security: Security = Security.NONE,
    certificate: Certificate | None = None,
    with_password: bool = False,
    port: int = 0,
) -> Iterator[PostOffice]:
    office = PostOffice()
    context = certificate.context() if certificate is not None else None
    controller = Controller(
        office,
        hostname="127.0.0.1",
        port=port or free_port("127.0.0.1"),
        ssl_context=context if security is Security.TLS else None,
        tls_context=context if security is Security.STARTTLS else None,
        require_starttls=security is Security.STARTTLS,
        authenticator=let_in if with_password else None,
        auth_required=with_password,
        auth_require_tls=security is Security.STARTTLS,
        server_hostname="localhost",
    )
    controller.start()
    office.port = controller.port
    try:
        yield office
    finally:
        office.hangs = False
        controller.stop()


def client_of(
    office: PostOffice,
    *,
    security: Security = Security.NONE,
    ca_file: Path | None = None,
    user: str = "",
    password: str = "",
    timeout_s: float = 5.0,
) -> SmtpServer:
    return SmtpServer(
        "localhost",
        office.port,
        security=security,
        own_name="earmark.example.org",
        user=user,
        password=password,
        ca_file=ca_file,
        timeout_s=timeout_s,
    )
