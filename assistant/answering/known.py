"""Questions whose answer somebody has shown: a trainer who answered, people who said that a moment was it.

Only the same question counts (`likeness.SAME`): everything else is for search to find. What is said here of a moment is
read again from the database, within the asker's courses, before it leaves.
"""

import datetime as dt
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from assistant.answering.known_answer import KnownAnswer, ShownBy
from assistant.feedback.tables import FeedbackRow, Judgement
from assistant.inbox.tables import OpenQuestionRow, TrainerAnswerRow
from assistant.questions import log
from assistant.questions.invented import really_asked
from assistant.questions.likeness import SAME, Wording, Wordings
from assistant.questions.tables import QuestionRow, QuestionVectorRow
from assistant.questions.vectors import read_vector
from knowledge.database import Database, slices
from knowledge.finding.moment import Hit, Sentence
from knowledge.passages.cutting import joined
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.transcripts import store as transcripts

PROBABILITY = 0.95
"""That an answer to the same question answers this one: between what was measured for `likeness.SAME` (see there)."""
ENOUGH_CONFIRM = 2
"""People beside the asker: one alone could bend everybody's answers."""
SAME_START_S = 5.0
"""Two moments of a recording that begin no further apart are one."""
A_WORD_S = 0.5
READ_AGAIN_AFTER_S = 60.0
_JUDGED = (Judgement.YES, Judgement.NO)


@dataclass(frozen=True, slots=True)
class _Shown:
    """One wording and what it was shown. `refused_at`: when its asker said that nothing was it."""

    wording: Wording
    course_id: str | None
    answer: KnownAnswer | None
    asker: str | None = None
    refused_at: dt.datetime | None = None


class KnownAnswers:
    """All that is known, read anew when it changes. Safe to share between threads."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp: object = None
        self._read_at = float("-inf")
        self._read_before: dict[str, Wording] = {}
        self._shown: Sequence[_Shown] = ()
        self._wordings = Wordings(())

    def answer(self, asked: Wording, *, courses: frozenset[str], asker: str | None) -> KnownAnswer | None:
        """What is known of this very question within these courses; a trainer's newest word goes first."""
        with self._database.read() as session:
            shown, wordings = self._all(session)
        alike = (shown[int(at)] for at in np.flatnonzero(wordings.likenesses(asked, SAME)))
        same = [each for each in alike if each.course_id is None or each.course_id in courses]
        taught = [each.answer for each in same if each.answer is not None and each.answer.by is ShownBy.TRAINER]
        if taught:
            return max(taught, key=lambda answer: answer.made_at)
        return _confirmed(same, asker)

    def _all(self, session: Session) -> tuple[Sequence[_Shown], Wordings]:
        stamp = _stamp(session)
        with self._lock:
            if stamp != self._stamp or self._clock() - self._read_at > READ_AGAIN_AFTER_S:
                self._shown = self._read(session)
                self._wordings = Wordings([each.wording for each in self._shown])
                self._stamp, self._read_at = stamp, self._clock()
            return self._shown, self._wordings

    def _read(self, session: Session) -> list[_Shown]:
        """Words never change: a wording that was read before is read again only where its vector is another."""
        answers = session.scalars(select(TrainerAnswerRow).where(TrainerAnswerRow.withdrawn_at.is_(None))).all()
        asked = _asked_of(session, [row.item_id for row in answers if row.item_id is not None])
        judged = _judged(session)
        digests = {row.question_id: row.digest for row in itertools.chain(asked, judged)}
        wordings = {key: each for key, each in self._read_before.items() if digests.get(key, "") == each.digest}
        new = [key for key in digests if key not in wordings]
        wordings |= {each.id: each.wording for each in log.wordings(session, new)}
        self._read_before = wordings
        return [*_taught(answers, asked, wordings), *_confirmed_or_refused(judged, wordings)]


def hit_of(session: Session, answer: KnownAnswer, courses: frozenset[str]) -> Hit | None:
    """The moment as a hit, with the words that are said there now; None where it is not playable for these courses, or
    nothing is said there."""
    if answer.recording_id is None:
        return None
    recording = recordings.recording(session, answer.recording_id)
    if recording is None or recording.course_id not in courses:
        return None
    if recording.state is not RecordingState.READY or recording.revision is None:
        return None
    segments = transcripts.segments_of(session, recording.id, recording.revision)
    said = [
        at
        for at, each in enumerate(segments)
        if each.searchable and each.end_s > answer.start_s and each.start_s < answer.end_s
    ]
    if not said:
        return None
    first, last = said[0], said[-1]
    text = joined([segments[at].text.strip() for at in said])
    return Hit(
        rank=1,
        score=0.0,
        recording_id=recording.id,
        course_id=recording.course_id,
        revision=recording.revision,
        first_segment=first,
        last_segment=last,
        start_s=answer.start_s,
        end_s=answer.end_s,
        passage_start_s=segments[first].start_s,
        passage_end_s=segments[last].end_s,
        text=text,
        sentence=Sentence(answer.start_s, answer.end_s, text, exact=False),
    )


def is_this_moment(hit: Hit, answer: KnownAnswer) -> bool:
    """Whether the hit plays the very moment; what begins within a word of it does."""
    return hit.recording_id == answer.recording_id and abs(hit.start_s - answer.start_s) <= A_WORD_S


def is_within(hit: Hit, answer: KnownAnswer) -> bool:
    """Whether the hit would play some of the moment once more."""
    return (
        hit.recording_id == answer.recording_id and hit.start_s < answer.end_s and answer.start_s < hit.end_s
    ) or is_this_moment(hit, answer)


def _confirmed(same: Sequence[_Shown], asker: str | None) -> KnownAnswer | None:
    """The moment that most people said was it, where that are enough, or the asker is one of them. Whoever said since
    that nothing was it is none of them."""
    refused: dict[str | None, dt.datetime] = {}
    for each in same:
        if each.refused_at is not None:
            refused[each.asker] = max(each.refused_at, refused.get(each.asker, each.refused_at))
    moments: dict[tuple[str | None, float], tuple[KnownAnswer, set[str | None]]] = {}
    for each in same:
        if each.answer is not None and (each.asker not in refused or refused[each.asker] < each.answer.made_at):
            place = each.answer.recording_id, each.answer.start_s
            moments.setdefault(place, (each.answer, set()))[1].add(each.asker)
    best: tuple[bool, int, KnownAnswer] | None = None
    for answer, _ in moments.values():
        people = {one for other, askers in moments.values() if _is_one(answer, other) for one in askers}
        own = asker is not None and asker in people
        enough = len(people - {None}) >= max(ENOUGH_CONFIRM, len(refused.keys() - people) + 1)
        if (own or enough) and (best is None or (own, len(people)) > best[:2]):
            best = own, len(people), replace(answer, by=ShownBy.PEOPLE if enough else ShownBy.ONESELF)
    return best[2] if best else None


def _is_one(one: KnownAnswer, other: KnownAnswer) -> bool:
    return one.recording_id == other.recording_id and abs(one.start_s - other.start_s) <= SAME_START_S


def _stamp(session: Session) -> object:
    """Differs where anything that is read below may have changed."""
    answers = select(func.count(), func.max(TrainerAnswerRow.id), func.max(TrainerAnswerRow.withdrawn_at))
    judged = select(func.count(), func.max(FeedbackRow.made_at)).where(FeedbackRow.kind.in_(_JUDGED))
    asked = select(func.count()).select_from(OpenQuestionRow)
    return tuple(tuple(session.execute(each).one()) for each in (answers, judged, asked))


def _asked_of(session: Session, items: Sequence[str]) -> list[Any]:
    """The questions of these items: `item_id`, `question_id`, `digest` of its vector."""
    query = select(OpenQuestionRow.item_id, OpenQuestionRow.question_id, QuestionVectorRow.digest).outerjoin(
        QuestionVectorRow, QuestionVectorRow.question_id == OpenQuestionRow.question_id
    )
    return [row for some in slices(items) for row in session.execute(query.where(OpenQuestionRow.item_id.in_(some)))]


def _taught(
    answers: Iterable[TrainerAnswerRow], asked: Iterable[Any], wordings: Mapping[str, Wording]
) -> Iterator[_Shown]:
    of_item: dict[str | None, list[Wording]] = {}
    for row in asked:
        if row.question_id in wordings:
            of_item.setdefault(row.item_id, []).append(wordings[row.question_id])
    for each in answers:
        answer = KnownAnswer(
            ShownBy.TRAINER,
            each.made_at,
            recording_id=each.recording_id,
            start_s=each.start_s or 0.0,
            end_s=each.end_s or 0.0,
            line=each.line,
            answer_id=each.id,
        )
        own = Wording(each.question, read_vector(each.digest, each.vector))
        for wording in (own, *of_item.get(each.item_id, ())):
            yield _Shown(wording, each.course_id, answer)


def _judged(session: Session) -> Sequence[Any]:
    """What their askers said of answers, with who they are, the course and the `digest` of the question's vector."""
    query = (
        select(
            FeedbackRow.question_id,
            FeedbackRow.kind,
            FeedbackRow.made_at,
            FeedbackRow.recording_id,
            FeedbackRow.start_s,
            FeedbackRow.end_s,
            QuestionRow.asker,
            RecordingRow.course_id,
            QuestionVectorRow.digest,
        )
        .join(QuestionRow, QuestionRow.id == FeedbackRow.question_id)
        .outerjoin(RecordingRow, RecordingRow.id == FeedbackRow.recording_id)
        .outerjoin(QuestionVectorRow, QuestionVectorRow.question_id == FeedbackRow.question_id)
        .where(FeedbackRow.kind.in_(_JUDGED), really_asked())
    )
    return session.execute(query).all()


def _confirmed_or_refused(judged: Iterable[Any], wordings: Mapping[str, Wording]) -> Iterator[_Shown]:
    for row in judged:
        if row.question_id not in wordings:
            continue
        if row.kind is Judgement.NO:
            yield _Shown(wordings[row.question_id], None, None, row.asker, refused_at=row.made_at)
        elif row.course_id is not None:
            answer = KnownAnswer(ShownBy.PEOPLE, row.made_at, row.recording_id, row.start_s or 0.0, row.end_s or 0.0)
            yield _Shown(wordings[row.question_id], row.course_id, answer, row.asker)
