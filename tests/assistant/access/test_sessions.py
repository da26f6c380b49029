"""A session's secret: how long it is worth something, what a renewal does, and what happens when two people have it."""

import datetime as dt
import threading

import pytest

from assistant.access import people, sessions
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.access.sessions import GRACE, ROTATED_EVERY, Begun, SeenSession, SessionLimits
from assistant.access.signing_in import end_where_spent
from assistant.access.tables import SessionRow
from assistant.audit.tables import AuditRow
from knowledge.database import Database


@pytest.fixture
def database(databases: Database) -> Database:
    """Of either kind."""
    return databases


NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LIMITS = SessionLimits(idle=dt.timedelta(hours=1), longest=dt.timedelta(hours=9))
MOMENT = dt.timedelta(seconds=1)


def begin(database: Database, person: Person, *, now: dt.datetime = NOON) -> Begun:
    with database.write() as session:
        return sessions.begin(session, person.id, now=now)


def look(database: Database, secret: str, *, now: dt.datetime) -> SeenSession | None:
    with database.read() as session:
        return sessions.seen(session, secret, limits=LIMITS, now=now)


def rotate(database: Database, session_id: str, secret: str, *, now: dt.datetime) -> str | None:
    with database.write() as session:
        return sessions.rotate(session, session_id, secret, now=now)


def test_the_secret_is_found_and_a_guess_is_not(database: Database, anna: Person) -> None:
    begun = begin(database, anna)
    seen = look(database, begun.secret, now=NOON)
    assert seen is not None
    assert (seen.id, seen.caller.person_id, seen.rotation_due) == (begun.session_id, anna.id, False)
    assert look(database, begun.secret[:-1] + "_", now=NOON) is None
    assert look(database, "", now=NOON) is None


def test_the_database_does_not_know_the_secret(database: Database, anna: Person) -> None:
    begun = begin(database, anna)
    with database.read() as session:
        row = session.get_one(SessionRow, begun.session_id)
        assert begun.secret not in (row.secret_hash, row.previous_hash, row.form_token)
    assert look(database, row.secret_hash, now=NOON) is None


def test_an_idle_session_is_over_and_a_used_one_is_not(database: Database, anna: Person) -> None:
    begun = begin(database, anna)
    assert look(database, begun.secret, now=NOON + LIMITS.idle) is not None
    assert look(database, begun.secret, now=NOON + LIMITS.idle + MOMENT) is None
    with database.write() as session:
        sessions.note_seen(session, begun.session_id, now=NOON + LIMITS.idle)
    assert look(database, begun.secret, now=NOON + LIMITS.idle + MOMENT) is not None


def test_no_use_makes_a_session_longer_than_the_longest(database: Database, anna: Person) -> None:
    begun, secret, now = begin(database, anna), "", NOON
    secret = begun.secret
    while now < NOON + LIMITS.longest:
        now += dt.timedelta(minutes=20)
        secret = rotate(database, begun.session_id, secret, now=now) or secret
    assert look(database, secret, now=NOON + LIMITS.longest) is not None
    assert look(database, secret, now=NOON + LIMITS.longest + MOMENT) is None
    with database.read() as session:
        over = NOON + LIMITS.longest + MOMENT
        assert sessions.by_id(session, begun.session_id, limits=LIMITS, now=over) is None


def test_it_is_time_for_a_new_secret_after_a_while(database: Database, anna: Person) -> None:
    begun = begin(database, anna)
    seen = look(database, begun.secret, now=NOON + ROTATED_EVERY + MOMENT)
    assert seen is not None
    assert seen.rotation_due
    fresh = rotate(database, begun.session_id, begun.secret, now=NOON + ROTATED_EVERY + MOMENT)
    assert fresh is not None
    assert fresh != begun.secret


def test_requests_on_their_way_still_get_through_with_the_old_secret(database: Database, anna: Person) -> None:
    begun = begin(database, anna)
    rotate(database, begun.session_id, begun.secret, now=NOON)
    seen = look(database, begun.secret, now=NOON + GRACE)
    assert seen is not None
    assert not seen.rotation_due  # else the old one would shut the new one out
    assert look(database, begun.secret, now=NOON + GRACE + MOMENT) is None


def test_of_many_who_renew_at_once_one_does(database: Database, anna: Person) -> None:
    begun = begin(database, anna)
    gate, fresh = threading.Barrier(6), list[str | None]()

    def renew() -> None:
        gate.wait()
        fresh.append(rotate(database, begun.session_id, begun.secret, now=NOON))

    threads = [threading.Thread(target=renew) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    [won] = [each for each in fresh if each is not None]
    assert len(fresh) == 6
    assert look(database, won, now=NOON) is not None
    assert look(database, begun.secret, now=NOON) is not None


def test_a_secret_shown_again_after_its_grace_ends_the_session_for_both_who_have_it(
    database: Database, anna: Person
) -> None:
    """Somebody stole it and renewed it; whoever comes second shows that there are two."""
    begun = begin(database, anna)
    stolen = rotate(database, begun.session_id, begun.secret, now=NOON)
    assert stolen is not None
    late = NOON + GRACE + MOMENT
    end_where_spent(database, begun.secret, now=late)
    assert look(database, stolen, now=late) is None
    with database.read() as session:
        [row] = session.query(AuditRow).all()
    assert (row.actor, row.action, row.object_id) == (anna.audit_id, "signed-out", begun.session_id)


def test_a_secret_in_its_grace_and_one_that_never_was_end_nothing(database: Database, anna: Person) -> None:
    begun, other = begin(database, anna), begin(database, anna)
    fresh = rotate(database, begun.session_id, begun.secret, now=NOON)
    assert fresh is not None
    end_where_spent(database, begun.secret, now=NOON + GRACE)
    end_where_spent(database, "x" * 43, now=NOON + GRACE + MOMENT)
    assert look(database, fresh, now=NOON + GRACE) is not None
    assert look(database, other.secret, now=NOON + GRACE) is not None


def test_a_secret_of_a_persons_other_session_lives_on(database: Database, anna: Person) -> None:
    begun, other = begin(database, anna), begin(database, anna)
    rotate(database, begun.session_id, begun.secret, now=NOON)
    end_where_spent(database, begun.secret, now=NOON + GRACE + MOMENT)
    assert look(database, other.secret, now=NOON + GRACE + MOMENT) is not None


def test_every_session_has_its_own_secret_and_its_own_form_token(database: Database, anna: Person) -> None:
    one, other = begin(database, anna), begin(database, anna)
    first, second = look(database, one.secret, now=NOON), look(database, other.secret, now=NOON)
    assert first is not None
    assert second is not None
    assert len({one.secret, other.secret, first.form_token, second.form_token}) == 4


def test_suspension_and_deletion_end_it_at_once(database: Database, anna: Person) -> None:
    begun = begin(database, anna)
    with database.write() as session:
        people.suspend(session, anna.id)
    assert look(database, begun.secret, now=NOON) is None
    with database.write() as session:
        people.bring_back(session, anna.id)
    assert look(database, begun.secret, now=NOON) is None, "an old session must not come back with its person"
    again = begin(database, anna)
    with database.write() as session:
        people.delete_person(session, anna.id)
    assert look(database, again.secret, now=NOON) is None
    with database.read() as session:
        assert sessions.by_id(session, again.session_id, limits=LIMITS, now=NOON) is None


def test_a_role_taken_away_counts_in_the_session_that_is_open(database: Database, anna: Person) -> None:
    begun = begin(database, anna)
    with database.write() as session:
        people.set_role(session, anna.id, Role.TRAINER)
    seen = look(database, begun.secret, now=NOON)
    assert seen is not None
    assert seen.caller.role is Role.TRAINER
    with database.write() as session:
        people.set_role(session, anna.id, Role.EMPLOYEE)
    seen = look(database, begun.secret, now=NOON)
    assert seen is not None
    assert seen.caller.role is Role.EMPLOYEE


def test_a_new_password_ends_all_sessions(database: Database, anna: Person) -> None:
    begun = begin(database, anna)
    with database.write() as session:
        people.set_password(session, anna.id, "another hash")
    assert look(database, begun.secret, now=NOON) is None


def test_others_end_and_the_one_that_asks_for_it_stays(database: Database, anna: Person) -> None:
    kept, gone = begin(database, anna), begin(database, anna)
    with database.write() as session:
        sessions.end_others(session, anna.id, kept=kept.session_id)
    assert look(database, kept.secret, now=NOON) is not None
    assert look(database, gone.secret, now=NOON) is None


@pytest.mark.parametrize("by", ["person", "provider's session", "both"])
def test_a_provider_ends_what_it_names_and_nobody_elses(database: Database, anna: Person, by: str) -> None:
    with database.write() as session:
        bert = people.add_local(session, "Bert", role=Role.EMPLOYEE, password_hash="!")
        own = sessions.begin(session, anna.id, now=NOON, provider_session="s-1")
        others = sessions.begin(session, bert.id, now=NOON, provider_session="s-2")
        person_id = None if by == "provider's session" else anna.id
        provider_session = None if by == "person" else "s-1"
        assert sessions.end_of_provider(session, person_id=None, provider_session=None) == 0
        assert sessions.end_of_provider(session, person_id=person_id, provider_session=provider_session) == 1
    assert look(database, own.secret, now=NOON) is None
    assert look(database, others.secret, now=NOON) is not None


def test_sweeping_takes_what_is_over_and_nothing_else(database: Database, anna: Person) -> None:
    old, fresh = begin(database, anna), begin(database, anna, now=NOON + LIMITS.idle)
    with database.write() as session:
        sessions.sweep(session, limits=LIMITS, now=NOON + LIMITS.idle + MOMENT)
    with database.read() as session:
        assert [each.id for each in sessions.sessions_of(session, anna.id)] == [fresh.session_id]
    assert old.session_id != fresh.session_id
