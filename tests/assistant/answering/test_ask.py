"""Asking over a real database and index, with a small engine that embeds and hears what it is told."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.answering.ask import (
    ANY_LANGUAGE,
    EMBED_DEADLINE_S,
    LOADING_DEADLINE_S,
    NOTE_LANGUAGE,
    NOTE_NO_SPEECH,
    NOTE_NOT_RERANKED,
    NOTE_WORDS_ALONE,
    RERANK_DEADLINE_S,
    Asking,
)
from assistant.courses.removing import remove_recording
from assistant.engine.client import EngineState, HeardSpeech, ModelState, OnSegments, Priority
from assistant.engine.lanes import DeadlinePassed
from assistant.errors import BadInput, Busy, EarmarkError, EmbedderDown, PartDown, RerankerDown, UnknownLanguage
from assistant.questions import log
from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from knowledge.database import Database
from knowledge.embedding import TextKind, TextVectors
from knowledge.finding.analysis import ANALYSIS_VERSION, analyse
from knowledge.finding.moment import Verdict
from knowledge.finding.refusing import Model, Sight, Verdicts
from knowledge.index.follower import IndexFollower
from knowledge.index.view import IndexView
from knowledge.passages.cutting import cut_passages
from knowledge.passages.passage import Passage
from knowledge.passages.store import passages_of, publish, replace_passages, save_vectors
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow
from knowledge.reranking import TextScores
from knowledge.transcripts.segment import Segment, TimeSource
from knowledge.transcripts.store import save_transcript
from tests.shelf import enter

SAID = (
    "You report a near miss the same day on the yellow form.",
    "Fire extinguishers hang beside every exit of the hall.",
    "The canteen opens at half past eleven.",
)


class SmallEngine:
    """An engine whose words and moods the test decides."""

    def __init__(self) -> None:
        self.heard: tuple[Segment, ...] = ()
        self.embedder_is_down = False
        self.embedder = "ready"
        self.loads_when_asked = False
        self.patience_s: float | None = None
        self.longest_s: float | None = None
        self.options = ClipOptions()
        self.turn: str | None = None
        self.cannot_hear = "xx"
        self.reranker: str | None = None
        """The state it is in; none where there is none."""
        self.prefers = ""
        self.rerank_fails: EarmarkError | None = None
        self.reranked = 0

    def state(self) -> EngineState:
        model = ModelState("small", "d", "ready", trial=True, languages=frozenset({"en"}))
        embedder = replace(model, state=self.embedder, digest="d" if self.embedder == "ready" else "")
        reranker = None if self.reranker is None else ModelState("reads", "r", self.reranker, trial=False)
        return EngineState(model, embedder, 1, reranker=reranker)

    def recognize_clip(self, clip: Clip, *, priority: Priority, deadline_s: float | None = None) -> Recognised:
        return Recognised()

    def transcribe(
        self,
        sound: Path | bytes,
        *,
        filename: str,
        options: ClipOptions,
        priority: Priority,
        deadline_s: float | None = None,
        longest_s: float | None = None,
        asker: str | None = None,
        on_segments: OnSegments | None = None,
    ) -> HeardSpeech:
        self.longest_s, self.options, self.turn = longest_s, options, asker
        assert deadline_s is not None
        if options.language in ("tlh", self.cannot_hear):
            raise UnknownLanguage(f"{options.language} is not heard")
        return HeardSpeech(self.heard, "en", 2.0, 1.0, 1.0)

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: TextKind,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        asker: str | None = None,
    ) -> TextVectors:
        self.patience_s = deadline_s
        if self.loads_when_asked:
            self.embedder = "ready"
        if self.embedder_is_down:
            raise EmbedderDown("it does not answer")
        return TextVectors(np.ones((len(texts), 4), np.float32) / 2, (b"",) * len(texts))

    def rerank(
        self,
        question: str,
        texts: Sequence[str],
        *,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        asker: str | None = None,
    ) -> TextScores:
        assert (priority, deadline_s, question) == (Priority.QUESTION, RERANK_DEADLINE_S, "report the exit")
        self.turn, self.reranked = asker, self.reranked + 1
        if self.rerank_fails:
            raise self.rerank_fails
        return np.array([float(self.prefers in text) for text in texts], np.float32)


@pytest.fixture
def engine() -> SmallEngine:
    return SmallEngine()


def teach(database: Database, course: str) -> str:
    """A recording of what is SAID. Its id."""
    segments = [Segment(10.0 * at, 10.0 * at + 5, text, "en", TimeSource.VAD) for at, text in enumerate(SAID)]
    recording_id, _course_id = enter(database, course=course)
    with database.write() as session:
        revision = save_transcript(session, recording_id, "test", segments)
        replace_passages(session, recording_id, revision, cut_passages(segments))
        publish(session, recording_id, revision)
    return recording_id


@pytest.fixture
def recording(database: Database) -> str:
    return teach(database, "Safety")


@pytest.fixture
def index(database: Database, tmp_path: Path) -> Iterator[IndexFollower]:
    follower = IndexFollower(database, tmp_path / "index", analyse=analyse, analysis_version=ANALYSIS_VERSION)
    yield follower
    follower.close()


@pytest.fixture
def asking(database: Database, engine: SmallEngine, index: IndexFollower) -> Asking:
    return Asking(database, engine, index)


class Interrupted:
    """An index during whose search something happens."""

    def __init__(self, view: IndexView, happens: Callable[[], None]) -> None:
        self._view = view
        self._happens = happens

    def view(self) -> Any:
        return self

    def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        found = self._view.passages(passage_ids)
        self._happens()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


@pytest.mark.usefixtures("recording")
def test_a_question_finds_its_sentence_and_is_kept(asking: Asking, database: Database) -> None:
    answer = asking.text("How do I report a near miss?", asker="somebody")
    assert answer.hits[0].hit.sentence.text.startswith("You report a near miss")
    kept = log.get(database, answer.id)
    assert kept is not None
    assert kept.document == answer.as_document()
    assert [each.id for each in log.recent(database, asker="somebody")] == [answer.id]
    assert log.recent(database, asker="somebody else") == []


@pytest.mark.usefixtures("recording")
def test_a_question_that_is_not_to_be_logged_leaves_nothing(asking: Asking, database: Database) -> None:
    assert log.get(database, asking.text("Where is the canteen?", log=False).id) is None


def test_a_recording_removed_a_moment_ago_is_not_in_the_answer(
    asking: Asking, database: Database, recording: str
) -> None:
    assert asking.text("How do I report a near miss?").hits
    remove_recording(database, recording)
    answer = asking.text("How do I report a near miss?")
    assert answer.hits == ()
    assert answer.verdict is Verdict.ABSENT
    assert answer.answer is None


@pytest.mark.usefixtures("recording")
def test_nothing_is_found_in_courses_that_are_not_permitted(asking: Asking) -> None:
    assert asking.text("How do I report a near miss?", courses=frozenset()).hits == ()


@pytest.mark.usefixtures("recording")
def test_without_an_embedder_words_find_and_the_answer_says_so(asking: Asking, engine: SmallEngine) -> None:
    engine.embedder_is_down = True
    answer = asking.text("How do I report a near miss?")
    assert answer.hits
    assert NOTE_WORDS_ALONE in answer.notes


@pytest.mark.usefixtures("recording")
def test_an_embedder_that_is_being_loaded_is_not_waited_for_long(asking: Asking, engine: SmallEngine) -> None:
    asking.text("How do I report a near miss?")
    assert engine.patience_s == EMBED_DEADLINE_S
    engine.embedder = "loading"
    asking.text("How do I report a near miss?")
    assert engine.patience_s == LOADING_DEADLINE_S


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize(("question", "is_unknown"), [("near miss", False), ("fire", False), ("差点出事怎么办", True)])
def test_a_few_words_are_not_called_a_language_that_the_embedder_does_not_know(
    asking: Asking, question: str, is_unknown: bool
) -> None:
    assert (NOTE_LANGUAGE in asking.text(question).notes) is is_unknown


@pytest.fixture
def apart(database: Database) -> None:
    """Two recordings, either of which could answer."""
    for text in ("You report a near miss, report it at once.", "The exit is on the left."):
        recording_id, _course_id = enter(database, course="Safety")
        segments = [Segment(0.0, 5.0, text, "en", TimeSource.VAD)]
        with database.write() as session:
            revision = save_transcript(session, recording_id, "test", segments)
            replace_passages(session, recording_id, revision, cut_passages(segments))
            publish(session, recording_id, revision)


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("embedder_is_down", [False, True])
def test_a_reranker_puts_moments_in_order(asking: Asking, engine: SmallEngine, embedder_is_down: bool) -> None:
    engine.embedder_is_down = embedder_is_down
    engine.reranker = "ready"
    for word in ("near miss", "on the left"):
        engine.prefers = word
        answer = asking.text("report the exit", turn="somebody")
        assert word in answer.hits[0].hit.text
        assert NOTE_NOT_RERANKED not in answer.notes
        assert engine.turn == "somebody"


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize(
    ("state", "failure"),
    [
        ("ready", DeadlinePassed("too late")),
        ("ready", RerankerDown("it died")),
        ("ready", Busy("full")),
        ("ready", BadInput("not found")),
        ("loading", None),
        ("down", None),
    ],
)
def test_without_the_reranker_that_is_set_the_order_stands_and_the_answer_says_so(
    asking: Asking, engine: SmallEngine, state: str, failure: EarmarkError | None
) -> None:
    plain = asking.text("report the exit")
    engine.reranker, engine.rerank_fails = state, failure
    answer = asking.text("report the exit")
    assert [each.hit for each in answer.hits] == [each.hit for each in plain.hits]
    assert answer.notes == (*plain.notes, NOTE_NOT_RERANKED)
    assert engine.reranked == (1 if state == "ready" else 0)


def test_vectors_of_two_embedders_are_never_compared(asking: Asking, database: Database, recording: str) -> None:
    embed_all(database, recording, digest="another", dimensions=3)
    answer = asking.text("How do I report a near miss?")
    assert answer.hits
    assert NOTE_WORDS_ALONE in answer.notes


def test_an_embedder_that_is_loaded_while_it_is_asked_is_the_one_whose_vectors_are_compared(
    asking: Asking, engine: SmallEngine, database: Database, recording: str
) -> None:
    """What it is, is not known before."""
    embed_all(database, recording, digest="d", dimensions=4)
    engine.embedder, engine.loads_when_asked = "loading", True
    assert NOTE_WORDS_ALONE not in asking.text("How do I report a near miss?").notes


def embed_all(database: Database, recording: str, *, digest: str, dimensions: int) -> None:
    with database.write() as session:
        ids = [passage.id for passage in passages_of(session, recording, 1)]
        save_vectors(session, digest, {key: np.ones(dimensions, np.float32) / 2 for key in ids})
        publish(session, recording, 1)


def test_what_a_verdict_is_decided_on_is_told_for_fitting_one(
    asking: Asking, database: Database, recording: str
) -> None:
    embed_all(database, recording, digest="d", dimensions=4)
    digest, [looked] = asking.looks("How do I report a near miss?")
    assert digest == "d"
    assert looked.hits[0].sentence.text.startswith("You report a near miss")
    assert looked.sight is Sight.WITHOUT_TOKENS  # this engine gives no tokens: once is all there is to see
    assert log.recent(database, asker=None) == []


def test_nothing_is_learnt_where_vectors_are_not_compared(
    asking: Asking, database: Database, recording: str, engine: SmallEngine
) -> None:
    with pytest.raises(PartDown, match="no vectors of this embedder"):
        asking.looks("How do I report a near miss?")
    embed_all(database, recording, digest="d", dimensions=4)
    engine.embedder_is_down = True
    with pytest.raises(PartDown, match="does not answer"):
        asking.looks("How do I report a near miss?")


def test_the_verdict_is_the_one_of_whoever_put_it_together(
    database: Database, engine: SmallEngine, recording: str, tmp_path: Path
) -> None:
    sure = Verdicts(Model(9.0, {}), Model(9.0, {}), answered_from=0.5, absent_below=0.1)
    follower = IndexFollower(database, tmp_path / "index", analyse=analyse, analysis_version=ANALYSIS_VERSION)
    asking = Asking(database, engine, follower, verdicts_for=lambda _digest, _sight: sure)
    assert asking.text("What about the canteen and unicorns?").verdict is Verdict.ANSWERED
    follower.close()


@pytest.mark.usefixtures("recording")
def test_a_sound_without_speech_is_an_answer_and_not_kept(asking: Asking, database: Database) -> None:
    answer = asking.sound(b"...", filename="hum.wav", asker="somebody")
    assert NOTE_NO_SPEECH in answer.notes
    assert answer.hits == ()
    assert log.recent(database, asker="somebody") == []


@pytest.mark.usefixtures("recording")
def test_a_voice_is_kept_only_where_it_was_heard_and_can_be_played_back(
    database: Database, engine: SmallEngine, tmp_path: Path
) -> None:
    kept: dict[str, bytes] = {}
    follower = IndexFollower(database, tmp_path / "index", analyse=analyse, analysis_version=ANALYSIS_VERSION)
    asking = Asking(database, engine, follower, keep_sound=kept.__setitem__)
    asking.sound(b"silence", filename="q.wav", asker="somebody")
    engine.heard = (Segment(0.0, 1.0, "How do I report a near miss?", "en"),)
    asking.sound(b"by program", filename="q.wav")
    asking.sound(b"not logged", filename="q.wav", asker="somebody", log=False)
    asked = asking.sound(b"heard", filename="q.wav", asker="somebody")
    assert kept == {asked.id: b"heard"}
    follower.close()


@pytest.mark.usefixtures("recording")
def test_a_full_disk_costs_a_kept_voice_and_no_answer(database: Database, engine: SmallEngine, tmp_path: Path) -> None:
    def no_room(_question_id: str, _sound: bytes) -> None:
        raise OSError(28, "No space left on device")

    follower = IndexFollower(database, tmp_path / "index", analyse=analyse, analysis_version=ANALYSIS_VERSION)
    engine.heard = (Segment(0.0, 1.0, "How do I report a near miss?", "en"),)
    asking = Asking(database, engine, follower, keep_sound=no_room)
    assert asking.sound(b"heard", filename="q.wav", asker="somebody").hits
    follower.close()


def test_the_engine_is_told_how_long_a_question_may_be(asking: Asking, engine: SmallEngine) -> None:
    asking.sound(b"...", filename="hum.wav")
    assert engine.longest_s is not None
    assert 61 < engine.longest_s < 120  # a minute from the page, and what was said just before the button


@pytest.mark.usefixtures("recording")
def test_a_question_is_heard_in_the_language_of_its_courses_or_the_one_told(
    asking: Asking, engine: SmallEngine, database: Database
) -> None:
    asking.sound(b"...", filename="q.wav")
    assert engine.options == ClipOptions(word_times=False)

    with database.write() as session:
        for course in recordings.list_courses(session):
            recordings.hear_course_as(session, course.id, language="zh", itn=True)
    asking.sound(b"...", filename="q.wav")
    assert engine.options.language == "zh"
    asking.sound(b"...", filename="q.wav", language="en")
    assert engine.options.language == "en"
    asking.sound(b"...", filename="q.wav", language=ANY_LANGUAGE)
    assert engine.options.language is None
    engine.cannot_hear = "zh"  # another recogniser than when the course was told
    asking.sound(b"...", filename="q.wav")
    assert engine.options.language is None
    with pytest.raises(UnknownLanguage):
        asking.sound(b"...", filename="q.wav", language="tlh")
    engine.cannot_hear = "xx"

    with database.write() as session:
        recordings.course_by_name(session, "another, where anything is spoken", create=True)
    asking.sound(b"...", filename="q.wav")
    assert engine.options.language is None


@pytest.mark.usefixtures("recording")
def test_who_takes_turns_is_told_to_the_engine(asking: Asking, engine: SmallEngine) -> None:
    asking.sound(b"...", filename="q.wav", asker="one")
    assert engine.turn == "one"
    asking.sound(b"...", filename="q.wav", asker="one", turn="address 10.0.0.1")
    assert engine.turn == "address 10.0.0.1"


@pytest.mark.usefixtures("recording")
def test_what_nobody_said_is_no_question(asking: Asking, engine: SmallEngine) -> None:
    engine.heard = (
        Segment(0.2, 1.8, "where do fire extinguishers hang", "en"),
        Segment(1.8, 2.0, "la la la la la", "en", hard_to_hear="repeats itself", invented=True),
    )
    assert asking.sound(b"...", filename="question.wav").question.text == "where do fire extinguishers hang"


@pytest.mark.usefixtures("recording")
def test_a_spoken_question_is_kept_as_spoken(asking: Asking, engine: SmallEngine, database: Database) -> None:
    engine.heard = (Segment(0.2, 1.8, "where do fire extinguishers hang", "en"),)
    answer = asking.sound(b"...", filename="question.wav")
    kept = log.get(database, answer.id)
    assert kept is not None
    assert kept.spoken
    assert answer.question.duration_s == 2.0


@pytest.mark.parametrize("text", ["", "  \n ", "\x00", "x" * 2001])
def test_a_question_of_nothing_or_far_too_much_is_refused(asking: Asking, text: str) -> None:
    with pytest.raises(BadInput, match="question"):
        asking.text(text)


@pytest.mark.usefixtures("recording")
def test_why_is_told_where_it_is_asked_for_and_kept_with_the_answer(asking: Asking, database: Database) -> None:
    answer = asking.text("How do I report a near miss by torque?", explain=True)
    document = answer.as_document()
    first = document["hits"][0]
    assert [each["asked"] for each in first["explain"]["said"]] == ["report", "near", "miss"]
    assert first["explain"]["missing"] == document["explain"]["nowhere"] == ["torque"]
    points = sum(each["points"] for each in first["explain"]["channels"])
    assert points + first["explain"]["lowered"] == pytest.approx(first["score"], abs=1e-3)
    right = document["explain"]["right"]
    logit = right["intercept"] + sum(each["points"] for each in right["parts"])
    assert 1 / (1 + math.exp(-logit)) == pytest.approx(right["probability"], abs=1e-2)
    kept = log.get(database, answer.id)
    assert kept is not None
    assert kept.document == document
    assert "explain" not in asking.text("How do I report a near miss?").as_document()


@pytest.mark.usefixtures("recording")
def test_no_number_of_an_answer_speaks_of_courses_that_were_not_searched(
    asking: Asking, database: Database, index: IndexFollower
) -> None:
    own = courses_of(database)
    before = asking.text("How do I report a near miss?", courses=own, explain=True).as_document()
    for _ in range(3):
        teach(database, "Secret")
    assert index.refresh().count(courses=courses_of(database)) == 4 * index.view().count(courses=own) > 0
    after = asking.text("How do I report a near miss?", courses=own, explain=True).as_document()
    assert before["hits"][0]["explain"]["channels"]
    assert before["explain"]["right"]["parts"]
    assert {**after, "id": "", "timings_ms": {}} == {**before, "id": "", "timings_ms": {}}


def courses_of(database: Database) -> frozenset[str]:
    with database.read() as session:
        return frozenset(each.id for each in recordings.list_courses(session))


def test_what_may_no_longer_be_heard_when_it_was_found_is_not_in_the_answer(
    database: Database, engine: SmallEngine, index: IndexFollower, recording: str
) -> None:
    own = courses_of(database)
    enter(database, course="Secret")
    [secret] = courses_of(database) - own

    def hide() -> None:
        with database.write() as session:
            session.get_one(RecordingRow, recording).course_id = secret

    asking = Asking(database, engine, Interrupted(index.refresh(), hide))
    answer = asking.text("How do I report a near miss?", courses=own, explain=True)
    assert (answer.hits, answer.answer, answer.explanation) == ((), None, None)
    assert (answer.verdict, answer.covered, answer.probability) == (Verdict.ABSENT, 0.0, 0.0)


def test_what_was_removed_is_not_explained(asking: Asking, database: Database, recording: str) -> None:
    asking.text("How do I report a near miss?")
    remove_recording(database, recording)
    document = asking.text("How do I report a near miss?", explain=True).as_document()
    assert document["hits"] == []
    assert "explain" not in document
