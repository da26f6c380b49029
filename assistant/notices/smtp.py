"""Mail by SMTP, encrypted and to the server that the certificate names. The one file that knows smtplib."""

import re
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path

from assistant.notices.mail import MailPutOff, MailRefused, MailServerDown

TIMEOUT_S = 15.0
"""How long the server may be silent."""
_ENHANCED = re.compile(rb"\s*(\d\.\d{1,3}\.\d{1,3})\b")
_NOT_AVAILABLE = 421
_ABOUT_US = frozenset({530, 534, 535, 538})
"""Codes that ask for another sign-in, to whichever command they answer: no fault of who is written to."""


class Security(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class SmtpServer:
    """One connection at a time, made when it is needed. For one thread.

    `own_name`: by which we greet; `ca_file`: who signs the server's certificate, the system's authorities where None.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security,
        own_name: str,
        user: str = "",
        password: str = "",
        ca_file: Path | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._host, self._port, self._security = host, port, security
        self._own_name = own_name
        self._user, self._password = user, password
        self._ca_file = ca_file
        self._timeout_s = timeout_s
        self._connection: smtplib.SMTP | None = None

    def __str__(self) -> str:
        return f"{self._host}:{self._port}, {self._security.value}"

    def send(self, message: EmailMessage) -> None:
        """Raises MailServerDown, MailPutOff, MailRefused; none of them repeats what the server said, which may hold
        the address."""
        connection = self._connected()
        try:
            connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            [(code, said)] = error.recipients.values()
            raise self._of_one_mail(code, said) from None
        except smtplib.SMTPDataError as error:
            raise self._of_one_mail(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPSenderRefused as error:
            raise self._down(f"does not take mail from our address: {_code(error)}") from None
        except smtplib.SMTPResponseException as error:
            raise self._down(_code(error)) from None
        except (smtplib.SMTPException, OSError) as error:
            raise self._down(f"stopped answering: {type(error).__name__}") from None

    def check(self) -> None:
        """Sign in and out again. Raises MailServerDown."""
        self._connected()
        self.hang_up()

    def hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        try:
            connection = self._greeted()
        except smtplib.SMTPNotSupportedError as error:
            raise self._down(str(error)) from error
        except smtplib.SMTPResponseException as error:
            raise self._down(f"does not let us in: {_code(error)}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise self._down(f"{type(error).__name__}: {error}") from error
        return connection

    def _greeted(self) -> smtplib.SMTP:
        if self._security is Security.TLS:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, self._own_name, timeout=self._timeout_s, context=self._trusting()
            )
        else:
            connection = smtplib.SMTP(self._host, self._port, self._own_name, timeout=self._timeout_s)
        try:
            if self._security is Security.STARTTLS:
                connection.starttls(context=self._trusting())
            if self._user:
                connection.login(self._user, self._password)
        except (smtplib.SMTPException, OSError):
            connection.close()
            raise
        return connection

    def _trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca_file)

    def _of_one_mail(self, code: int, said: bytes | str) -> MailServerDown | MailPutOff | MailRefused:
        reason = _with_enhanced(code, said)
        if code == _NOT_AVAILABLE or code in _ABOUT_US:
            return self._down(reason)
        if code < 500:
            return MailPutOff("the mail server does not take this mail now", "it is tried again", reason=reason)
        return MailRefused("the mail server does not take this mail", "mend the address", reason=reason)

    def _down(self, reason: str) -> MailServerDown:
        self.hang_up()
        return MailServerDown(
            "the mail server takes no mail now", "see EARMARK_SMTP_…, and its log", reason=f"{self}: {reason}"
        )


def _code(error: smtplib.SMTPResponseException) -> str:
    return _with_enhanced(error.smtp_code, error.smtp_error)


def _with_enhanced(code: int, said: bytes | str) -> str:
    """`550 5.1.1`: numbers alone."""
    found = _ENHANCED.match(said.encode("ascii", "replace") if isinstance(said, str) else said)
    return f"{code} {found[1].decode()}" if found else str(code)
