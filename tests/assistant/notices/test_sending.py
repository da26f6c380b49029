"""Mails that are due: sent once, tried again, given up or not sent at all; before a real server."""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import structlog
from sqlalchemy import select, update

from assistant.access import people
from assistant.access.tables import PersonRow
from assistant.notices import store
from assistant.notices.mail import MOST_ATTEMPTS, Mailing
from assistant.notices.sending import TAKEN_FOR, count_mails, send_due
from assistant.notices.smtp import Security, SmtpServer
from assistant.notices.tables import MailState, NoticeRow
from assistant.notices.telling import take_back
from assistant.questions import log
from knowledge.database import Database
from tests.assistant.notices.answered import NOON, close, course, told_anna
from tests.assistant.notices.post_office import PostOffice, client_of, open_office

ANNA, BERT, CARL = (f"{name}@example.org" for name in ("anna", "bert", "carl"))
WEEK = dt.timedelta(days=7)


@dataclass
class Clock:
    now: dt.datetime = field(default=NOON)

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_by(self, time: dt.timedelta) -> None:
        self.now += time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def mailing(office: PostOffice, *, timeout_s: float = 5.0) -> Mailing:
    return Mailing(client_of(office, timeout_s=timeout_s), "earmark@example.org", "https://earmark.example.org")


def nobody_there() -> Mailing:
    """A mail server that is away."""
    away = SmtpServer("127.0.0.1", 1, security=Security.NONE, own_name="us")
    return Mailing(away, "earmark@example.org", "https://earmark.example.org")


def states(database: Database) -> list[tuple[MailState, int, str | None]]:
    with database.read() as session:
        rows = session.scalars(select(NoticeRow).order_by(NoticeRow.id))
        return [(row.mail, row.mail_attempts, row.mail_reason) for row in rows]


def tell_three(database: Database) -> None:
    for address in (ANNA, BERT, CARL):
        told_anna(database, email=address, name=address)


def test_each_mail_is_sent_once_with_a_link_and_no_word_of_the_question(databases: Database, clock: Clock) -> None:
    anna, question = told_anna(databases)
    told_anna(databases, email=BERT, name="Bert")
    store.note_language(databases, anna.id, "zh")
    with open_office() as office:
        assert send_due(databases, mailing(office), now=clock) == 2
        clock.pass_by(WEEK)
        assert send_due(databases, mailing(office), now=clock) == 0
    assert office.reached == [ANNA, BERT]
    assert office.letters[0]["Subject"] == "您的问题有了回答"
    assert office.letters[1]["Subject"] == "A question you asked has been answered / 您的问题有了回答"
    for letter in office.letters:
        assert "who drinks" not in letter.as_string()
        assert "Safety" not in letter.as_string()
    assert f"https://earmark.example.org/questions/{question}" in office.letters[0].get_content()
    assert states(databases) == [(MailState.SENT, 1, None)] * 2


def suspend(database: Database, person_id: str, _question: str) -> None:
    with database.write() as session:
        people.suspend(session, person_id)


def lose_the_course(database: Database, _person_id: str, _question: str) -> None:
    close(database, course(database))


def see_it(database: Database, person_id: str, question: str) -> None:
    store.mark_seen(database, person_id, question)


def want_no_mail(database: Database, person_id: str, _question: str) -> None:
    with database.write() as session:
        store.choose_mail(session, person_id, mail=False)


def take_it_back(database: Database, _person_id: str, question: str) -> None:
    with database.write() as session:
        take_back(session, [question])


def delete_it(database: Database, _person_id: str, question: str) -> None:
    with database.write() as session:
        log.delete_question(session, question)


def lose_the_address(database: Database, person_id: str, _question: str) -> None:
    with database.write() as session:
        session.execute(update(PersonRow).where(PersonRow.id == person_id).values(email=None))


@pytest.mark.parametrize(
    "meanwhile",
    [suspend, lose_the_course, see_it, want_no_mail, take_it_back, delete_it, lose_the_address],
    ids=lambda each: each.__name__,
)
def test_what_changed_since_counts(
    databases: Database, clock: Clock, meanwhile: Callable[[Database, str, str], None]
) -> None:
    """Also for a mail that was tried in vain before."""
    anna, question = told_anna(databases)
    assert send_due(databases, nobody_there(), now=clock) == 0
    meanwhile(databases, anna.id, question)
    clock.pass_by(WEEK)
    with open_office() as office:
        assert send_due(databases, mailing(office), now=clock) == 0
        clock.pass_by(WEEK)
        assert send_due(databases, mailing(office), now=clock) == 0
    assert office.letters == []


@pytest.mark.parametrize(
    "hostile",
    ["x@example.org\r\nBcc: all@example.org", "not an address", "a@b@c", "<script>", "x@example.org, y@example.org"],
)
def test_a_hostile_address_gets_nothing_and_holds_up_nobody(databases: Database, clock: Clock, hostile: str) -> None:
    told_anna(databases, email=hostile, name="Mallory")
    told_anna(databases)
    with open_office() as office, structlog.testing.capture_logs() as logs:
        assert send_due(databases, mailing(office), now=clock) == 1
    assert office.reached == [ANNA]
    assert "Bcc" not in office.letters[0]
    assert [state for state, *_ in states(databases)] == [MailState.GIVEN_UP, MailState.SENT]
    assert hostile not in str(logs)


def test_one_refused_address_and_one_put_off_hold_up_nobody(databases: Database, clock: Clock) -> None:
    tell_three(databases)
    with open_office() as office, structlog.testing.capture_logs() as logs:
        office.says_of = {ANNA: f"550 5.1.1 {ANNA} is nobody", BERT: "451 4.7.1 come again"}
        assert send_due(databases, mailing(office), now=clock) == 1
        assert office.reached == [CARL]
        assert states(databases) == [
            (MailState.GIVEN_UP, 1, "550 5.1.1"),
            (MailState.DUE, 1, None),
            (MailState.SENT, 1, None),
        ]
        office.says_of = {}
        assert send_due(databases, mailing(office), now=clock) == 0, "too early"
        clock.pass_by(dt.timedelta(minutes=1))
        assert send_due(databases, mailing(office), now=clock) == 1
        assert office.reached == [CARL, BERT]
    assert "@example.org" not in str(logs)
    with databases.read() as session:
        counts = count_mails(session, since=NOON)
        assert (counts.waiting, counts.waiting_since, counts.given_up) == (0, None, {"550 5.1.1": 1})
        assert count_mails(session, since=clock() + WEEK).given_up == {}


def test_while_the_server_is_away_nothing_is_lost_and_everything_comes_once(databases: Database, clock: Clock) -> None:
    tell_three(databases)
    for _ in range(5):
        assert send_due(databases, nobody_there(), now=clock) == 0
        clock.pass_by(dt.timedelta(seconds=20))
    with databases.read() as session:
        assert count_mails(session, since=NOON).waiting == 3
    clock.pass_by(dt.timedelta(hours=5))
    with open_office() as office:
        assert send_due(databases, mailing(office), now=clock) == 3
    assert sorted(office.reached) == [ANNA, BERT, CARL]


def test_a_server_that_goes_away_in_the_middle_gets_the_rest_later(databases: Database, clock: Clock) -> None:
    tell_three(databases)
    with open_office() as office:
        office.says_of_data = {BERT: "421 4.3.2 closing"}
        assert send_due(databases, mailing(office), now=clock) == 1
        assert office.reached == [ANNA]
        office.says_of_data = {}
        clock.pass_by(dt.timedelta(minutes=1))
        assert send_due(databases, mailing(office), now=clock) == 2
    assert sorted(office.reached) == [ANNA, BERT, CARL]


def test_a_server_that_hangs_is_left_and_tried_again(databases: Database, clock: Clock) -> None:
    told_anna(databases)
    with open_office() as office:
        office.hangs = True
        assert send_due(databases, mailing(office, timeout_s=0.3), now=clock) == 0
        office.hangs = False
        clock.pass_by(dt.timedelta(minutes=1))
        assert send_due(databases, mailing(office), now=clock) == 1
    assert office.reached == [ANNA]


def test_what_is_put_off_for_three_days_is_given_up_and_stands_on_the_page_still(
    database: Database, clock: Clock
) -> None:
    anna, _ = told_anna(database)
    with open_office() as office:
        office.says_of = {ANNA: "451 4.7.1 come again"}
        for _ in range(MOST_ATTEMPTS - 1):
            send_due(database, mailing(office), now=clock)
            clock.pass_by(dt.timedelta(hours=4))
        assert states(database)[0][0] is MailState.DUE
        send_due(database, mailing(office), now=clock)
    [(state, attempts, reason)] = states(database)
    assert (state, attempts) == (MailState.GIVEN_UP, MOST_ATTEMPTS)
    assert "451" in (reason or "")
    assert len(store.unseen(database, anna.id)) == 1


def test_a_server_that_is_away_for_weeks_loses_no_mail(database: Database, clock: Clock) -> None:
    tell_three(database)
    for _ in range(4 * 30):
        send_due(database, nobody_there(), now=clock)
        clock.pass_by(dt.timedelta(hours=4))
    assert {each[0] for each in states(database)} == {MailState.DUE}
    with open_office() as office:
        assert send_due(database, mailing(office), now=clock) == 3


def test_two_workers_send_each_mail_once(databases: Database, clock: Clock) -> None:
    tell_three(databases)
    told_anna(databases, email="dora@example.org", name="Dora")
    both = threading.Barrier(2)

    with open_office() as office:

        def work() -> None:
            both.wait()
            send_due(databases, mailing(office), now=clock)

        workers = [threading.Thread(target=work) for _ in range(2)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
    assert sorted(office.reached) == [ANNA, BERT, CARL, "dora@example.org"]


def test_who_is_asked_to_stop_ends_after_the_mail_under_way(database: Database, clock: Clock) -> None:
    tell_three(database)
    stop = threading.Event()
    with open_office() as office:
        office.hears = stop.set
        assert send_due(database, mailing(office), now=clock, is_stopped=stop.is_set) == 1
    assert [state for state, *_ in states(database)] == [MailState.SENT, MailState.DUE, MailState.DUE]


def test_a_mail_that_a_dead_worker_took_is_another_ones_after_a_while(databases: Database, clock: Clock) -> None:
    told_anna(databases)

    class Killed(Exception):
        pass

    class Dying:
        def send(self, message: object) -> None:
            raise Killed

        def hang_up(self) -> None: ...

    with pytest.raises(Killed):
        send_due(databases, Mailing(Dying(), "earmark@example.org", "https://x.example.org"), now=clock)
    with open_office() as office:
        assert send_due(databases, mailing(office), now=clock) == 0
        clock.pass_by(TAKEN_FOR)
        assert send_due(databases, mailing(office), now=clock) == 1
    assert office.reached == [ANNA]
