"""A small real house for the pages: a migrated database, a playable recording, an asking that follows a script."""

import math
import threading
import time
import wave
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import update

from assistant.answering.answer import Answer, AnsweredHit, AskedQuestion, Timings
from assistant.answering.ask import NOTE_NO_SPEECH
from assistant.courses.receiving import receive
from assistant.engine.client import EngineState, HeardSpeech, ModelState, OnSegments, Priority
from assistant.errors import BadInput, PartDown, RecognizerDown
from assistant.hearing.heard import HeardFile
from assistant.hearing.listening import hear
from assistant.jobs import store as jobs
from assistant.jobs.job import JobState, JobStep
from assistant.jobs.tables import JobRow
from assistant.questions import log
from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from knowledge.database import Database, new_id, utc_now
from knowledge.embedding import TextKind, TextVectors
from knowledge.finding.channels import CHANNELS
from knowledge.finding.explaining import explain_verdict
from knowledge.finding.explanation import AskedWords, ChannelPart, Explanation, Match, VerdictExplanation
from knowledge.finding.moment import Hit, Sentence, Verdict
from knowledge.finding.refusing import Features, feature_names, fitted
from knowledge.model_files import MINILM_SHA256, digest_of
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.segment import Segment, TimeSource, Word
from tests.migrated import migrated_sqlite
from web.services import WebServices

NO_OPTIONS = ClipOptions()
LINES = (
    (1.0, 4.0, "Welcome to the safety induction."),
    (5.0, 9.0, "Last month a pallet came down two metres from a colleague."),
    (10.0, 15.5, "You report a near miss the same day, on the yellow form."),
    (16.0, 20.0, "Your shift lead signs it before the shift ends."),
    (21.0, 26.0, "Any questions so far?"),
)


def write_tone(path: Path, *, duration_s: float, frequency_hz: float = 220.0) -> Path:
    """Something to play: its pitch rises a little, so that no two seconds are the same."""
    rate = 16_000
    samples = array("h")
    for number in range(int(duration_s * rate)):
        at_s = number / rate
        samples.append(int(6000 * math.sin(2 * math.pi * (frequency_hz + 4 * at_s) * at_s)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def spoken_segment(start_s: float, end_s: float, text: str, *, language: str = "en") -> Segment:
    """A segment whose words were timed."""
    said = text.split()
    step = (end_s - start_s) / len(said)
    words = tuple(
        Word(start_s + number * step, start_s + (number + 1) * step, word) for number, word in enumerate(said)
    )
    return Segment(start_s, end_s, text, language, TimeSource.RECOGNISER, words)


FEATURES = Features(*(0.5 for _ in feature_names()))


def why(score: float) -> Explanation:
    """Every matcher had an equal part in it."""
    weight = 1 / len(CHANNELS)
    return Explanation(
        words=AskedWords(
            said=(Match("near", ("near",)), Match("misses", ("miss",))),
            alike=(Match("seismic", ("size mick",)),),
            missing=("torque",),
        ),
        meaning=0.72,
        channels=tuple(ChannelPart(channel, 0.5, score, weight, score * weight) for channel in CHANNELS),
        lowered=0.0,
    )


@dataclass
class ScriptedAsking:
    """Answers what its script holds for a word of the question; nothing else is in the recordings."""

    database: Database
    hits: dict[str, tuple[AnsweredHit, ...]] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    heard: str = "how do I report a near miss"
    failure: Exception | None = None
    """Whether explanations hold any."""
    sounds: list[tuple[str, bytes]] = field(default_factory=list)
    asked_courses: list[frozenset[str]] = field(default_factory=list)

    def text(
        self,
        text: str,
        *,
        courses: frozenset[str],
        language: str | None = None,
        k: int = 5,
        asker: str | None = None,
        turn: str | None = None,
        log: bool = True,
        explain: bool = False,
    ) -> Answer:
        if not text.strip():
            raise BadInput("the question is empty", "type or say what you want to know")
        self.asked_courses.append(courses)
        return self._answer(AskedQuestion(text, language or "en", None), k, asker, log, explain)

    def sound(
        self,
        data: bytes,
        *,
        filename: str,
        courses: frozenset[str],
        language: str | None = None,
        k: int = 5,
        asker: str | None = None,
        turn: str | None = None,
        log: bool = True,
        explain: bool = False,
    ) -> Answer:
        if self.failure is not None:
            raise self.failure
        self.sounds.append((filename, data))
        self.asked_courses.append(courses)
        return self._answer(AskedQuestion(self.heard, language or "en", 2.5), k, asker, log, explain)

    def _answer(self, question: AskedQuestion, k: int, asker: str | None, keep: bool, explain: bool) -> Answer:
        spoken = question.duration_s is not None
        word = next((word for word in self.hits if word in question.text.lower()), None)
        hits = self.hits[word][:k] if word else ()
        if explain:
            hits = tuple(replace(each, hit=self._explained(each.hit)) for each in hits)
        verdict = self.verdicts.get(word, Verdict.ANSWERED) if word else Verdict.ABSENT
        answered = verdict is Verdict.ANSWERED
        answer = Answer(
            id=new_id(),
            question=question,
            verdict=verdict,
            probability=0.9 if answered else 0.2,
            covered=0.9 if answered else 0.2,
            answer=hits[0].hit.sentence.text if answered else None,
            hits=hits,
            timings=Timings(12.0 if spoken else None, 288.0 if spoken else None, 9.0, 2.0, 311.0),
            notes=() if question.text else (NOTE_NO_SPEECH,),
            explanation=self._verdict_explanation() if explain and hits else None,
        )
        if keep and question.text:
            with self.database.write() as session:
                log.record(session, answer, spoken=spoken, asker=asker)
        return answer

    def _explained(self, hit: Hit) -> Hit:
        return replace(hit, explanation=why(hit.score))

    def _verdict_explanation(self) -> VerdictExplanation:
        return explain_verdict(fitted(digest_of(MINILM_SHA256)), FEATURES)


@dataclass
class ScriptedEngine:
    """An engine whose state is told; it hears one sentence in every sound."""

    now: EngineState | None
    heard_files: list[str] = field(default_factory=list)
    fails_midway: bool = False
    hears_on: threading.Event | None = None
    """Set once somebody let go of what it would hear for ever."""

    def state(self) -> EngineState:
        if self.now is None:
            raise PartDown("the engine does not answer", "start it: earmark engine")
        return self.now

    def recognize_clip(
        self, clip: Clip, *, priority: Priority = Priority.INDEX, deadline_s: float | None = None
    ) -> Recognised:
        raise AssertionError("pages send whole files")

    def transcribe(
        self,
        sound: Path | bytes,
        *,
        filename: str,
        options: ClipOptions = NO_OPTIONS,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        longest_s: float | None = None,
        asker: str | None = None,
        on_segments: OnSegments | None = None,
    ) -> HeardSpeech:
        self.heard_files.append(filename)
        while self.hears_on is not None:
            time.sleep(0.02)
            try:
                assert on_segments is not None
                on_segments(())
            except Exception:
                self.hears_on.set()
                raise
        segments = (spoken_segment(0.5, 2.0, "the yellow form"), spoken_segment(2.0, 2.5, "the same day"))
        for segment in segments:
            if on_segments:
                on_segments([segment])
            if self.fails_midway:
                raise RecognizerDown("the recogniser is down", "try again")
        return HeardSpeech(segments, "en", 2.5, 10.0, 300.0)

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: TextKind,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        asker: str | None = None,
    ) -> TextVectors:
        raise AssertionError("pages embed nothing")


def trial_state() -> EngineState:
    recogniser = ModelState("pocketsphinx", "a" * 64, "ready", True, languages=frozenset({"en"}))
    return EngineState(
        recogniser, ModelState("all-MiniLM-L6-v2", "b" * 64, "ready", True, dimensions=384, runs_by="ONNX Runtime"), 2
    )


@dataclass
class WebHouse:
    """What a test turns and looks at."""

    services: WebServices
    asking: ScriptedAsking
    engine: ScriptedEngine
    folder: Path

    @property
    def database(self) -> Database:
        return self.services.database

    def add_recording(
        self,
        *,
        name: str = "safety induction.wav",
        course: str = "Workplace safety",
        lines: Sequence[tuple[float, float, str]] = LINES,
        language: str = "en",
        duration_s: float = 30.0,
        playable: bool = True,
        source: Path | None = None,
    ) -> str:
        """A published recording with a real playable copy. Its id."""
        source = source or write_tone(self.folder / f"{new_id()}.wav", duration_s=duration_s)
        received = receive(self.database, self.services.home, source, name=name, course=course, least_free_mb=0)
        if playable:
            self._make_playable(received.recording_id, source)
        segments = [spoken_segment(start, end, text, language=language) for start, end, text in lines]
        with self.database.write() as session:
            revision = transcripts.save_transcript(session, received.recording_id, "scripted", segments)
            session.execute(
                update(RecordingRow)
                .where(RecordingRow.id == received.recording_id)
                .values(
                    state=RecordingState.READY,
                    revision=revision,
                    duration_s=duration_s,
                    speech_s=20.0,
                    language=language,
                    published_at=utc_now(),
                )
            )
            session.execute(
                update(JobRow)
                .where(JobRow.recording_id == received.recording_id)
                .values(state=JobState.DONE, step=JobStep.FINISHED)
            )
        return received.recording_id

    def answer_with(
        self,
        word: str,
        recording_id: str,
        line: tuple[float, float, str] = LINES[2],
        *,
        verdict: Verdict = Verdict.ANSWERED,
    ) -> None:
        """Questions that hold `word` are answered by one more moment."""
        start_s, end_s, text = line
        before = self.asking.hits.get(word, ())
        hit = Hit(
            rank=len(before) + 1,
            score=1.0 - 0.1 * len(before),
            recording_id=recording_id,
            course_id=self._recording(recording_id).course_id,
            revision=1,
            first_segment=0,
            last_segment=2,
            start_s=start_s,
            end_s=end_s,
            passage_start_s=1.0,
            passage_end_s=26.0,
            text=" ".join(said for _, _, said in LINES) if text in [said for _, _, said in LINES] else text,
            sentence=Sentence(start_s, end_s, text, True),
        )
        row = self._recording(recording_id)
        answered = AnsweredHit(hit, "Workplace safety", row.name, row.title, row.has_picture)
        self.asking.hits[word] = (*before, answered)
        self.asking.verdicts[word] = verdict

    def add_job(self, *, state: JobState, name: str = "forklift.mp3", **values: object) -> str:
        """A recording with a job in a given state. The job's id."""
        source = write_tone(self.folder / f"{new_id()}.wav", duration_s=0.2, frequency_hz=100 + 900 * _chance())
        received = receive(self.database, self.services.home, source, name=name, course="Forklifts", least_free_mb=0)
        assert received.job_id is not None
        with self.database.write() as session:
            session.execute(update(JobRow).where(JobRow.id == received.job_id).values(state=state, **values))
            if state is JobState.FAILED:
                session.execute(
                    update(RecordingRow)
                    .where(RecordingRow.id == received.recording_id)
                    .values(state=RecordingState.FAILED)
                )
        return received.job_id

    def job_state(self, job_id: str) -> JobState:
        with self.database.read() as session:
            return jobs.get(session, job_id).state

    def with_limits(self, **values: int) -> WebServices:
        return replace(self.services, **values)

    def _recording(self, recording_id: str) -> RecordingRow:
        with self.database.read() as session:
            return session.get_one(RecordingRow, recording_id)

    def _make_playable(self, recording_id: str, source: Path) -> None:
        folder = self.services.home / "files" / recording_id
        last = list(hear(source, playable_to=folder / "playable"))[-1]
        assert isinstance(last, HeardFile)
        assert last.playable is not None
        with self.database.write() as session:
            session.execute(
                update(RecordingRow)
                .where(RecordingRow.id == recording_id)
                .values(playable_path=f"files/{recording_id}/{last.playable.name}", has_picture=last.has_picture)
            )


def open_web_house(folder: Path) -> WebHouse:
    """A migrated database, an empty home, nothing recorded yet."""
    home = folder / "home"
    home.mkdir(parents=True)
    database = migrated_sqlite(home / "earmark.db")
    asking = ScriptedAsking(database)
    engine = ScriptedEngine(trial_state())
    services = WebServices(
        database=database,
        home=home,
        asking=asking,
        engine=engine,
        engine_state=engine.state,
        version="0.1.0",
        least_free_bytes=0,
    )
    return WebHouse(services, asking, engine, folder)


def _chance() -> float:
    return int(new_id().replace("-", "")[-4:], 16) / 65536


def page_headers(**more: str) -> Mapping[str, str]:
    """What a browser sends with a form of our own page."""
    return {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin", **more}
