"""The queue of jobs, over every database it may live in."""

import datetime as dt
import threading

import pytest
from sqlalchemy import select

from assistant.errors import BadInput, BadMedia, Cancelled, NotFound, RecognizerDown
from assistant.jobs import store
from assistant.jobs.job import MAX_ATTEMPTS, Job, JobState, JobStep
from assistant.jobs.tables import JobRow
from knowledge.database import Database, new_id
from knowledge.recordings.tables import CourseRow, RecordingRow, RecordingState

NOON = dt.datetime(2026, 1, 5, 12, 0, tzinfo=dt.UTC)


def after(seconds: float) -> dt.datetime:
    return NOON + dt.timedelta(seconds=seconds)


def a_recording(database: Database) -> str:
    """A course and a recording under it; the recording's id."""
    recording_id, course_id = new_id(), new_id()
    with database.write() as session:
        session.add(CourseRow(id=course_id, name=course_id, name_key=course_id, created_at=NOON))
        session.flush()
        session.add(
            RecordingRow(
                id=recording_id,
                course_id=course_id,
                name="fire.mp3",
                title="fire",
                state=RecordingState.INDEXING,
                content_sha256=recording_id,
                size_bytes=1,
                original_path=f"files/{recording_id}/original",
                created_at=NOON,
            )
        )
    return recording_id


def a_job(database: Database) -> str:
    recording_id = a_recording(database)
    with database.write() as session:
        return store.enqueue(session, recording_id, now=NOON)


def claimed(database: Database, owner: str = "me", at: dt.datetime = NOON) -> Job:
    with database.write() as session:
        job = store.claim(session, owner=owner, now=at)
    assert job is not None
    return job


def state_of(database: Database, job_id: str, at: dt.datetime = NOON) -> Job:
    with database.read() as session:
        return store.get(session, job_id, now=at)


def recording_state(database: Database, recording_id: str) -> RecordingState:
    with database.read() as session:
        return session.scalars(select(RecordingRow.state).where(RecordingRow.id == recording_id)).one()


def test_the_oldest_job_is_taken_first_and_only_once(database: Database) -> None:
    first, second = a_job(database), a_job(database)

    taken = [claimed(database).id, claimed(database).id]

    assert taken == [first, second]
    with database.write() as session:
        assert store.claim(session, owner="other", now=NOON) is None
    with database.read() as session:
        assert not store.anything_due(session, now=NOON)


def test_a_job_whose_worker_fell_silent_is_taken_by_another_at_the_step_it_reached(database: Database) -> None:
    a_job(database)
    lost = claimed(database, "dead")
    with database.write() as session:
        store.advance(session, lost, JobStep.CUTTING, now=NOON)

    with database.write() as session:
        assert store.claim(session, owner="alive", now=after(59)) is None
    found = claimed(database, "alive", after(61))

    assert (found.id, found.step, found.attempts) == (lost.id, JobStep.CUTTING, 2)


def test_a_worker_that_lost_its_lease_writes_nothing_more(database: Database) -> None:
    a_job(database)
    slow = claimed(database, "slow")
    claimed(database, "quick", after(61))

    for write in (store.renew, store.finish):
        with pytest.raises(Cancelled), database.write() as session:
            write(session, slow, now=after(62))
    with pytest.raises(Cancelled), database.write() as session:
        store.fail(session, slow, BadMedia("no sound"), now=after(62))
    with database.write() as session:
        store.stopped(session, slow, now=after(62))
        store.release(session, slow)

    assert state_of(database, slow.id).owner == "quick"


def test_a_late_worker_whose_job_nobody_took_goes_on(database: Database) -> None:
    a_job(database)
    job = claimed(database)

    with database.write() as session:
        store.renew(session, job, now=after(90))
    with database.write() as session:
        assert store.claim(session, owner="other", now=after(149)) is None


def test_progress_is_what_the_page_shows_with_the_time_left_at_this_steps_speed(database: Database) -> None:
    a_job(database)
    job = claimed(database)
    with database.write() as session:
        store.advance(session, job, JobStep.HEARING, done=600, total=1200, now=NOON)
        store.advance(session, job, JobStep.RECOGNISING, done=600, total=1200, now=after(10))
        store.advance(session, job, JobStep.RECOGNISING, done=660, total=1200, now=after(30))

    shown = state_of(database, job.id, after(30))

    assert (shown.step, shown.done, shown.total, shown.unit) == (JobStep.RECOGNISING, 660, 1200, "s")
    assert shown.eta_s == pytest.approx(180)


def test_nobody_promises_an_end_where_the_length_is_unknown(database: Database) -> None:
    a_job(database)
    job = claimed(database)
    with database.write() as session:
        store.advance(session, job, JobStep.HEARING, done=600, total=None, now=after(20))

    assert state_of(database, job.id, after(20)).eta_s is None


def test_a_waiting_job_is_cancelled_at_once_and_its_recording_failed(database: Database) -> None:
    job_id = a_job(database)

    with database.write() as session:
        store.cancel(session, job_id, now=NOON)

    job = state_of(database, job_id)
    assert job.state is JobState.CANCELLED
    assert recording_state(database, job.recording_id) is RecordingState.FAILED
    with database.write() as session:
        assert store.claim(session, owner="me", now=NOON) is None


def test_a_running_job_stops_before_its_next_write(database: Database) -> None:
    job_id = a_job(database)
    job = claimed(database)
    with database.write() as session:
        store.cancel(session, job_id, now=NOON)

    with pytest.raises(Cancelled), database.write() as session:
        store.advance(session, job, JobStep.HEARING, now=NOON)
    with database.write() as session:
        store.stopped(session, job, now=NOON)

    assert state_of(database, job_id).state is JobState.CANCELLED


def test_a_cancelled_job_whose_worker_died_is_over_when_its_lease_is(database: Database) -> None:
    job_id = a_job(database)
    claimed(database)
    with database.write() as session:
        store.cancel(session, job_id, now=NOON)

    with database.write() as session:
        assert store.claim(session, owner="other", now=after(61)) is None

    assert state_of(database, job_id).state is JobState.CANCELLED


def test_a_removed_recording_stops_its_job_even_where_nobody_cancelled_it(database: Database) -> None:
    a_job(database)
    job = claimed(database)
    with database.write() as session:
        recording = session.get(RecordingRow, job.recording_id)
        assert recording is not None
        recording.state = RecordingState.REMOVED

    with pytest.raises(Cancelled), database.write() as session:
        store.renew(session, job, now=NOON)


def test_a_write_that_is_refused_takes_everything_beside_it_back(database: Database) -> None:
    job_id = a_job(database)
    job = claimed(database)
    with database.write() as session:
        store.cancel(session, job_id, now=NOON)

    def write_then_renew() -> None:
        with database.write() as session:
            session.get_one(RecordingRow, job.recording_id).title = "written too late"
            session.flush()
            store.renew(session, job, now=NOON)

    with pytest.raises(Cancelled):
        write_then_renew()

    with database.read() as session:
        assert session.get_one(RecordingRow, job.recording_id).title == "fire"


def test_a_passing_failure_is_tried_again_later_and_the_fifth_is_the_last(database: Database) -> None:
    job_id = a_job(database)
    at = NOON
    for attempt in range(1, MAX_ATTEMPTS + 1):
        job = claimed(database, at=at)
        assert job.attempts == attempt
        with database.write() as session:
            store.fail(session, job, RecognizerDown(f"attempt {attempt}", "start it"), now=at)
        if attempt < MAX_ATTEMPTS:
            with database.write() as session:
                assert store.claim(session, owner="me", now=at + dt.timedelta(seconds=4)) is None
        at += dt.timedelta(hours=1)

    dead = state_of(database, job_id)
    assert (dead.state, dead.error.detail if dead.error else "") == (JobState.FAILED, "attempt 5")
    assert recording_state(database, dead.recording_id) is RecordingState.FAILED


def test_a_permanent_failure_is_not_tried_again(database: Database) -> None:
    job_id = a_job(database)
    job = claimed(database)
    with database.write() as session:
        state = store.fail(session, job, BadMedia("fire.mp3: no sound", "upload mp3"), now=NOON)

    failed = state_of(database, job_id)
    assert state is failed.state is JobState.FAILED
    assert failed.error is not None
    assert (failed.error.type, failed.error.way_out) == ("bad-media", "upload mp3")


def test_a_job_that_takes_its_worker_down_every_time_is_given_up_with_a_reason(database: Database) -> None:
    job_id = a_job(database)
    at = NOON
    for _ in range(MAX_ATTEMPTS):
        claimed(database, at=at)
        at += dt.timedelta(minutes=2)

    with database.write() as session:
        assert store.claim(session, owner="me", now=at) is None

    dead = state_of(database, job_id)
    assert dead.state is JobState.FAILED
    assert dead.error is not None
    assert dead.error.type == "worker-stopped"
    assert recording_state(database, dead.recording_id) is RecordingState.FAILED


def test_a_failed_job_can_be_tried_anew_and_others_cannot(database: Database) -> None:
    job_id = a_job(database)
    job = claimed(database)
    with pytest.raises(BadInput), database.write() as session:
        store.retry(session, job_id, now=NOON)
    with database.write() as session:
        store.fail(session, job, BadMedia("no sound"), now=NOON)

    with database.write() as session:
        store.retry(session, job_id, now=NOON)

    fresh = state_of(database, job_id)
    assert (fresh.state, fresh.attempts, fresh.error) == (JobState.QUEUED, 0, None)
    assert recording_state(database, fresh.recording_id) is RecordingState.INDEXING
    assert claimed(database).attempts == 1


def test_the_job_of_a_removed_recording_is_not_tried_anew(database: Database) -> None:
    job_id = a_job(database)
    with database.write() as session:
        store.cancel(session, job_id, now=NOON)
        row = session.get_one(JobRow, job_id)
        session.get_one(RecordingRow, row.recording_id).state = RecordingState.REMOVED

    with pytest.raises(BadInput), database.write() as session:
        store.retry(session, job_id, now=NOON)


def test_a_job_given_back_counts_no_attempt(database: Database) -> None:
    job_id = a_job(database)
    job = claimed(database)

    with database.write() as session:
        store.release(session, job)

    assert (state_of(database, job_id).state, state_of(database, job_id).attempts) == (JobState.QUEUED, 0)


def test_lists_come_newest_first_page_by_page(database: Database) -> None:
    ids = [a_job(database) for _ in range(5)]

    seen: list[str] = []
    cursor = None
    while True:
        with database.read() as session:
            page = store.list_jobs(session, after=cursor, limit=2, now=NOON)
        seen += [job.id for job in page.items]
        cursor = page.next
        if cursor is None:
            break

    assert seen == ids[::-1]


def test_what_is_watched_begins_with_what_runs_however_much_was_added_since(database: Database) -> None:
    over, first, second, third, removed = (a_job(database) for _ in range(5))
    claimed(database)
    with database.write() as session:
        store.cancel(session, over, now=NOON)
        store.stopped(session, store.get(session, over, now=NOON), now=NOON)
        session.get_one(RecordingRow, store.get(session, removed).recording_id).state = RecordingState.REMOVED
    claimed(database)
    with database.read() as session:
        courses = frozenset(session.scalars(select(RecordingRow.course_id)))
        watched, more = store.jobs_to_watch(session, courses=courses, most_open=2, now=NOON)
        assert store.jobs_to_watch(session, courses=frozenset(), now=NOON) == ([], 0)
        everything, none = store.jobs_to_watch(session, courses=courses, now=NOON)
    assert ([job.id for job in watched], more) == ([first, second, over], 1)
    assert ([job.id for job in everything], none) == ([first, second, third, over], 0)


def test_lists_may_be_narrowed(database: Database) -> None:
    a_job(database)
    second = a_job(database)
    running = claimed(database)

    with database.read() as session:
        queued = store.list_jobs(session, states=frozenset({JobState.QUEUED}), now=NOON)
        of_one = store.list_jobs(session, recording_ids=frozenset({running.recording_id}), now=NOON)

    assert [job.id for job in queued.items] == [second]
    assert [job.id for job in of_one.items] == [running.id]


def test_a_job_nobody_knows_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound), database.read() as session:
        store.get(session, new_id(), now=NOON)


def test_workers_racing_for_jobs_never_share_one(database: Database) -> None:
    wanted = {a_job(database) for _ in range(12)}
    taken: list[str] = []

    def work(owner: str) -> None:
        while True:
            with database.write() as session:
                job = store.claim(session, owner=owner)
            if job is None:
                return
            taken.append(job.id)

    workers = [threading.Thread(target=work, args=(f"worker {n}",)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(taken) == sorted(wanted)
