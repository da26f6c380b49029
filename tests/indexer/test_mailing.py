"""Workers that mail: killed in the middle nothing is lost, and a mail server that hangs holds up no recording."""

import collections
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from assistant.jobs.job import JobState
from assistant.notices.mail import Mailing
from assistant.notices.sending import TAKEN_FOR, send_due
from assistant.notices.tables import MailState, NoticeRow
from indexer.services import Services
from indexer.worker import run_worker
from knowledge.database import Database, utc_now
from tests.assistant.notices.answered import told_anna
from tests.assistant.notices.post_office import PostOffice, client_of, open_office
from tests.indexer.indexing import take
from tests.indexer.mailing_worker import services_of
from tests.indexer.working import wait_for
from tests.product.running import wait_until

ADDRESSES = [f"{name}@example.org" for name in ("anna", "bert", "carl")]


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with open_office() as opened:
        yield opened


@contextmanager
def a_mailing_worker(database: Database, home: Path, office: PostOffice) -> Iterator[subprocess.Popen[bytes]]:
    url = database.engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.indexer.mailing_worker", url, str(home), str(office.port)],
        cwd=Path(__file__).parents[2],
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def states(database: Database) -> list[MailState]:
    with database.read() as session:
        return list(session.scalars(select(NoticeRow.mail).order_by(NoticeRow.id)))


def send_the_rest(database: Database, office: PostOffice) -> int:
    """As the next worker does, once the time is over for which the dead one took what it took."""
    mailing = Mailing(client_of(office), "earmark@example.org", "https://earmark.example.org")
    return send_due(database, mailing, now=lambda: utc_now() + TAKEN_FOR)


@pytest.mark.faults
def test_killed_between_the_servers_yes_and_the_mark_one_mail_comes_again(
    databases: Database, tmp_path: Path, office: PostOffice
) -> None:
    """Under the same Message-ID; every other one comes once."""
    for address in ADDRESSES:
        told_anna(databases, email=address, name=address)
    with a_mailing_worker(databases, tmp_path / "home", office) as worker:

        def strike() -> None:
            if len(office.letters) == 2:
                worker.kill()
                worker.wait()

        office.hears = strike
        wait_until(lambda: worker.poll() is not None, timeout_s=60, what="the second mail")
    office.hears = lambda: None
    assert states(databases) == [MailState.SENT, MailState.DUE, MailState.DUE]
    assert send_the_rest(databases, office) == 2
    assert states(databases) == [MailState.SENT] * 3
    assert collections.Counter(office.reached) == dict(zip(ADDRESSES, (1, 2, 1), strict=True))
    assert len({letter["Message-ID"] for letter in office.letters}) == 3


@pytest.mark.faults
def test_killed_before_the_servers_yes_each_mail_comes_once(
    databases: Database, tmp_path: Path, office: PostOffice
) -> None:
    for address in ADDRESSES:
        told_anna(databases, email=address, name=address)
    office.hangs = True
    with a_mailing_worker(databases, tmp_path / "home", office):
        wait_until(lambda: _taken(databases), timeout_s=60, what="a mail under way")
    office.hangs = False
    assert office.letters == []
    assert send_the_rest(databases, office) == 3
    assert sorted(office.reached) == ADDRESSES


def _taken(database: Database) -> bool:
    with database.read() as session:
        return any(session.scalars(select(NoticeRow.mail_attempts)))


def test_a_mail_server_that_hangs_holds_up_no_recording(services: Services, talk: Path, office: PostOffice) -> None:
    told_anna(services.database)
    office.hangs = True
    mailing = services_of(services.database.url, services.home, office.port).mailing
    received = take(services, talk)
    stop = threading.Event()
    worker = threading.Thread(target=run_worker, args=(replace(services, mailing=mailing),), kwargs={"stop": stop})
    worker.start()
    try:
        wait_until(lambda: _taken(services.database), timeout_s=30, what="a mail under way")
        over = wait_for(received.job_id or "", services, lambda job: False)
        assert over.state is JobState.DONE
        assert states(services.database) == [MailState.DUE]
    finally:
        office.hangs = False
        stop.set()
        worker.join()
    assert office.reached == ["anna@example.org"], "a worker that ends lets the mail under way be taken and marked"
    assert states(services.database) == [MailState.SENT]


def test_a_worker_without_a_mail_server_leaves_what_is_due(services: Services) -> None:
    told_anna(services.database)
    run_worker(services, once=True)
    time.sleep(0.1)
    assert states(services.database) == [MailState.DUE]
