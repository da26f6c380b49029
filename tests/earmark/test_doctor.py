"""What the doctor says of this host's index and of the audit log."""

import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from assistant.access import people
from assistant.access.caller import SignIn
from assistant.access.role import Role
from assistant.audit.checkpoints import CheckpointBook, make_checkpoint
from assistant.audit.event import COMMAND_LINE, AuditAction, AuditEvent
from assistant.audit.log import append
from earmark.build import checkpoint_book
from earmark.certificates import LocalFiles, certify, reached_by
from earmark.doctor import Health, examine
from earmark.settings import Settings
from knowledge.database import Database, utc_now
from knowledge.index.follower import IndexFollower
from tests.shelf import EMBEDDER, analyse, shelve


@pytest.fixture
def home(database: Database, tmp_path: Path) -> Path:
    """With an index of two passages."""
    shelve(database, ["one glove", "two gloves"])
    follower = IndexFollower(
        database, tmp_path / "index", analyse=analyse, analysis_version="1", embedder_digest=EMBEDDER
    )
    follower.rebuild()
    follower.close()
    return tmp_path


def said_of_index(home: Path) -> tuple[Health, str, str]:
    [finding] = [each for each in examine(Settings(home=home)) if each.subject == "index"]
    return finding.health, finding.detail, finding.way_out


def test_a_whole_index_is_well(home: Path) -> None:
    assert said_of_index(home) == (Health.WELL, "2 passages", "")


def test_where_nothing_was_indexed_there_is_none(tmp_path: Path) -> None:
    assert said_of_index(tmp_path)[:2] == (Health.NOTE, "none yet")


@pytest.mark.parametrize("name", ["CURRENT", "manifest.json", "vectors.faiss", "words_said.npy"])
def test_a_damaged_file_is_named_with_what_becomes_of_it(home: Path, name: str) -> None:
    [path] = (home / "index").rglob(name)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    health, detail, way_out = said_of_index(home)
    assert health is Health.NOTE
    assert detail.startswith("damaged: ")
    assert name in detail
    assert "made anew" in way_out


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.faults
def test_an_index_that_may_not_be_read_is_named_and_hides_no_other_part() -> None:
    """As where somebody else than the service's user asks."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o777)
        (home / "index").mkdir(mode=0)
        with as_nobody():
            health, detail, _way_out = said_of_index(home)
        (home / "index").chmod(0o700)
    assert health is Health.BROKEN
    assert detail == f"{home / 'index'} cannot be read: Permission denied"


def test_an_engine_that_is_gone_is_told_with_its_address_and_what_went_wrong(home: Path) -> None:
    settings = Settings(home=home, engine_url="http://127.0.0.1:1", engine_key="key")
    [finding] = [each for each in examine(settings) if each.subject == "engine"]
    assert finding.health is Health.BROKEN
    assert finding.detail.startswith("http://127.0.0.1:1: cannot be reached: ")


def said_of_sign_in(home: Path, **settings: Any) -> tuple[Health, str]:
    [finding] = [each for each in examine(Settings(home=home, **settings)) if each.subject == "sign-in"]
    return finding.health, finding.detail


def test_where_nobody_signs_in_and_nobody_has_an_account_all_is_well(home: Path) -> None:
    assert said_of_sign_in(home) == (Health.WELL, "none; on this machine alone")


def test_accounts_that_nobody_need_use_are_told(home: Path, database: Database) -> None:
    with database.write() as session:
        people.add_local(session, "Ada", role=Role.ADMIN, password_hash="")
    said = "1 account, but nobody signs in: everybody on this machine hears everything"
    assert said_of_sign_in(home) == (Health.NOTE, said)
    assert said_of_sign_in(home, sign_in=SignIn.LOCAL) == (Health.WELL, "local: 1 account")


def test_a_company_without_an_admin_is_told(home: Path, database: Database) -> None:
    with database.write() as session:
        people.add_local(session, "Ada", role=Role.EMPLOYEE, password_hash="")
        people.add_local(session, "Bo", role=Role.TRAINER, password_hash="")
    said = "local: 2 accounts, none an admin who may sign in"
    assert said_of_sign_in(home, sign_in=SignIn.LOCAL) == (Health.NOTE, said)


def said_of_certificate(home: Path, **settings: Any) -> tuple[Health, str]:
    [finding] = [each for each in examine(Settings(home=home, **settings)) if each.subject == "certificate"]
    return finding.health, finding.detail


def certified(home: Path, *, age_days: int = 0, days: int = 397) -> LocalFiles:
    files = LocalFiles(home)
    named = reached_by(["training.example"], [])
    then = datetime.now(UTC) - timedelta(days=age_days)
    certify(files, asked=named, usual=named, days=days, force=False, now=then)
    return files


def test_without_a_certificate_it_is_http(tmp_path: Path) -> None:
    assert said_of_certificate(tmp_path)[0] is Health.WELL


@pytest.mark.parametrize(
    ("age_days", "health", "said"),
    [
        (0, Health.WELL, "valid until"),
        (366, Health.WELL, "valid"),
        (368, Health.NOTE, "28 days"),
        (398, Health.BROKEN, "ended"),
    ],
)
def test_a_certificate_that_ends_is_told_before(tmp_path: Path, age_days: int, health: Health, said: str) -> None:
    certified(tmp_path, age_days=age_days)
    found, detail = said_of_certificate(tmp_path)
    assert found is health
    assert said in detail


def test_a_certificate_for_another_name_is_told(tmp_path: Path) -> None:
    certified(tmp_path)
    assert said_of_certificate(tmp_path, public_url="https://training.example")[0] is Health.WELL
    health, detail = said_of_certificate(tmp_path, public_url="https://other.example")
    assert health is Health.NOTE
    assert "not for other.example" in detail


def test_a_key_that_others_may_read_is_told(tmp_path: Path) -> None:
    certified(tmp_path).key.chmod(0o644)
    assert "other users may read the key" in said_of_certificate(tmp_path)[1]


def test_a_set_certificate_that_is_not_there_is_broken(tmp_path: Path) -> None:
    health, detail = said_of_certificate(tmp_path, tls_cert=tmp_path / "none.pem")
    assert health is Health.BROKEN
    assert "none.pem" in detail


class TestAuditLog:
    @pytest.fixture
    def book(self, tmp_path: Path) -> CheckpointBook:
        return checkpoint_book(Settings(home=tmp_path))

    def said(self, home: Path) -> tuple[Health, str]:
        [finding] = [each for each in examine(Settings(home=home)) if each.subject == "audit log"]
        return finding.health, finding.detail

    def write(self, database: Database, *, ago: dt.timedelta = dt.timedelta(0)) -> None:
        with database.write() as session:
            append(session, AuditEvent(COMMAND_LINE, AuditAction.AUDIT_READ), now=utc_now() - ago)

    def test_one_that_is_signed_for_is_well(self, database: Database, tmp_path: Path, book: CheckpointBook) -> None:
        assert self.said(tmp_path)[0] is Health.WELL
        self.write(database, ago=dt.timedelta(hours=1))
        make_checkpoint(database, book, now=utc_now() - dt.timedelta(hours=1))
        self.write(database)
        assert self.said(tmp_path)[0] is Health.WELL

    def test_rows_that_wait_long_for_a_checkpoint_are_told(
        self, database: Database, tmp_path: Path, book: CheckpointBook
    ) -> None:
        self.write(database, ago=dt.timedelta(hours=2))
        make_checkpoint(database, book, now=utc_now() - dt.timedelta(hours=2))
        self.write(database, ago=dt.timedelta(hours=1))
        health, detail = self.said(tmp_path)
        assert (health, "no checkpoint of what came since" in detail) == (Health.NOTE, True)

    def test_bent_rows_are_told_though_they_were_signed_again(
        self, database: Database, tmp_path: Path, book: CheckpointBook
    ) -> None:
        for _ in range(3):
            self.write(database)
            make_checkpoint(database, book, now=utc_now())
        with database.write() as session:
            session.execute(text("update audit set actor = 'nobody' where seq = 2"))
        self.write(database)
        make_checkpoint(database, book, now=utc_now())
        health, detail = self.said(tmp_path)
        assert (health, detail.startswith("bent: row 2: edited")) == (Health.BROKEN, True)

    def test_a_key_that_others_can_read_is_told(self, database: Database, tmp_path: Path, book: CheckpointBook) -> None:
        self.write(database)
        make_checkpoint(database, book, now=utc_now())
        (book.key_folder / "audit-signing.key").chmod(0o640)
        health, detail = self.said(tmp_path)
        assert (health, "can read the signing key" in detail) == (Health.BROKEN, True)
