"""One question in, one answer out. This file calls; hearing, finding and refusing decide.

Every hit is read again from the database, within the same permitted courses, before it leaves: a recording that
was removed a moment ago, or a right that was taken away, counts from this request on.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from assistant.answering.answer import Answer, AnsweredHit, AskedQuestion, Timings
from assistant.answering.known import PROBABILITY as KNOWN_PROBABILITY
from assistant.answering.known import KnownAnswers, hit_of, is_this_moment, is_within
from assistant.answering.known_answer import KnownAnswer, ShownBy
from assistant.engine.client import EngineClient, EngineState, ModelState, Priority
from assistant.errors import BadInput, PartDown, UnknownLanguage
from assistant.feedback.judging import note_asked_again
from assistant.questions import log as question_log
from assistant.questions.likeness import Wording
from assistant.questions.vectors import QuestionVector
from assistant.recognising.recognizer import ClipOptions
from knowledge.database import Database, new_id, storable_text, utc_now
from knowledge.embedding import TextKind, TextVectors
from knowledge.finding.find import Looked, Question, SegmentReader, find, look
from knowledge.finding.languages import base_language, guess_language, knows
from knowledge.finding.moment import Found, Hit, Verdict
from knowledge.finding.refusing import VerdictsFor, fitted
from knowledge.index.view import IndexView
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingState
from knowledge.reranking import TextScores
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.segment import Segment

MAX_QUESTION_CHARACTERS = 2_000
MAX_QUESTION_SOUND_S = 65.0
"""The page stops recording after 60 s; what was said just before the button was pressed comes on top."""

SOUND_DEADLINE_S, EMBED_DEADLINE_S = 90.0, 10.0
"""A question that waits longer is asked again or typed; without its vector words and sounds still find."""
LOADING_DEADLINE_S = 2.0
"""For its vector where the embedder is only being loaded: how long that takes nobody knows."""
RERANK_DEADLINE_S = 1.0
"""Nobody waits longer for a better order: without it the order that there was stands."""

ANY_LANGUAGE = "any"

EMPTY = ("the question is empty", "type or say what you want to know")
TOO_LONG = (
    f"the question is longer than the {MAX_QUESTION_CHARACTERS:,} characters that are read",
    "ask it in a sentence or two",
)
"""What is wrong and what to do. Anybody can bring these about by typing, so the pages say them in their language."""

NOTE_WORDS_ALONE = "words-alone"
NOTE_LANGUAGE = "language-not-embedded"
NOTE_NOT_RERANKED = "not-reranked"
NOTE_NO_SPEECH = "no-speech"


KeepSound = Callable[[str, bytes], None]
"""Keeps the sound of a logged question, by its id."""
_LOG = structlog.get_logger()


class IndexDoor(Protocol):
    """Where a current view of the index comes from."""

    def view(self) -> IndexView: ...


def question_text(text: str) -> str:
    """What is asked of what was typed. Raises BadInput where there is nothing to look for, or far too much."""
    asked = storable_text(text).strip()
    if not asked:
        raise BadInput(*EMPTY)
    if len(asked) > MAX_QUESTION_CHARACTERS:
        raise BadInput(*TOO_LONG)
    return asked


@dataclass(frozen=True, slots=True)
class _Heard:
    """A question as text, and what it took to get there."""

    question: AskedQuestion
    decode_ms: float | None
    recognise_ms: float | None
    started: float


@dataclass
class _Reranking:
    """The engine's reranker for one question. `left_out`: it was wanted, and did not answer in time."""

    engine: EngineClient
    model: ModelState
    turn: str | None
    left_out: bool = False

    def __call__(self, question: str, texts: Sequence[str]) -> TextScores | None:
        if self.model.state == "ready":
            with suppress(PartDown, BadInput):  # an older engine knows no such request
                return self.engine.rerank(question, texts, deadline_s=RERANK_DEADLINE_S, asker=self.turn)
        self.left_out = True
        return None


class Asking:
    """Answers questions. Safe to share between threads: it keeps nothing of one question for the next.

    `asker` is whose question it is, and is kept with it; `turn` is who takes turns with others, where that is told
    apart in another way. `courses` are ids; None means every course there is, which is right only while there is
    no sign-in.
    """

    def __init__(
        self,
        database: Database,
        engine: EngineClient,
        index: IndexDoor,
        *,
        verdicts_for: VerdictsFor = fitted,
        keep_sound: KeepSound | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`keep_sound`: where the company keeps the voices of questions; else they are dropped once heard."""
        self._database = database
        self._engine = engine
        self._index = index
        self._verdicts_for = verdicts_for
        self._keep_sound = keep_sound
        self._clock = clock
        self._known = KnownAnswers(database)

    def text(
        self,
        text: str,
        *,
        courses: frozenset[str] | None = None,
        language: str | None = None,
        k: int = 5,
        asker: str | None = None,
        turn: str | None = None,
        log: bool = True,
        explain: bool = False,
        known: bool = True,
    ) -> Answer:
        """Answer a typed question. `known`: also by what people have shown to answer it.

        Raises BadInput where there is nothing to look for, or far too much.
        """
        asked = question_text(text)
        question = AskedQuestion(asked, language or guess_language(asked), None)
        heard = _Heard(question, None, None, self._clock())
        return self._answer(
            heard, courses=courses, k=k, asker=asker, turn=turn or asker, keep=log, explain=explain, use_known=known
        )

    def sound(
        self,
        data: bytes,
        *,
        filename: str,
        courses: frozenset[str] | None = None,
        language: str | None = None,
        k: int = 5,
        asker: str | None = None,
        turn: str | None = None,
        log: bool = True,
        explain: bool = False,
    ) -> Answer:
        """Answer a spoken question. The sound is heard once, by the engine, and dropped; where it is kept, only when
        it was heard and for somebody who can play it back.

        `language`: None for what its courses say, ANY_LANGUAGE to have it found out whatever they say.
        Raises BadMedia where it cannot be decoded, RecognizerDown, Busy. No speech is an answer: absent, no hits.
        """
        started = self._clock()
        told, itn = self._how_heard(courses)
        language = None if language == ANY_LANGUAGE else language or told
        hear = partial(
            self._engine.transcribe,
            data,
            filename=filename,
            priority=Priority.QUESTION,
            longest_s=MAX_QUESTION_SOUND_S,
            deadline_s=SOUND_DEADLINE_S,
            asker=turn or asker,
        )
        options = ClipOptions(language=language, itn=itn, word_times=False)
        try:
            speech = hear(options=options)
        except UnknownLanguage:
            if told is None or language != told:
                raise
            language = None  # the recogniser is another one than when the course was told
            speech = hear(options=replace(options, language=None))
        text = " ".join(segment.text for segment in speech.segments if segment.searchable).strip()
        question = AskedQuestion(text, language or speech.language or guess_language(text), speech.duration_s)
        heard = _Heard(question, speech.decode_ms, speech.recognise_ms, started)
        if not text:
            return self._nothing_heard(heard)
        answer = self._answer(heard, courses=courses, k=k, asker=asker, turn=turn or asker, keep=log, explain=explain)
        if self._keep_sound is not None and log and asker is not None:
            try:
                self._keep_sound(answer.id, data)
            except OSError as error:  # a full disk costs nobody an answer
                _LOG.warning("a question's sound was not kept", reason=error.strerror)
        return answer

    def looks(self, text: str) -> tuple[str, list[Looked]]:
        """What the verdict on a typed question would be decided on, in all courses, and the digest of the embedder
        whose vectors were compared: for fitting a verdict, nothing is decided here. `text`: a `question_text`.

        First as it is; then as it would be without the vectors of its tokens, where that is less. Nothing where
        nothing is found. Raises PartDown where vectors are not compared: there is nothing to learn of that.
        """
        language = guess_language(text)
        vectors, state, _notes = self._embedded(text, language, None)
        view = self._index.view()
        if vectors is None or state is None:
            raise PartDown("the embedder does not answer, or is late", "see `earmark doctor`")
        embedder = state.embedder
        permitted = self._all_courses()
        digest = view.embedder_digest(courses=permitted)
        if digest is None or digest != embedder.digest:
            raise PartDown("the index has no vectors of this embedder yet", "let a worker run until it has made them")
        whole = Question(text, language, vectors.whole, embedder.languages, vectors.tokens[0])
        with self._database.read() as session:
            seen = [
                look(question, view=view, segments=_segments_in(session), courses=permitted, k=5)
                for question in (whole, replace(whole, tokens=b""))
            ]
        by_sight = {each.sight: each for each in seen[::-1] if each is not None}
        return digest, list(by_sight.values())[::-1]

    def _answer(
        self,
        heard: _Heard,
        *,
        courses: frozenset[str] | None,
        k: int,
        asker: str | None,
        turn: str | None,
        keep: bool,
        explain: bool,
        use_known: bool = True,
    ) -> Answer:
        text = heard.question.text
        before_embedding = self._clock()
        vectors, state, notes = self._embedded(text, heard.question.language, turn)
        embedder = state.embedder if state and vectors else None
        reranking = _Reranking(self._engine, state.reranker, turn) if state and state.reranker else None
        before_search = self._clock()
        permitted = self._all_courses() if courses is None else courses
        view = self._index.view()
        kept_vector = (
            QuestionVector(embedder.digest, vectors.whole[0])
            if embedder and vectors and NOTE_LANGUAGE not in notes
            else None
        )
        if embedder is not None and view.embedder_digest(courses=permitted) != embedder.digest:
            # Vectors of two embedders are never compared; the index has those of the new one in a moment.
            vectors = None
            if NOTE_WORDS_ALONE not in notes and view.count(courses=permitted):
                notes = (*notes, NOTE_WORDS_ALONE)
        with self._database.read() as session:
            found = find(
                Question(
                    text,
                    heard.question.language,
                    vectors.whole if vectors else None,
                    embedder.languages if embedder else None,
                    vectors.tokens[0] if vectors else b"",
                ),
                view=view,
                segments=_segments_in(session),
                courses=permitted,
                k=k,
                explain=explain,
                rerank=reranking,
                verdicts_for=self._verdicts_for,
            )
        if reranking and reranking.left_out:
            notes = (*notes, NOTE_NOT_RERANKED)
        hits, found = self._read_again(found, permitted)
        wording, shown = Wording(text, kept_vector), None
        if use_known and (known := self._known.answer(wording, courses=permitted, asker=asker)):
            hits, found, shown = self._put_first(known, hits, found, permitted, k)
        done = self._clock()
        answer = Answer(
            id=new_id(),
            question=heard.question,
            verdict=found.verdict,
            probability=found.probability,
            covered=found.covered,
            answer=found.answer,
            hits=hits,
            timings=Timings(
                decode=heard.decode_ms,
                recognise=heard.recognise_ms,
                embed=1000 * (before_search - before_embedding),
                search=1000 * (done - before_search),
                total=1000 * (done - heard.started),
            ),
            notes=notes,
            explanation=found.explanation,
            known=shown,
        )
        if keep:
            with self._database.write() as session:
                question_log.record(
                    session,
                    answer,
                    spoken=heard.decode_ms is not None,
                    asker=asker,
                    course_id=next(iter(permitted)) if len(permitted) == 1 else None,
                    vector=kept_vector,
                )
                if asker is not None:
                    note_asked_again(session, asker, answer.id, wording, now=utc_now())
        return answer

    def _embedded(
        self, text: str, language: str, turn: str | None
    ) -> tuple[TextVectors | None, EngineState | None, tuple[str, ...]]:
        """The question's vectors and what runs, or a note: without an embedder, words and sounds still find."""
        state = self._state()
        if state is None:
            return None, None, (NOTE_WORDS_ALONE,)
        was_loading = state.embedder.state == "loading"
        patience = LOADING_DEADLINE_S if was_loading else EMBED_DEADLINE_S
        try:
            vectors = self._engine.embed([text], kind=TextKind.QUESTION, deadline_s=patience, asker=turn)
        except PartDown:
            return None, self._state(), (NOTE_WORDS_ALONE,)
        if was_loading:  # whose vectors these are is known only now
            state = self._state() or state
        if knows(state.embedder.languages, base_language(language)):
            return vectors, state, ()
        return vectors, state, (NOTE_LANGUAGE,)

    def _state(self) -> EngineState | None:
        with suppress(PartDown):
            return self._engine.state()
        return None

    def _how_heard(self, courses: frozenset[str] | None) -> tuple[str | None, bool]:
        """Language and figures as these courses have them, where all of them say the same."""
        with self._database.read() as session:
            known = [each for each in recordings.list_courses(session) if courses is None or each.id in courses]
        languages, itn = {each.language for each in known}, {each.itn for each in known}
        return languages.pop() if len(languages) == 1 else None, itn.pop() if len(itn) == 1 else True

    def _all_courses(self) -> frozenset[str]:
        with self._database.read() as session:
            return frozenset(course.id for course in recordings.list_courses(session))

    def _read_again(self, found: Found, permitted: frozenset[str]) -> tuple[tuple[AnsweredHit, ...], Found]:
        kept: list[AnsweredHit] = []
        with self._database.read() as session:
            names = {course.id: course.name for course in recordings.list_courses(session)}
            for hit in found.hits:
                recording = recordings.recording(session, hit.recording_id)
                if recording is None or recording.state is not RecordingState.READY:
                    continue
                if recording.course_id not in permitted or recording.revision != hit.revision:
                    continue
                kept.append(
                    AnsweredHit(
                        replace(hit, rank=len(kept) + 1),
                        names[recording.course_id],
                        recording.name,
                        recording.title,
                        recording.has_picture,
                    )
                )
        return tuple(kept), _without_lost_first(found, kept)

    def _put_first(
        self,
        known: KnownAnswer,
        hits: tuple[AnsweredHit, ...],
        found: Found,
        permitted: frozenset[str],
        k: int,
    ) -> tuple[tuple[AnsweredHit, ...], Found, KnownAnswer | None]:
        """What somebody has shown, before what was found; nothing changes where it cannot be played any more."""
        sure = replace(
            found,
            verdict=Verdict.ANSWERED,
            probability=max(found.probability, KNOWN_PROBABILITY),
            covered=max(found.covered, KNOWN_PROBABILITY),
            explanation=None,
        )
        if known.line is not None:
            return hits, replace(sure, answer=known.line), known
        first = None
        if (
            known.by is not ShownBy.TRAINER
        ):  # with what the search knows of it; a trainer's begins and ends as they chose
            first = next((each for each in hits if is_this_moment(each.hit, known)), None)
        if first is None:
            with self._database.read() as session:
                hit = hit_of(session, known, permitted)
                first = _with_names(session, hit) if hit else None
        if first is None:
            return hits, found, None
        others = [each for each in hits if each is not first and not is_within(each.hit, known)][: k - 1]
        ranked = (replace(each, hit=replace(each.hit, rank=rank)) for rank, each in enumerate((first, *others), 1))
        return tuple(ranked), replace(sure, answer=first.hit.sentence.text), known

    def _nothing_heard(self, heard: _Heard) -> Answer:
        return Answer(
            id=new_id(),
            question=heard.question,
            verdict=Verdict.ABSENT,
            probability=0.0,
            covered=0.0,
            answer=None,
            hits=(),
            timings=Timings(heard.decode_ms, heard.recognise_ms, 0.0, 0.0, 1000 * (self._clock() - heard.started)),
            notes=(NOTE_NO_SPEECH,),
        )


def _segments_in(session: Session) -> SegmentReader:
    def read(recording_id: str, revision: int, first: int, last: int) -> Sequence[Segment]:
        return transcripts.segments_of(session, recording_id, revision, first=first, last=last)

    return read


def _with_names(session: Session, hit: Hit) -> AnsweredHit | None:
    recording = recordings.recording(session, hit.recording_id)
    course = recordings.course(session, hit.course_id)
    if recording is None or course is None:
        return None
    return AnsweredHit(hit, course.name, recording.name, recording.title, recording.has_picture)


def _without_lost_first(found: Found, kept: Sequence[AnsweredHit]) -> Found:
    """Where the first hit is gone, nothing is quoted and nothing is claimed of what moved up."""
    first: Hit | None = found.hits[0] if found.hits else None
    if first is None or (kept and kept[0].hit.recording_id == first.recording_id):
        return found
    verdict = Verdict.CLOSEST if kept else Verdict.ABSENT
    return Found((), verdict, 0.0, found.covered if kept else 0.0, None)
