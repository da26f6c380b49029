"""One's own learning over both databases: kept only where wanted, one's own alone, and gone when it is to go."""

import datetime as dt
import math
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from assistant.access import people
from assistant.access.forgetting import forget
from assistant.access.forgetting import forget_again as forget_person_again
from assistant.access.role import Role
from assistant.courses.removing import remove_recording
from assistant.errors import BadInput
from assistant.forgetting.deletions import own_list, read_deletions
from assistant.learning import acts, store
from assistant.learning.fsrs_recall import FsrsRecall
from assistant.learning.kept import Bookmark, CardKind, Moment, NoSuchThing, NotOn, RecallCard, Review
from assistant.learning.memory import Phase, Rating
from assistant.learning.tables import BookmarkRow, LearnerRow, RecallCardRow, RecallReviewRow
from assistant.questions.deleting import forget_questions
from indexer.forgetting import replay
from knowledge.database import Base, Database
from tests.assistant.questions.made_answers import kept
from tests.shelf import Shelved, shelve

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=400)
RECALL = FsrsRecall()
TABLES: tuple[type[Base], ...] = (LearnerRow, BookmarkRow, RecallCardRow, RecallReviewRow)


@pytest.fixture
def told(databases: Database) -> Shelved:
    """A recording, and somebody who wants to learn."""
    acts.switch_on(databases, "me", now=NOW)
    return shelve(databases, ["report a near miss", "on the yellow form"])


def moment(told: Shelved, start_s: float = 0.0) -> Moment:
    return Moment(told.recording_id, start_s, start_s + 1)


def learner_id(database: Database, asker: str = "me") -> str:
    with database.read() as session:
        found = store.learner(session, asker)
    assert found is not None
    return found.id


def marked(database: Database, told: Shelved, start_s: float = 0.0, *, question_id: str | None = None) -> Bookmark:
    return acts.bookmark(database, "me", moment(told, start_s), question_id=question_id, now=NOW)


def made(database: Database, told: Shelved, start_s: float = 0.0, *, question_id: str | None = None) -> RecallCard:
    kind = CardKind.OWN_WORDS if question_id else CardKind.CLOZE
    return acts.make_card(database, "me", moment(told, start_s), kind, question_id=question_id, recall=RECALL, now=NOW)


def rated(database: Database, card: RecallCard, rating: Rating = Rating.GOOD, *, seen: int = 0) -> Review | None:
    return acts.rate(database, "me", card.id, rating, seen=seen, recall=RECALL, now=NOW)


def card_now(database: Database, card: RecallCard) -> RecallCard:
    with database.read() as session:
        return store.card(session, learner_id(database), card.id)


def rows(database: Database) -> list[int]:
    with database.read() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


def due(database: Database, heard: set[str], *, now: dt.datetime = NOW) -> list[str]:
    with database.read() as session:
        found = store.due_cards(
            session, learner_id(database), frozenset(heard), today_until=now, soon_until=now, limit=10
        )
    return [each.id for each in found]


def test_nothing_is_kept_for_somebody_who_did_not_switch_it_on(databases: Database, told: Shelved) -> None:
    for asker in ("her", "off"):
        if asker == "off":
            acts.switch_on(databases, asker, now=NOW)
            acts.switch_off(databases, asker)
        with pytest.raises(NotOn):
            acts.bookmark(databases, asker, moment(told), question_id=None, now=NOW)
        with pytest.raises(NotOn):
            acts.make_card(databases, asker, moment(told), CardKind.CLOZE, question_id=None, recall=RECALL, now=NOW)
    assert rows(databases)[1:] == [0, 0, 0]


def test_switching_twice_changes_nothing_and_off_keeps_what_was_there(databases: Database, told: Shelved) -> None:
    marked(databases, told)
    before = learner_id(databases)
    acts.switch_on(databases, "me", now=LATER)
    acts.switch_off(databases, "me")
    acts.switch_off(databases, "nobody")
    assert rows(databases) == [1, 1, 0, 0]
    acts.switch_on(databases, "me", now=LATER)
    assert learner_id(databases) == before


def test_a_moment_is_bookmarked_once_however_often_the_button_is_pressed(databases: Database, told: Shelved) -> None:
    first, again = marked(databases, told), marked(databases, told)
    assert first == again
    other = marked(databases, told, 1.0)
    with databases.read() as session:
        assert [each.id for each in store.bookmarks(session, learner_id(databases))] == [other.id, first.id]


def test_a_note_is_kept_as_it_is_typed(databases: Database, told: Shelved) -> None:
    mark = marked(databases, told)
    hostile = "<script>alert(1)</script> %(x)s {{ 7*7 }} =cmd|' /C calc'!A0 \u202e"
    acts.note(databases, "me", mark.id, f"  \x00{hostile}\ud800 ")
    with databases.read() as session:
        assert store.bookmark(session, learner_id(databases), mark.id).note == f"{hostile}?"
    with pytest.raises(BadInput, match="2,000"):
        acts.note(databases, "me", mark.id, "x" * 2_001)


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(-1, 1), (2, 1), (math.nan, 1), (0, math.inf), (0, 601), (1e308, 1e308)]
)
def test_what_is_no_moment_is_refused(start_s: float, end_s: float) -> None:
    with pytest.raises(BadInput):
        Moment("r", start_s, end_s)


@pytest.mark.parametrize("start_s", [0.0, 0.0004, 0.0005, 0.1, 1234.5675])
def test_what_was_a_moment_once_is_one_when_it_is_read_again(start_s: float) -> None:
    """Also of ten minutes that become a millisecond longer where they are rounded."""
    once = Moment("r", start_s, start_s + 599.9996)
    assert Moment("r", once.start_s, once.end_s) == once


def test_nobody_reads_changes_or_deletes_anothers(databases: Database, told: Shelved, tmp_path: Path) -> None:
    mark, card = marked(databases, told), made(databases, told)
    review = rated(databases, card)
    assert review is not None
    acts.switch_on(databases, "her", now=NOW)
    for asker in ("her", "stranger"):
        with pytest.raises(NoSuchThing):
            acts.delete_bookmark(databases, tmp_path, asker, mark.id)
        with pytest.raises(NoSuchThing):
            acts.delete_card(databases, tmp_path, asker, card.id)
        assert acts.undo(databases, asker, review.id) is False
        acts.delete_all(databases, tmp_path, "stranger")
    with pytest.raises(NoSuchThing):
        acts.note(databases, "her", mark.id, "mine now")
    with pytest.raises(NoSuchThing):
        acts.rate(databases, "her", card.id, "good", seen=1, recall=RECALL, now=NOW)
    assert rows(databases) == [2, 1, 1, 1]
    assert read_deletions(own_list(tmp_path)) == []


def test_a_card_that_is_rated_twice_at_once_counts_once(databases: Database, told: Shelved) -> None:
    card = made(databases, told)
    assert rated(databases, card) is not None
    assert rated(databases, card, Rating.AGAIN) is None
    now = card_now(databases, card)
    assert (now.reviews, now.memory.rated) == (1, Rating.GOOD)
    assert rated(databases, card, Rating.AGAIN, seen=1) is not None
    with pytest.raises(BadInput):
        acts.rate(databases, "me", card.id, "perfect", seen=2, recall=RECALL, now=NOW)


def test_a_rating_is_taken_back_as_long_as_nothing_came_after_it(databases: Database, told: Shelved) -> None:
    card = made(databases, told)
    first = rated(databases, card)
    after_first = card_now(databases, card)
    second = rated(databases, card, Rating.EASY, seen=1)
    assert first is not None
    assert second is not None
    assert acts.undo(databases, "me", first.id) is False
    assert acts.undo(databases, "me", second.id) is True
    assert card_now(databases, card) == after_first
    assert acts.undo(databases, "me", second.id) is False
    assert acts.undo(databases, "me", first.id) is True
    assert card_now(databases, card) == card
    assert rows(databases)[3] == 0


def test_a_rating_that_comes_in_between_is_not_overtaken_by_taking_back(databases: Database, told: Shelved) -> None:
    """Two tabs at once: what is taken back waits for the rating, and finds that it is not the newest any more."""
    card = made(databases, told)
    first = rated(databases, card)
    assert first is not None
    undone: list[bool] = []
    undoing = threading.Thread(target=lambda: undone.append(acts.undo(databases, "me", first.id)))
    with databases.write() as session:
        now = store.card(session, learner_id(databases), card.id, for_change=True)
        store.keep_review(session, now, RECALL.after(now.memory, Rating.EASY, NOW), Rating.EASY, now=NOW)
        session.flush()
        undoing.start()
        undoing.join(0.5)
        assert undone == []
    undoing.join()
    assert undone == [False]
    for seen in (2, 3):
        assert rated(databases, card, seen=seen) is not None
    assert card_now(databases, card).reviews == rows(databases)[3] == 4


def test_a_card_in_ones_own_words_needs_a_question_of_ones_own(databases: Database, told: Shelved) -> None:
    hers = kept(databases, told.recording_id, asker="her")
    for question_id in (None, hers, "nowhere"):
        with pytest.raises(BadInput):
            acts.make_card(
                databases, "me", moment(told), CardKind.OWN_WORDS, question_id=question_id, recall=RECALL, now=NOW
            )
    assert marked(databases, told, question_id=hers).question_id is None
    mine = kept(databases, told.recording_id)
    assert made(databases, told, question_id=mine).question_id == mine


def test_a_deleted_question_takes_its_card_along_and_leaves_the_bookmark(
    databases: Database, told: Shelved, tmp_path: Path
) -> None:
    question = kept(databases, told.recording_id)
    marked(databases, told, question_id=question)
    assert rated(databases, made(databases, told, question_id=question)) is not None
    other = made(databases, told)
    forget_questions(databases, tmp_path, [question], actor="p-1")
    assert rows(databases) == [1, 1, 1, 0]
    with databases.read() as session:
        assert store.bookmarks(session, learner_id(databases))[0].question_id is None
        assert [each.id for each in store.cards(session, learner_id(databases))] == [other.id]


def test_only_what_is_due_and_may_be_heard_is_asked(databases: Database, told: Shelved) -> None:
    card, other = made(databases, told), made(databases, told, 1.0)
    assert due(databases, {told.course_id}) == [card.id, other.id]
    assert due(databases, set()) == []
    assert due(databases, {told.course_id}, now=NOW - dt.timedelta(hours=1)) == []
    rated(databases, card)
    assert due(databases, {told.course_id}) == [other.id]
    remove_recording(databases, told.recording_id)
    assert due(databases, {told.course_id}, now=LATER) == []


def test_a_review_is_due_all_its_day_and_a_step_of_learning_only_soon(databases: Database, told: Shelved) -> None:
    card, step = made(databases, told), made(databases, told, 1.0)
    tonight = NOW + dt.timedelta(hours=8)
    with databases.write() as session:
        for each, phase in ((card, Phase.REVIEW), (step, Phase.LEARNING)):
            values = {"phase": phase, "due_at": NOW + dt.timedelta(hours=3)}
            session.execute(update(RecallCardRow).where(RecallCardRow.id == each.id).values(**values))
    with databases.read() as session:
        heard = frozenset({told.course_id})
        bounds = {"today_until": tonight, "soon_until": NOW}
        found = store.due_cards(session, learner_id(databases), heard, **bounds, limit=10)
        assert [each.id for each in found] == [card.id]
        assert store.count_due(session, learner_id(databases), heard, **bounds) == 1


def test_deleting_all_leaves_no_row_and_an_older_backup_brings_none_back(
    databases: Database, told: Shelved, tmp_path: Path
) -> None:
    marked(databases, told)
    rated(databases, made(databases, told))
    gone = learner_id(databases)
    acts.delete_all(databases, tmp_path, "me")
    assert rows(databases) == [0, 0, 0, 0]
    assert [each.id for each in read_deletions(own_list(tmp_path))] == [gone]
    assert "me" not in own_list(tmp_path).read_text().split('"'), "who it was is not in the list"

    acts.switch_on(databases, "me", now=LATER)  # somebody who begins anew is not deleted by what was before
    marked(databases, told)
    with databases.write() as session:  # an older state comes back
        session.add(LearnerRow(id=gone, asker="me again", is_on=True, created_at=NOW))
        session.flush()
        store.keep_bookmark(session, gone, moment(told, 1.0), question_id=None, now=NOW)
    replay(databases, tmp_path, read_deletions(own_list(tmp_path)), forget_person=forget_person_again)
    assert rows(databases) == [1, 1, 0, 0]


def test_one_bookmark_and_one_card_are_deleted_for_good(databases: Database, told: Shelved, tmp_path: Path) -> None:
    mark, card = marked(databases, told), made(databases, told)
    stays = marked(databases, told, 1.0)
    acts.delete_bookmark(databases, tmp_path, "me", mark.id)
    acts.delete_card(databases, tmp_path, "me", card.id)
    with pytest.raises(NoSuchThing):
        acts.delete_card(databases, tmp_path, "me", card.id)
    with pytest.raises(NoSuchThing):
        rated(databases, card)
    assert rows(databases) == [1, 1, 0, 0]
    with databases.write() as session:
        row = {"learner_id": learner_id(databases), "recording_id": told.recording_id, "start_s": 0.0, "end_s": 1.0}
        session.add(BookmarkRow(id=mark.id, note="", created_at=NOW, **row))
    replay(databases, tmp_path, read_deletions(own_list(tmp_path)), forget_person=forget_person_again)
    with databases.read() as session:
        assert [each.id for each in store.bookmarks(session, learner_id(databases))] == [stays.id]


def test_a_person_who_is_forgotten_leaves_nothing_learnt(databases: Database, told: Shelved, tmp_path: Path) -> None:
    with databases.write() as session:
        people.add_local(session, "Ada", role=Role.ADMIN, password_hash="!")
        anna = people.add_local(session, "Anna", role=Role.EMPLOYEE, password_hash="!")
    acts.switch_on(databases, anna.id, now=NOW)
    acts.bookmark(databases, anna.id, moment(told), question_id=None, now=NOW)
    forget(databases, tmp_path, anna.id, actor="p-1")
    assert rows(databases) == [1, 0, 0, 0]

    acts.switch_on(databases, anna.id, now=NOW)  # an older state comes back
    with databases.write() as session:
        assert forget_person_again(session, anna.id) is True
        assert forget_person_again(session, anna.id) is False
    assert rows(databases) == [1, 0, 0, 0]


def test_five_thousand_cards_are_looked_through_at_once(databases: Database, told: Shelved) -> None:
    memory = RECALL.after(RECALL.fresh(NOW), Rating.EASY, NOW)
    with databases.write() as session:
        for number in range(5_000):
            place = Moment(told.recording_id, number, number + 1)
            store.keep_card(session, learner_id(databases), place, CardKind.CLOZE, memory, question_id=None, now=NOW)
    began = time.process_time()
    with databases.read() as session:
        heard, mine = frozenset({told.course_id}), learner_id(databases)
        assert len(store.cards_of_recordings(session, mine, heard)[told.recording_id]) == 5_000
        assert store.count_due(session, mine, heard, today_until=LATER, soon_until=NOW) == 5_000
        assert len(store.cards(session, mine, first=4_950, limit=50)) == 50
    assert time.process_time() - began < 2.0
