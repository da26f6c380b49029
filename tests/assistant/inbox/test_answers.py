"""Trainers answer what nobody could: with a moment, a line, a new recording; one at a time, and it can be undone."""

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from assistant.access import course_rights, people
from assistant.access.caller import HERE, Caller
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.access.sessions import caller_of
from assistant.courses.removing import remove_recording
from assistant.errors import BadInput, Conflict, EarmarkError, Forbidden, NotFound
from assistant.inbox import answers
from assistant.inbox.answers import Moment, TrainerAnswer
from assistant.inbox.items import OpenItem, item, waiting_items
from assistant.inbox.sorting import sort_open_questions
from assistant.inbox.tables import ItemState
from assistant.notices import store as notices
from knowledge.database import Database, utc_now
from knowledge.passages import store as passages
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.segment import Segment
from tests.assistant.asked import asked, said_no
from tests.shelf import enter

UTC = ZoneInfo("UTC")
TABLETS = "how do i charge the new tablets"
NOW = utc_now()


def publish(database: Database, recording_id: str, *, speech_s: float = 30.0) -> None:
    """Four stretches of speech over so many seconds."""
    quarter = speech_s / 4
    said = [Segment(quarter * at, quarter * (at + 1), f"sentence {at}", "en") for at in range(4)]
    with database.write() as session:
        revision = transcripts.save_transcript(session, recording_id, "test", said)
        row = session.get_one(RecordingRow, recording_id)
        row.duration_s = speech_s + 5
        passages.publish(session, recording_id, revision)


def opened(database: Database, *texts: str, asker: str = "ann", course_id: str | None = None) -> OpenItem:
    for text in texts or (TABLETS,):
        asked(database, text, asker=asker, course_id=course_id)
    sort_open_questions(database, now=utc_now())
    return waiting(database)[0]


def waiting(database: Database) -> Sequence[OpenItem]:
    with database.read() as session:
        courses = course_rights.permitted(session, HERE, answers.Action.HEAR)
        return waiting_items(session, courses, zone=UTC)


def standing(database: Database, course_id: str) -> list[TrainerAnswer]:
    with database.read() as session:
        return answers.newest_answers(session, {course_id}, limit=10)


def state_of(database: Database, found: OpenItem) -> ItemState:
    with database.read() as session:
        courses = course_rights.permitted(session, HERE, answers.Action.HEAR)
        return item(session, found.id, courses, zone=UTC).state


def trainer(database: Database, name: str = "Tess", *, teaches: Sequence[str] = ()) -> tuple[Person, Caller]:
    with database.write() as session:
        person = people.add_local(session, name, role=Role.TRAINER, password_hash="x")
        for course_id in teaches:
            course_rights.set_trainers(session, course_id, {person.id})
    return person, caller_of(person)


def test_a_moment_answers_and_those_who_asked_are_told(databases: Database) -> None:
    recording_id, course_id = enter(databases)
    publish(databases, recording_id)
    found = opened(databases)
    _, tess = trainer(databases, teaches=[course_id])
    moment = Moment(recording_id, 8.0)
    answers.answer_with_moment(databases, tess, found.id, question="How are tablets charged?", moment=moment, now=NOW)
    assert waiting(databases) == []
    (made,) = standing(databases, course_id)
    assert (made.moment, made.made_by) == (Moment(recording_id, 8.0, 15.0), "Tess")
    (notice,) = notices.unseen(databases, "ann")
    assert notice.question_text == TABLETS
    with databases.read() as session:
        assert answers.answer_to(session, notice.question_id, {course_id}) == made
        assert answers.answer_to(session, notice.question_id, set()) is None


def test_a_line_answers_for_those_who_may_hear_its_course(databases: Database) -> None:
    _, course_id = enter(databases)
    found = opened(databases)
    answers.answer_with_line(
        databases, HERE, found.id, question="Tablets", line=" In the grey cupboard. ", course_id=course_id, now=NOW
    )
    (made,) = standing(databases, course_id)
    assert (made.line, made.moment, made.made_by) == ("In the grey cupboard.", None, None)


def test_the_second_of_two_who_answer_is_told_so_and_changes_nothing(databases: Database) -> None:
    _, course_id = enter(databases)
    found = opened(databases)

    def answer(line: str) -> str:
        try:
            return answers.answer_with_line(
                databases, HERE, found.id, question="Tablets", line=line, course_id=course_id, now=NOW
            )
        except Conflict:
            return ""

    with ThreadPoolExecutor(4) as pool:
        made = [each for each in pool.map(answer, "abcd") if each]
    assert [each.id for each in standing(databases, course_id)] == made
    assert len(made) == 1


def test_an_answer_that_is_taken_back_opens_the_question_and_nobody_is_told_any_more(databases: Database) -> None:
    _, course_id = enter(databases)
    found = opened(databases)
    made = answers.answer_with_line(databases, HERE, found.id, question="T", line="x", course_id=course_id, now=NOW)
    assert answers.withdraw(databases, HERE, made, now=NOW) == found.id
    assert standing(databases, course_id) == []
    assert notices.unseen(databases, "ann") == []
    assert state_of(databases, found) is ItemState.OPEN
    with pytest.raises(NotFound):
        answers.withdraw(databases, HERE, made, now=NOW)
    answers.answer_with_line(databases, HERE, found.id, question="T", line="y", course_id=course_id, now=NOW)


def test_a_trainer_answers_only_into_courses_of_their_own(databases: Database) -> None:
    recording_id, course_id = enter(databases)
    publish(databases, recording_id)
    found = opened(databases)
    _, tess = trainer(databases)
    with pytest.raises(Forbidden):
        answers.answer_with_line(databases, tess, found.id, question="T", line="x", course_id=course_id, now=NOW)
    with pytest.raises(Forbidden):
        answers.answer_with_moment(databases, tess, found.id, question="T", moment=Moment(recording_id, 1.0), now=NOW)
    made = answers.answer_with_line(databases, HERE, found.id, question="T", line="x", course_id=course_id, now=NOW)
    with pytest.raises(Forbidden):
        answers.withdraw(databases, tess, made, now=NOW)


def test_what_is_about_a_closed_course_is_not_there_for_others(databases: Database) -> None:
    recording_id, course_id = enter(databases, course="Closed")
    publish(databases, recording_id)
    found = opened(databases, course_id=course_id)
    made = answers.answer_with_line(databases, HERE, found.id, question="T", line="x", course_id=course_id, now=NOW)
    again = opened(databases, "why is it cold", course_id=course_id)
    _, tess = trainer(databases)
    with databases.write() as session:
        course_rights.set_rights(session, course_id, open_to_all=False, groups=(), people=())
    for act in (
        lambda: answers.set_aside(databases, tess, again.id, now=NOW),
        lambda: answers.open_again(databases, tess, again.id, now=NOW),
        lambda: answers.withdraw(databases, tess, made, now=NOW),
        lambda: answers.answer_with_line(
            databases, tess, again.id, question="T", line="x", course_id=course_id, now=NOW
        ),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize(
    "moment",
    [Moment("r", -1.0), Moment("r", 36.0), Moment("r", 5.0, 5.0), Moment("r", 5.0, 2.0), Moment("r", float("nan"))],
)
def test_what_is_no_moment_of_the_recording_is_refused(database: Database, moment: Moment) -> None:
    recording_id, _ = enter(database)
    publish(database, recording_id)
    found = opened(database)
    with pytest.raises(BadInput):
        answers.answer_with_moment(
            database, HERE, found.id, question="T", moment=replace(moment, recording_id=recording_id), now=NOW
        )
    assert state_of(database, found) is ItemState.OPEN


def test_a_removed_recording_answers_nothing(databases: Database) -> None:
    recording_id, _ = enter(databases)
    publish(databases, recording_id)
    found = opened(databases)
    remove_recording(databases, recording_id)
    with pytest.raises(BadInput):
        answers.answer_with_moment(databases, HERE, found.id, question="T", moment=Moment(recording_id, 1.0), now=NOW)


@pytest.mark.parametrize(
    ("question", "line"), [("", "x"), (" \n", "x"), ("T", " "), ("T", "x" * 2_001), ("T" * 501, "x")]
)
def test_an_answer_without_words_or_with_far_too_many_is_refused(database: Database, question: str, line: str) -> None:
    _, course_id = enter(database)
    found = opened(database)
    with pytest.raises(BadInput):
        answers.answer_with_line(database, HERE, found.id, question=question, line=line, course_id=course_id, now=NOW)


def test_a_short_new_recording_answers_as_soon_as_it_is_findable(databases: Database) -> None:
    recording_id, course_id = enter(databases)
    found = opened(databases)
    person, tess = trainer(databases, teaches=[course_id])
    answers.answer_with_recording(databases, tess, found.id, question="T", recording_id=recording_id, now=NOW)
    assert answers.settle_coming(databases, now=NOW) == 0
    assert state_of(databases, found) is ItemState.COMING
    publish(databases, recording_id)
    assert answers.settle_coming(databases, now=NOW) == 1
    (made,) = standing(databases, course_id)
    assert (made.moment, made.question, made.made_by) == (Moment(recording_id, 0.0, 30.0), "T", person.name)
    assert len(notices.unseen(databases, "ann")) == 1


def test_in_a_long_new_recording_somebody_shows_where(databases: Database) -> None:
    recording_id, course_id = enter(databases)
    found = opened(databases)
    answers.answer_with_recording(databases, HERE, found.id, question="T", recording_id=recording_id, now=NOW)
    publish(databases, recording_id, speech_s=600.0)
    assert answers.settle_coming(databases, now=NOW) == 1
    assert standing(databases, course_id) == []
    (still,) = waiting(databases)
    assert (still.state, still.recording_id) == (ItemState.OPEN, recording_id)


@pytest.mark.parametrize("state", [RecordingState.FAILED, RecordingState.REMOVED])
def test_a_question_that_waited_for_a_recording_in_vain_is_open_again(
    databases: Database, state: RecordingState
) -> None:
    recording_id, _ = enter(databases)
    found = opened(databases)
    answers.answer_with_recording(databases, HERE, found.id, question="T", recording_id=recording_id, now=NOW)
    with databases.write() as session:
        session.get_one(RecordingRow, recording_id).state = state
    assert answers.settle_coming(databases, now=NOW) == 1
    assert state_of(databases, found) is ItemState.OPEN


def test_what_is_set_aside_comes_back_when_somebody_wants_it(databases: Database) -> None:
    found = opened(databases)
    answers.set_aside(databases, HERE, found.id, now=NOW)
    assert waiting(databases) == []
    with pytest.raises(Conflict):
        answers.set_aside(databases, HERE, found.id, now=NOW)
    answers.open_again(databases, HERE, found.id, now=NOW)
    assert [each.id for each in waiting(databases)] == [found.id]
    with pytest.raises(EarmarkError):
        answers.open_again(databases, HERE, found.id, now=NOW)


def test_a_second_recording_does_not_take_the_place_of_one_that_is_on_its_way(databases: Database) -> None:
    first, _ = enter(databases)
    second, _ = enter(databases)
    found = opened(databases)
    answers.answer_with_recording(databases, HERE, found.id, question="T", recording_id=first, now=NOW)
    with pytest.raises(Conflict):
        answers.answer_with_recording(databases, HERE, found.id, question="T", recording_id=second, now=NOW)
    publish(databases, first)
    assert answers.settle_coming(databases, now=NOW) == 1
    with databases.read() as session:
        made = answers.answer_of(session, found.id, course_rights.permitted(session, HERE, answers.Action.HEAR))
    assert made is not None
    assert made.moment is not None
    assert made.moment.recording_id == first


def test_what_a_removed_recording_answered_is_open_again(databases: Database) -> None:
    recording_id, course_id = enter(databases)
    publish(databases, recording_id)
    found = opened(databases)
    opened(databases, "why is it cold", asker="ann")
    [other] = [each for each in waiting(databases) if each.id != found.id]
    moment = Moment(recording_id, 8.0)
    answers.answer_with_moment(databases, HERE, found.id, question="T", moment=moment, now=NOW)
    answers.answer_with_line(databases, HERE, other.id, question="T", line="x", course_id=course_id, now=NOW)
    assert answers.give_up_removed(databases, now=NOW) == 0
    remove_recording(databases, recording_id)
    assert answers.give_up_removed(databases, now=NOW) == 1
    assert [each.id for each in waiting(databases)] == [found.id]
    assert [each.line for each in standing(databases, course_id)] == ["x"]
    assert [each.question_text for each in notices.unseen(databases, "ann")] == ["why is it cold"]
    assert answers.give_up_removed(databases, now=NOW) == 0
    answers.answer_with_line(databases, HERE, found.id, question="T", line="y", course_id=course_id, now=NOW)


def test_those_who_are_too_late_are_told_what_became_of_it(databases: Database) -> None:
    _, course_id = enter(databases)
    found = opened(databases)
    answers.set_aside(databases, HERE, found.id, now=NOW)
    with pytest.raises(Conflict, match="set this aside"):
        answers.answer_with_line(databases, HERE, found.id, question="T", line="x", course_id=course_id, now=NOW)
    answers.open_again(databases, HERE, found.id, now=NOW)
    with pytest.raises(Conflict, match="is open"):
        answers.open_again(databases, HERE, found.id, now=NOW)
    answers.answer_with_line(databases, HERE, found.id, question="T", line="x", course_id=course_id, now=NOW)
    for act in (answers.set_aside, answers.open_again):
        with pytest.raises(Conflict, match="answered this"):
            act(databases, HERE, found.id, now=NOW)


def test_the_newest_answers_and_how_many_are_of_these_courses(databases: Database) -> None:
    _, ours = enter(databases)
    _, theirs = enter(databases, course="Other")
    for text, course_id in (("why is it cold", ours), ("where are tablets", theirs), ("who signs for it", ours)):
        found = opened(databases, text)
        answers.answer_with_line(databases, HERE, found.id, question=text, line="x", course_id=course_id, now=NOW)
    with databases.read() as session:
        newest = answers.newest_answers(session, {ours}, limit=1)
        assert [each.question for each in newest] == ["who signs for it"]
        assert answers.how_many(session, {ours}, since=NOW) == 2
        assert answers.how_many(session, {ours, theirs}, since=NOW) == 3
        assert answers.how_many(session, {ours}, since=NOW + dt.timedelta(seconds=1)) == 0


def test_whoever_may_not_hear_the_answer_goes_on_waiting(databases: Database) -> None:
    _, course_id = enter(databases)
    anna, bert = (trainer(databases, name)[0] for name in ("Anna", "Bert"))
    with databases.write() as session:
        course_rights.set_rights(session, course_id, open_to_all=False, groups=(), people=(anna.id,))
    for person in (anna, bert):
        found = opened(databases, asker=person.id)
    answers.answer_with_line(databases, HERE, found.id, question="T", line="x", course_id=course_id, now=NOW)
    assert (len(notices.unseen(databases, anna.id)), notices.unseen(databases, bert.id)) == (1, [])
    (left,) = waiting(databases)
    assert (left.people, left.id == found.id) == (1, False)


def test_an_answer_that_was_not_it_leaves_the_question_open(databases: Database) -> None:
    _, course_id = enter(databases)
    question_id = asked(databases, TABLETS, asker="ann")
    sort_open_questions(databases, now=utc_now())
    (found,) = waiting(databases)
    answers.answer_with_line(databases, HERE, found.id, question="T", line="x", course_id=course_id, now=utc_now())
    assert waiting(databases) == []
    said_no(databases, question_id)
    sort_open_questions(databases, now=utc_now())
    (again,) = waiting(databases)
    assert again.not_it
    assert len(standing(databases, course_id)) == 1, "others may still be helped by it"
    answers.answer_with_line(databases, HERE, again.id, question="T", line="y", course_id=course_id, now=utc_now())
    sort_open_questions(databases, now=utc_now())
    assert waiting(databases) == []


def test_what_was_asked_while_it_was_being_answered_is_answered_too(databases: Database) -> None:
    _, course_id = enter(databases)
    found = opened(databases)
    asked(databases, TABLETS.upper(), asker="ben")
    answers.answer_with_line(databases, HERE, found.id, question="T", line="x", course_id=course_id, now=utc_now())
    asked(databases, TABLETS, asker="cho")
    sort_open_questions(databases, now=utc_now())
    assert len(notices.unseen(databases, "ben")) == 1
    (left,) = waiting(databases)
    assert left.people == 1, "whoever asked afterwards was shown the answer, and says that it was none"


def test_in_what_words_a_recording_is_on_its_way_is_for_those_who_may_hear_its_course(databases: Database) -> None:
    recording_id, _ = enter(databases, course="Closed")
    found = opened(databases)
    answers.answer_with_recording(databases, HERE, found.id, question="Falcon?", recording_id=recording_id, now=NOW)
    with databases.read() as session:
        (outside,) = waiting_items(session, (), zone=UTC)
    assert (outside.taken_as, outside.recording_id, outside.state) == (None, None, ItemState.COMING)
    assert waiting(databases)[0].taken_as == "Falcon?"
