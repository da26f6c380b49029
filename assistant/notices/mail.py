"""The mail that tells somebody of an answer: what it says, to whom it may go, when it is tried again.

It holds a link and no word of question or answer: mail lies on other machines, under other people's eyes. Knows no
database and no SMTP.
"""

import datetime as dt
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import urlsplit

from assistant.errors import EarmarkError, PartDown

FIRST_PAUSE = dt.timedelta(minutes=1)
LONGEST_PAUSE = dt.timedelta(hours=4)
MOST_ATTEMPTS = 25
"""Three days of them, by these pauses."""
UNUSABLE_ADDRESS = "no mail address that could be used"
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_LONGEST_LOCAL_PART, _LONGEST_ADDRESS = 64, 254


class MailServerDown(PartDown):
    """The mail server takes nothing now, from us or from anybody: not the fault of one mail."""

    kind = "mail-server-down"


class MailPutOff(EarmarkError):
    """The server does not take this one mail now."""

    kind = "mail-put-off"
    passing = True


class MailRefused(EarmarkError):
    """The server will never take this one mail. `reason` never holds the address."""

    kind = "mail-refused"


class MailServer(Protocol):
    def send(self, message: EmailMessage) -> None:
        """Over the connection there is, or a new one. Returns once the server has taken it.

        Raises MailServerDown, MailPutOff, MailRefused.
        """

    def hang_up(self) -> None:
        """Nothing more is to be sent for now."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """`sender`: the address that mails come from; `public_url`: the origin that people open."""

    server: MailServer
    sender: str
    public_url: str


@dataclass(frozen=True, slots=True)
class _Words:
    subject: str
    answered: str
    read: str
    switch_off: str


_WORDS = {
    "en": _Words(
        "A question you asked has been answered",
        "A question that you asked in Earmark has been answered.",
        "Read the answer: {link}",
        "Not by mail any more? Take the tick away: {choice}",
    ),
    "zh": _Words(
        "您的问题有了回答",
        "您在 Earmark 中提出的一个问题已得到回答。",
        "查看回答：{link}",
        "不想再收到邮件？请在此取消勾选：{choice}",
    ),
}


def mail_address(told: str) -> str:
    """The address, its domain as DNS knows it. What could be read in two ways, or is more than one address, is none.

    Raises ValueError.
    """
    local_part, at, domain = told.strip(" ").rpartition("@")
    ascii_domain = domain.encode("idna").decode("ascii").lower() if domain else ""
    address = f"{local_part}@{ascii_domain}"
    fits = len(local_part) <= _LONGEST_LOCAL_PART and len(address) <= _LONGEST_ADDRESS
    if not (at and fits and _LOCAL_PART.match(local_part) and _DOMAIN.match(ascii_domain)):
        raise ValueError(UNUSABLE_ADDRESS)
    return address


def answered_mail(
    mailing: Mailing, *, to: str, notice_id: str, question_id: str, language: str | None, now: dt.datetime
) -> EmailMessage:
    """`to`: as `mail_address` gives it; `language`: None for whoever reads nobody knows what: then both.

    The same notice gives the same Message-ID, by which mail programs know one that comes twice.
    """
    said = [_WORDS[language]] if language in _WORDS else list(_WORDS.values())
    link, choice = f"{mailing.public_url}/questions/{question_id}", f"{mailing.public_url}/me#answers"
    message = EmailMessage(policy=SMTP)
    message["From"] = f"Earmark <{mailing.sender}>"
    message["To"] = to
    message["Subject"] = " / ".join(words.subject for words in said)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{notice_id}@{_own_host(mailing.public_url)}>"
    message["Auto-Submitted"] = "auto-generated"
    parts = [
        f"{words.answered}\n\n{words.read.format(link=link)}\n\n{words.switch_off.format(choice=choice)}\n"
        for words in said
    ]
    message.set_content("\n".join(parts))
    return message


def _own_host(public_url: str) -> str:
    host = urlsplit(public_url).hostname or "localhost"
    return f"[{host}]" if ":" in host else host


def pause_while_away(waited: dt.timedelta) -> dt.timedelta:
    """Until the next attempt at a server that is away, for a mail that has waited so long already."""
    return min(max(waited, FIRST_PAUSE), LONGEST_PAUSE)


def pause_after(attempts: int) -> dt.timedelta | None:
    """Until the next attempt, after so many that failed; None where it is given up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 16)), LONGEST_PAUSE)
