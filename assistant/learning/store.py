"""One's own learning, read from the database and kept in it; each function takes the learner whose it is.

What is about a recording is asked for with the courses that may be heard now. Knows no rights and no schedule.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from assistant.learning.kept import (
    NO_SUCH_CARD,
    NO_SUCH_MARK,
    Bookmark,
    CardKind,
    Learner,
    Moment,
    NoSuchThing,
    RecallCard,
    Review,
)
from assistant.learning.memory import Memory, Phase, Rating
from assistant.learning.tables import BookmarkRow, LearnerRow, RecallCardRow, RecallReviewRow
from knowledge.database import insert_unless_there, new_id, slices
from knowledge.recordings.tables import RecordingRow, RecordingState


def learner(session: Session, asker: str) -> Learner | None:
    row = session.scalar(select(LearnerRow).where(LearnerRow.asker == asker))
    return None if row is None else Learner(row.id, row.is_on)


def switch_on(session: Session, asker: str, *, now: dt.datetime) -> Learner:
    insert_unless_there(session, LearnerRow, [{"id": new_id(), "asker": asker, "is_on": True, "created_at": now}])
    row = session.scalars(select(LearnerRow).where(LearnerRow.asker == asker)).one()
    row.is_on = True
    return Learner(row.id, True)


def switch_off(session: Session, asker: str) -> None:
    """What was kept stays; nothing more is."""
    row = session.scalar(select(LearnerRow).where(LearnerRow.asker == asker))
    if row is not None:
        row.is_on = False


def forget_asker(session: Session, asker: str) -> bool:
    """Everything; whether there was anything."""
    gone = session.scalars(delete(LearnerRow).where(LearnerRow.asker == asker).returning(LearnerRow.id))
    return bool(gone.all())


def forget_again(session: Session, ids: Sequence[str]) -> None:
    """Learners, bookmarks and cards that a list of deletions names."""
    for some in slices(ids):
        for table in (LearnerRow, BookmarkRow, RecallCardRow):
            session.execute(delete(table).where(table.id.in_(some)))


def keep_bookmark(
    session: Session, learner_id: str, moment: Moment, *, question_id: str | None, now: dt.datetime
) -> Bookmark:
    """The one that is there where this moment has one."""
    place = _place(learner_id, moment)
    row = {"id": new_id(), "question_id": question_id, "note": "", "created_at": now}
    insert_unless_there(session, BookmarkRow, [place | row])
    return _bookmark(session.scalars(select(BookmarkRow).filter_by(**place)).one())


def bookmarks(session: Session, learner_id: str, *, first: int = 0, limit: int | None = None) -> list[Bookmark]:
    """Newest first."""
    query = select(BookmarkRow).where(BookmarkRow.learner_id == learner_id)
    query = query.order_by(BookmarkRow.created_at.desc(), BookmarkRow.id.desc()).offset(first)
    return [_bookmark(row) for row in session.scalars(query.limit(limit))]


def bookmarks_in(session: Session, learner_id: str, recording_ids: Sequence[str]) -> dict[Moment, str]:
    """Ids of the bookmarks in these recordings, by their moments."""
    query = select(BookmarkRow).where(BookmarkRow.learner_id == learner_id, BookmarkRow.recording_id.in_(recording_ids))
    return {kept.moment: kept.id for kept in map(_bookmark, session.scalars(query))}


def count_bookmarks(session: Session, learner_id: str) -> int:
    return session.scalar(select(func.count()).where(BookmarkRow.learner_id == learner_id)) or 0


def bookmark(session: Session, learner_id: str, bookmark_id: str) -> Bookmark:
    """Raises NoSuchThing."""
    return _bookmark(_bookmark_row(session, learner_id, bookmark_id))


def note_bookmark(session: Session, learner_id: str, bookmark_id: str, note: str) -> None:
    """Raises NoSuchThing."""
    _bookmark_row(session, learner_id, bookmark_id).note = note


def delete_bookmark(session: Session, learner_id: str, bookmark_id: str) -> None:
    """Raises NoSuchThing."""
    session.delete(_bookmark_row(session, learner_id, bookmark_id))


def keep_card(
    session: Session,
    learner_id: str,
    moment: Moment,
    kind: CardKind,
    memory: Memory,
    *,
    question_id: str | None,
    now: dt.datetime,
) -> RecallCard:
    """The one that is there where this moment has one of the kind."""
    place = _place(learner_id, moment) | {"kind": kind}
    row = {"id": new_id(), "question_id": question_id, "created_at": now, "reviews": 0}
    insert_unless_there(session, RecallCardRow, [place | row | asdict(memory)])
    return _card(session.scalars(select(RecallCardRow).filter_by(**place)).one())


def cards(session: Session, learner_id: str, *, first: int = 0, limit: int | None = None) -> list[RecallCard]:
    """Those due soonest first."""
    query = select(RecallCardRow).where(RecallCardRow.learner_id == learner_id)
    query = query.order_by(RecallCardRow.due_at, RecallCardRow.id).offset(first).limit(limit)
    return [_card(row) for row in session.scalars(query)]


def count_cards(session: Session, learner_id: str) -> int:
    return session.scalar(select(func.count()).where(RecallCardRow.learner_id == learner_id)) or 0


def card(session: Session, learner_id: str, card_id: str, *, for_change: bool = False) -> RecallCard:
    """`for_change`: nobody else changes it before the transaction ends. Raises NoSuchThing."""
    return _card(_card_row(session, learner_id, card_id, for_change=for_change))


def delete_card(session: Session, learner_id: str, card_id: str) -> None:
    """Raises NoSuchThing."""
    session.delete(_card_row(session, learner_id, card_id))


def due_cards(
    session: Session,
    learner_id: str,
    heard: frozenset[str],
    *,
    today_until: dt.datetime,
    soon_until: dt.datetime,
    first: int = 0,
    limit: int,
) -> list[RecallCard]:
    """Cards to check now, those due longest first: what is learnt up to `soon_until`, what is reviewed up to
    `today_until`. Only of recordings in courses that are `heard`."""
    due = _due(learner_id, heard, today_until=today_until, soon_until=soon_until)
    query = select(RecallCardRow).join(RecordingRow, RecordingRow.id == RecallCardRow.recording_id).where(*due)
    query = query.order_by(RecallCardRow.due_at, RecallCardRow.id).offset(first).limit(limit)
    return [_card(row) for row in session.scalars(query)]


def count_due(
    session: Session, learner_id: str, heard: frozenset[str], *, today_until: dt.datetime, soon_until: dt.datetime
) -> int:
    due = _due(learner_id, heard, today_until=today_until, soon_until=soon_until)
    query = select(func.count()).select_from(RecallCardRow)
    return session.scalar(query.join(RecordingRow, RecordingRow.id == RecallCardRow.recording_id).where(*due)) or 0


def cards_of_recordings(session: Session, learner_id: str, heard: frozenset[str]) -> dict[str, list[Memory]]:
    """Memories by the recording's id, of recordings in courses that are `heard`."""
    query = select(RecallCardRow.recording_id, *(getattr(RecallCardRow, name) for name in _MEMORY))
    query = query.join(RecordingRow, RecordingRow.id == RecallCardRow.recording_id)
    found: dict[str, list[Memory]] = {}
    for row in session.execute(query.where(RecallCardRow.learner_id == learner_id, *_open(heard))):
        found.setdefault(row[0], []).append(Memory(*row[1:]))
    return found


def keep_review(session: Session, card: RecallCard, after: Memory, rating: Rating, *, now: dt.datetime) -> Review:
    """The card as it was goes beside the review, the card is as it is after it."""
    review = Review(new_id(), card.id, card.reviews + 1, rating, now)
    session.add(RecallReviewRow(**asdict(review), before=_document(card.memory)))
    _remember(session, card.id, after, reviews=review.number)
    return review


def review(session: Session, learner_id: str, review_id: str) -> Review | None:
    """Where it is the newest of a card of the learner's."""
    query = select(RecallReviewRow).join(RecallCardRow, RecallCardRow.id == RecallReviewRow.card_id)
    newest = RecallReviewRow.number == RecallCardRow.reviews
    row = session.scalar(query.where(RecallReviewRow.id == review_id, RecallCardRow.learner_id == learner_id, newest))
    return None if row is None else Review(row.id, row.card_id, row.number, row.rating, row.reviewed_at)


def review_for_change(session: Session, learner_id: str, review_id: str) -> Review | None:
    """As `review`; nobody rates its card before the transaction ends. The card is locked before it is asked which
    review is the newest: one that came while we waited counts."""
    query = select(RecallCardRow.id).join(RecallReviewRow, RecallReviewRow.card_id == RecallCardRow.id)
    mine = query.where(RecallReviewRow.id == review_id, RecallCardRow.learner_id == learner_id)
    session.execute(mine.with_for_update(of=RecallCardRow))
    return review(session, learner_id, review_id)


def reviews(session: Session, learner_id: str) -> list[Review]:
    """Oldest first."""
    query = select(RecallReviewRow).join(RecallCardRow, RecallCardRow.id == RecallReviewRow.card_id)
    rows = session.scalars(query.where(RecallCardRow.learner_id == learner_id).order_by(RecallReviewRow.id))
    return [Review(row.id, row.card_id, row.number, row.rating, row.reviewed_at) for row in rows]


def take_back(session: Session, review: Review) -> None:
    """The card is again as it was before."""
    row = session.get_one(RecallReviewRow, review.id)
    _remember(session, review.card_id, _memory_of(row.before), reviews=review.number - 1)
    session.delete(row)


_MEMORY = ("phase", "step", "stability", "difficulty", "due_at", "reviewed_at", "rated")


def _due(
    learner_id: str, heard: frozenset[str], *, today_until: dt.datetime, soon_until: dt.datetime
) -> tuple[ColumnElement[bool], ...]:
    in_review = (RecallCardRow.phase == Phase.REVIEW) & (RecallCardRow.due_at < today_until)
    return RecallCardRow.learner_id == learner_id, or_(in_review, RecallCardRow.due_at <= soon_until), *_open(heard)


def _open(heard: frozenset[str]) -> tuple[ColumnElement[bool], ...]:
    return RecordingRow.state == RecordingState.READY, RecordingRow.course_id.in_(heard)


def _place(learner_id: str, moment: Moment) -> dict[str, Any]:
    return {"learner_id": learner_id} | asdict(moment)


def _bookmark_row(session: Session, learner_id: str, bookmark_id: str) -> BookmarkRow:
    row = session.get(BookmarkRow, bookmark_id)
    if row is None or row.learner_id != learner_id:
        raise NoSuchThing(*NO_SUCH_MARK)
    return row


def _card_row(session: Session, learner_id: str, card_id: str, *, for_change: bool = False) -> RecallCardRow:
    row = session.get(RecallCardRow, card_id, with_for_update=for_change)
    if row is None or row.learner_id != learner_id:
        raise NoSuchThing(*NO_SUCH_CARD)
    return row


def _remember(session: Session, card_id: str, memory: Memory, *, reviews: int) -> None:
    row = session.get_one(RecallCardRow, card_id)
    for name in _MEMORY:
        setattr(row, name, getattr(memory, name))
    row.reviews = reviews


def _bookmark(row: BookmarkRow) -> Bookmark:
    moment = Moment(row.recording_id, row.start_s, row.end_s)
    return Bookmark(row.id, moment, row.note, row.question_id, row.created_at)


def _card(row: RecallCardRow) -> RecallCard:
    moment = Moment(row.recording_id, row.start_s, row.end_s)
    memory = Memory(*(getattr(row, name) for name in _MEMORY))
    return RecallCard(row.id, moment, row.kind, row.question_id, memory, row.reviews, row.created_at)


def _document(memory: Memory) -> dict[str, Any]:
    dates = {name: None if (at := getattr(memory, name)) is None else at.isoformat() for name in _DATES}
    return asdict(memory) | dates


def _memory_of(document: dict[str, Any]) -> Memory:
    dates = {name: None if (at := document[name]) is None else dt.datetime.fromisoformat(at) for name in _DATES}
    rated = None if document["rated"] is None else Rating(document["rated"])
    return Memory(**document | dates | {"phase": Phase(document["phase"]), "rated": rated})


_DATES = ("due_at", "reviewed_at")
