"""A worker that mails, to be killed: `python -m tests.indexer.mailing_worker URL HOME PORT`."""

import signal
import sys
import threading
from pathlib import Path

from assistant.notices.mail import Mailing
from assistant.notices.smtp import Security, SmtpServer
from indexer.services import Services, WorkLimits
from indexer.worker import run_worker
from knowledge.database import Database
from tests.indexer.scripted_engine import ScriptedEngine


def services_of(url: str, home: Path, port: int, *, timeout_s: float = 60.0) -> Services:
    server = SmtpServer("127.0.0.1", port, security=Security.NONE, own_name="us", timeout_s=timeout_s)
    return Services(
        database=Database(url),
        home=home,
        engine=ScriptedEngine(),
        limits=WorkLimits(least_free_mb=0),
        mailing=Mailing(server, "earmark@example.org", "https://earmark.example.org"),
    )


def main(url: str, home: str, port: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    run_worker(services_of(url, Path(home), int(port)), stop=stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
