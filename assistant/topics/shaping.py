"""What a person does with topics: rename, merge, take a merge back, split. Each act and its row in the audit log in one
transaction.

What is published stays as it is; weeks that are still open, and those to come, are counted anew. Only topics of which
something was published can be shaped: of the others nobody is told that they exist.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from assistant.access.caller import Caller
from assistant.access.policy import Action, may
from assistant.access.tables import PersonRow
from assistant.audit.event import AuditAction, AuditEvent, Detail
from assistant.audit.log import append
from assistant.courses.naming import visible_name
from assistant.errors import BadInput, Forbidden, NotFound
from assistant.topics import errors, store
from assistant.topics.asked_text import AskedText
from assistant.topics.errors import ChangedMeanwhile
from assistant.topics.figures import Topic
from assistant.topics.masking import shown_words
from assistant.topics.merges import way_of
from assistant.topics.tables import TopicQuestionRow, TopicQuoteRow, TopicRow
from knowledge.database import Database, new_id, slices, utc_now

LONGEST_TOPIC_NAME = 200


@dataclass(frozen=True, slots=True)
class Half:
    """`key`: to be given back by whoever agrees. `example`: masked."""

    key: str
    example: str


@dataclass(frozen=True, slots=True)
class _Half:
    """`named_by`: the id of the question that is its example."""

    shown: Half
    named_by: str
    asked: list[AskedText]


def rename(database: Database, caller: Caller, topic_id: str, name: str) -> None:
    """The name holds, whatever is asked. Raises Forbidden, NotFound, BadInput for a name that is empty or too long."""
    shown = visible_name(name)
    if not shown:
        raise BadInput(*errors.NO_NAME)
    if len(shown) > LONGEST_TOPIC_NAME:
        raise BadInput(*errors.NAME_TOO_LONG)
    with database.write() as session:
        _begin(session, caller, topic_id)
        session.execute(update(TopicRow).where(TopicRow.id == topic_id).values(name=shown))
        # What somebody gave a name stays together, and is never drawn into another topic.
        session.execute(update(TopicQuestionRow).where(TopicQuestionRow.topic_id == topic_id).values(settled=True))
        _note(session, caller, AuditAction.TOPIC_RENAMED, topic_id)


def merge(database: Database, caller: Caller, topic_id: str, into_id: str) -> None:
    """From now on its questions count for the other. Raises Forbidden, NotFound, BadInput where it is merged already,
    or the other into it."""
    with database.write() as session:
        topic = _begin(session, caller, topic_id)
        _known(session, into_id)
        if topic.merged_into is not None:
            raise BadInput(*errors.MERGED_ALREADY)
        if store.counted_for(session)[into_id] == topic_id:
            raise BadInput(*errors.INTO_ITSELF)
        session.execute(update(TopicRow).where(TopicRow.id == topic_id).values(merged_into=into_id))
        _note(session, caller, AuditAction.TOPIC_MERGED, topic_id, into=into_id)


def unmerge(database: Database, caller: Caller, topic_id: str) -> None:
    """From now on its questions count for it again. Raises Forbidden, NotFound, BadInput where it is not merged."""
    with database.write() as session:
        topic = _begin(session, caller, topic_id)
        if topic.merged_into is None:
            raise BadInput(*errors.NOT_MERGED)
        session.execute(update(TopicRow).where(TopicRow.id == topic_id).values(merged_into=None))
        _take_words_along(session, topic_id, topic.merged_into)
        _note(session, caller, AuditAction.TOPIC_MERGED, topic_id, undone=True)


def _take_words_along(session: Session, topic_id: str, left: str) -> None:
    """A topic is no longer named by a question of one that has left it; the next update finds another name."""
    root = store.counted_for(session)
    leaving = [each for each, end in root.items() if end == topic_id]
    theirs = select(TopicQuestionRow.question_id).where(TopicQuestionRow.topic_id.in_(leaving))
    named = delete(TopicQuoteRow).where(TopicQuoteRow.topic_id.in_(way_of(left, store.merged_topics(session))))
    session.execute(named.where(TopicQuoteRow.question_id.in_(theirs)))


def halves(database: Database, caller: Caller, topic_id: str) -> list[Half]:
    """The two topics that a split would make, the larger first, which keeps id and name.

    Raises Forbidden, NotFound, BadInput where they mean the same, or too few people stand behind one.
    """
    with database.read() as session:
        _permit(caller)
        _known(session, topic_id)
        return [half.shown for half in _halves(session, topic_id)]


def split(database: Database, caller: Caller, topic_id: str, *, agreed: Collection[str] | None = None) -> None:
    """The smaller half becomes a topic of its own, and each draws its own new questions.

    `agreed`: the keys of the halves as they were shown. Raises ChangedMeanwhile where they are others now, and what
    `halves` raises. The halves take seconds: they are found before the write, so that no other writer waits for them.
    """
    with database.read() as session:
        _permit(caller)
        _known(session, topic_id)
        before = store.revision(session), _askers(session, topic_id)
        kept, parted = _halves(session, topic_id)
    if agreed is not None and set(agreed) != {kept.shown.key, parted.shown.key}:
        raise ChangedMeanwhile
    with database.write() as session:
        # Questions are deleted, and weeks closed, without a new revision.
        if (store.hold(session).revision, _askers(session, topic_id)) != before:
            raise ChangedMeanwhile
        topic = _begin(session, caller, topic_id)
        new = TopicRow(id=new_id(), name="", merged_into=None, invented=topic.invented, created_at=utc_now())
        session.add(new)
        session.flush()
        _settle(session, kept.asked, topic_id)
        _settle(session, parted.asked, new.id)
        _place_again(session, topic_id, kept.asked)
        _name_anew(session, topic_id, kept)
        _note(session, caller, AuditAction.TOPIC_SPLIT, topic_id, new=new.id)


def _askers(session: Session, topic_id: str) -> dict[str, str]:
    """Who asked each question before the last closed week ended: who comes back each day learns nothing of who asks
    today. Raises NotFound where no week has closed."""
    last = store.last_closed(session)
    if last is None:
        raise NotFound(*errors.NO_SUCH_TOPIC)
    return store.askers_of(session, [topic_id], before=last.ends_at)


def _halves(session: Session, topic_id: str) -> list[_Half]:
    from assistant.topics.grouping import most_typical  # half a second, for those alone who split
    from assistant.topics.halving import halves_of

    askers = _askers(session, topic_id)
    asked = list(store.asked_texts(session, languages=None, of_topics=[topic_id]))
    found = halves_of([one for one in asked if one.id in askers])
    if found is None:
        raise BadInput(*errors.ALL_THE_SAME)
    fewest = store.state(session).fewest_people
    if any(len({askers[one.id] for one in half}) < fewest for half in found):
        raise BadInput(*errors.TOO_FEW_TO_SPLIT)
    names = list(session.scalars(select(PersonRow.name)))
    typical = [most_typical(half, askers) for half in found]
    return [
        _Half(Half(_key_of(example), example), named_by.id, half)
        for named_by, half in zip(typical, found, strict=True)
        for example in [shown_words(named_by.text, names)]
    ]


def _key_of(example: str) -> str:
    """By which somebody agrees to the half that was shown so. It is made of what was shown alone: made of who is in it,
    it would change when one of them is forgotten, and tell that they asked."""
    return hashlib.sha256(example.encode()).hexdigest()[:32]


def _settle(session: Session, half: list[AskedText], topic_id: str) -> None:
    for some in slices([one.id for one in half]):
        rows = update(TopicQuestionRow).where(TopicQuestionRow.question_id.in_(some))
        session.execute(rows.values(topic_id=topic_id, settled=True))


def _place_again(session: Session, topic_id: str, kept: list[AskedText]) -> None:
    """What was in neither half, such as the questions of the open week: left where they are they would draw back what
    has just been parted, and what a name kept together was the whole topic. The next update places them."""
    inside = session.scalars(select(TopicQuestionRow.question_id).where(TopicQuestionRow.topic_id == topic_id))
    for some in slices(sorted(set(inside) - {one.id for one in kept})):
        session.execute(delete(TopicQuestionRow).where(TopicQuestionRow.question_id.in_(some)))
    store.hold(session).seen = ""


def _name_anew(session: Session, topic_id: str, kept: _Half) -> None:
    """Where the question that named the topic has gone into the other half."""
    quote = session.get(TopicQuoteRow, topic_id)
    if quote is not None and quote.question_id not in {one.id for one in kept.asked}:
        quote.question_id, quote.text, quote.asked_by_many = kept.named_by, kept.shown.example, False
        session.flush()


def _begin(session: Session, caller: Caller, topic_id: str) -> Topic:
    """The topic, which nobody else changes until the commit; an update that thinks meanwhile begins again."""
    _permit(caller)
    store.hold(session).revision += 1
    session.flush()
    return _known(session, topic_id)


def _permit(caller: Caller) -> None:
    if not may(caller, Action.SHAPE_TOPICS):
        raise Forbidden(*errors.NOT_YOURS_TO_SHAPE)


def _known(session: Session, topic_id: str) -> Topic:
    topic = store.topics(session).get(topic_id)
    if topic is None:
        raise NotFound(*errors.NO_SUCH_TOPIC)
    return topic


def _note(session: Session, caller: Caller, action: AuditAction, topic_id: str, **details: Detail) -> None:
    append(session, AuditEvent(caller.actor, action, "topic", topic_id, details=details))
