"""What people do with their own learning: each act one short transaction, within what they switched on.

What is deleted is noted first, so that an older backup does not bring it back. No act leaves a row in the audit log:
whether somebody learns is nobody else's business. Rights are asked before.
"""

import datetime as dt
from pathlib import Path

from sqlalchemy.orm import Session

from assistant.errors import BadInput
from assistant.forgetting.deletions import DeletionKind, note_deletion
from assistant.learning import store
from assistant.learning.kept import (
    NO_QUESTION,
    NO_SUCH_RATING,
    NOT_ON,
    Bookmark,
    CardKind,
    Learner,
    Moment,
    NotOn,
    RecallCard,
    Review,
    checked_note,
)
from assistant.learning.memory import Rating, Recall
from assistant.questions import log
from knowledge.database import Database


def switch_on(database: Database, asker: str, *, now: dt.datetime) -> None:
    with database.write() as session:
        store.switch_on(session, asker, now=now)


def switch_off(database: Database, asker: str) -> None:
    with database.write() as session:
        store.switch_off(session, asker)


def delete_all(database: Database, home: Path, asker: str, *, beside: Path | None = None) -> None:
    """With the switch itself: it is off as if it had never been on. Raises what `note_deletion` raises."""
    with database.read() as session:
        learner = store.learner(session, asker)
    if learner is None:
        return
    note_deletion(home, DeletionKind.LEARNING, [learner.id], beside=beside)
    with database.write() as session:
        store.forget_asker(session, asker)
    database.forget_deleted()


def bookmark(database: Database, asker: str, moment: Moment, *, question_id: str | None, now: dt.datetime) -> Bookmark:
    """`question_id`: left out where it is none of the asker's own. Raises NotOn."""
    with database.write() as session:
        learner = _on(session, asker)
        if question_id is not None and not log.hold_own(session, question_id, asker):
            question_id = None
        return store.keep_bookmark(session, learner.id, moment, question_id=question_id, now=now)


def note(database: Database, asker: str, bookmark_id: str, text: str) -> None:
    """Raises BadInput for a note that is too long, NoSuchThing, NotOn."""
    kept = checked_note(text)
    with database.write() as session:
        store.note_bookmark(session, _on(session, asker).id, bookmark_id, kept)


def delete_bookmark(
    database: Database, home: Path, asker: str, bookmark_id: str, *, beside: Path | None = None
) -> None:
    """Raises NoSuchThing, and what `note_deletion` raises."""
    with database.read() as session:
        store.bookmark(session, _known(session, asker), bookmark_id)
    note_deletion(home, DeletionKind.LEARNING, [bookmark_id], beside=beside)
    with database.write() as session:
        store.delete_bookmark(session, _known(session, asker), bookmark_id)
    database.forget_deleted()


def make_card(
    database: Database,
    asker: str,
    moment: Moment,
    kind: CardKind,
    *,
    question_id: str | None,
    recall: Recall,
    now: dt.datetime,
) -> RecallCard:
    """`question_id`: one of the asker's own, in front of a card in one's own words. Raises NotOn, and BadInput where
    such a card has none."""
    front = question_id if kind is CardKind.OWN_WORDS else None
    with database.write() as session:
        learner = _on(session, asker)
        if kind is CardKind.OWN_WORDS and (front is None or not log.hold_own(session, front, asker)):
            raise BadInput(*NO_QUESTION)
        return store.keep_card(session, learner.id, moment, kind, recall.fresh(now), question_id=front, now=now)


def delete_card(database: Database, home: Path, asker: str, card_id: str, *, beside: Path | None = None) -> None:
    """Raises NoSuchThing, and what `note_deletion` raises."""
    with database.read() as session:
        store.card(session, _known(session, asker), card_id)
    note_deletion(home, DeletionKind.LEARNING, [card_id], beside=beside)
    with database.write() as session:
        store.delete_card(session, _known(session, asker), card_id)
    database.forget_deleted()


def rate(
    database: Database, asker: str, card_id: str, rating: str, *, seen: int, recall: Recall, now: dt.datetime
) -> Review | None:
    """`seen`: how often the card had been checked when it was shown: where it was checked since, by a second click or
    in another tab, nothing happens. Raises NoSuchThing, NotOn, BadInput."""
    given = _rating(rating)
    with database.write() as session:
        card = store.card(session, _on(session, asker).id, card_id, for_change=True)
        if card.reviews != seen:
            return None
        return store.keep_review(session, card, recall.after(card.memory, given, now), given, now=now)


def undo(database: Database, asker: str, review_id: str) -> bool:
    """Take a rating back where nothing came after it; whether there was one."""
    with database.write() as session:
        learner = store.learner(session, asker)
        review = None if learner is None else store.review_for_change(session, learner.id, review_id)
        if review is None:
            return False
        store.take_back(session, review)
        return True


def _on(session: Session, asker: str) -> Learner:
    learner = store.learner(session, asker)
    if learner is None or not learner.is_on:
        raise NotOn(*NOT_ON)
    return learner


def _known(session: Session, asker: str) -> str:
    """Also where it is off: what was kept can be deleted. No learner has an empty id."""
    learner = store.learner(session, asker)
    return "" if learner is None else learner.id


def _rating(text: str) -> Rating:
    try:
        return Rating(text)
    except ValueError as error:
        raise BadInput(*NO_SUCH_RATING) from error
