"""Who is there to work."""

import datetime as dt
import os
import socket
import subprocess

from assistant.jobs import presence
from assistant.jobs.tables import WorkerRow
from knowledge.database import Database

NOON = dt.datetime(2026, 1, 5, 12, 0, tzinfo=dt.UTC)


def test_a_worker_that_said_so_lives_until_it_falls_silent(database: Database) -> None:
    owner = presence.new_owner()
    with database.write() as session:
        presence.say_alive(session, owner, now=NOON)

    with database.read() as session:
        assert presence.workers_alive(session, now=NOON + dt.timedelta(seconds=19)) == [owner]
        assert presence.workers_alive(session, now=NOON + dt.timedelta(seconds=21)) == []


def test_a_worker_that_left_is_gone_at_once(database: Database) -> None:
    owner = presence.new_owner()
    with database.write() as session:
        presence.say_alive(session, owner, now=NOON)
        presence.say_gone(session, owner)

    with database.read() as session:
        assert presence.workers_alive(session, now=NOON) == []


def test_a_killed_worker_of_this_machine_is_known_at_once(database: Database) -> None:
    over = subprocess.Popen(["true"])
    over.wait()
    with database.write() as session:
        for owner, host, pid in (("dead", socket.gethostname(), over.pid), ("far", "elsewhere", os.getpid())):
            session.add(WorkerRow(owner=owner, host=host, pid=pid, seen_at=NOON))

    with database.read() as session:
        assert presence.workers_alive(session, now=NOON) == ["far"]
