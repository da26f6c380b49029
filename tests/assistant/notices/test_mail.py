"""What a mail says, to whom it may go, and when it is tried again."""

import datetime as dt

import pytest

from assistant.notices.mail import MOST_ATTEMPTS, Mailing, answered_mail, mail_address, pause_after
from assistant.notices.smtp import Security, SmtpServer
from tests.assistant.notices.answered import NOON

SERVER = SmtpServer("localhost", 25, security=Security.NONE, own_name="localhost")
MAILING = Mailing(SERVER, "earmark@example.org", "https://earmark.example.org:8443")


def a_mail(language: str | None, *, mailing: Mailing = MAILING) -> tuple[dict[str, str], str, bytes]:
    made = answered_mail(mailing, to="anna@example.org", notice_id="n1", question_id="q1", language=language, now=NOON)
    return dict(made.items()), made.get_content(), made.as_bytes()


def test_a_mail_says_where_it_comes_from_and_that_no_person_wrote_it() -> None:
    headers, text, whole = a_mail("en")
    assert headers["From"] == "Earmark <earmark@example.org>"
    assert headers["To"] == "anna@example.org"
    assert headers["Subject"] == "A question you asked has been answered"
    assert headers["Date"] == "Mon, 16 Nov 2026 12:00:00 +0000"
    assert headers["Message-ID"] == "<n1@earmark.example.org>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Content-Type"].startswith("text/plain")
    assert "https://earmark.example.org:8443/questions/q1\n" in text
    assert "https://earmark.example.org:8443/me#answers\n" in text
    assert b"\n" not in whole.replace(b"\r\n", b"")


def test_a_mail_comes_in_the_readers_language_else_in_both() -> None:
    english, chinese, both = (a_mail(language)[1] for language in ("en", "zh", None))
    assert "回答" not in english
    assert "answered" not in chinese
    assert "查看回答：https://earmark.example.org:8443/questions/q1" in chinese
    assert all(part in both for part in ("Read the answer: https", "查看回答：https"))
    assert a_mail("xx")[1] == both
    assert max(map(len, a_mail(None)[2].split(b"\r\n"))) < 998


def test_an_address_of_numbers_is_a_host_too() -> None:
    on_ipv6 = Mailing(SERVER, "earmark@example.org", "https://[::1]:8000")
    assert a_mail("en", mailing=on_ipv6)[0]["Message-ID"] == "<n1@[::1]>"


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("anna@example.org", "anna@example.org"),
        (" Anna.O'Neil+x@EXAMPLE.org ", "Anna.O'Neil+x@example.org"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("anna@intranet", "anna@intranet"),
    ],
)
def test_an_address_is_taken_as_a_server_knows_it(told: str, address: str) -> None:
    assert mail_address(told) == address


@pytest.mark.parametrize(
    "told",
    [
        *("", "@", "anna", "anna@", "@example.org", "anna example.org", "anna@@example.org", "a@b@example.org"),
        *("anna@example.org\r\nBcc: all@example.org", "anna\n@example.org", "anna@example.org\n", "anna@exa\rmple.org"),
        *("anna@example.org, bert@example.org", "anna@example.org;bert@example.org", "Anna <anna@example.org>"),
        *("anna@example.org> SIZE=1", "<anna@example.org>", '"anna b"@example.org', "anna(x)@example.org"),
        *("anna@[127.0.0.1]", "anna@-example.org", "anna@example..org", ".anna@example.org", "anna\x00@example.org"),
        *("安娜@example.org", "anna@" + "a" * 64 + ".org", "a" * 65 + "@example.org", "anna@" + "a." * 130 + "org"),
        *("anna@example.org\u2028", "anna\u200b@example.org", "anna\ud800@example.org", "anna@\ud800.org"),
    ],
)
def test_what_could_be_read_in_two_ways_is_no_address(told: str) -> None:
    with pytest.raises(ValueError):
        mail_address(told)


def test_pauses_grow_and_end_after_three_days() -> None:
    pauses = [pause_after(attempts) for attempts in range(1, MOST_ATTEMPTS + 2)]
    assert pauses[:3] == [dt.timedelta(minutes=1), dt.timedelta(minutes=2), dt.timedelta(minutes=4)]
    assert pauses[-2:] == [None, None]
    taken = [pause for pause in pauses if pause is not None]
    assert max(taken) == dt.timedelta(hours=4)
    assert dt.timedelta(days=2.5) < sum(taken, dt.timedelta()) < dt.timedelta(days=3.5)
