"""The documents of the API, as OpenAPI describes them."""

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.jobs.job import Job, JobKind, JobState, JobStep
from knowledge.finding.channels import Channel
from knowledge.recordings.recording import Recording
from knowledge.recordings.tables import RecordingState


class QuestionIn(BaseModel):
    """A typed question. `course`: an id; all courses where absent."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=2_000)
    language: str | None = Field(default=None, max_length=35, description="BCP 47; guessed where absent")
    course: str | None = Field(default=None, max_length=64)
    k: int = Field(default=5, ge=1, le=20, description="how many moments at most")
    explain: bool = Field(default=False, description="say why, too: `explain` of each hit and of the answer")


class AskedOut(BaseModel):
    text: str
    language: str
    duration_s: float | None


class SentenceOut(BaseModel):
    start_s: float
    end_s: float
    text: str
    exact: bool = Field(description="its bounds are its words' own, else its segment's")


class MatchOut(BaseModel):
    """A word of the question, and the words of the passage that were taken for it."""

    asked: str
    written: list[str]


class ChannelOut(BaseModel):
    """A matcher's part: its own score, how far that stands out in deviations, its share of the weight, and what both
    give together."""

    channel: Channel
    score: float
    z: float
    weight: float
    points: float


class HitExplainOut(BaseModel):
    """Points and `lowered` add up to the score. `missing`: in this passage. `channels`: empty where only some of the
    courses were searched."""

    said: list[MatchOut]
    alike: list[MatchOut]
    missing: list[str]
    meaning: float | None = Field(description="cosine of question and passage; null where no embedder speaks")
    channels: list[ChannelOut]
    lowered: float


class FeatureOut(BaseModel):
    """`points`: value times weight."""

    feature: str
    value: float
    weight: float
    points: float


class ModelExplainOut(BaseModel):
    """Intercept and points add up to the logit."""

    probability: float
    intercept: float
    parts: list[FeatureOut]


class ExplainOut(BaseModel):
    """`nowhere`: words of the question that no hit says. The answer's `probability` is the lesser of both."""

    nowhere: list[str]
    covered: ModelExplainOut
    right: ModelExplainOut
    answered_from: float
    absent_below: float


class HitOut(BaseModel):
    """`start_s`, `end_s`: where playback begins and ends. `score` compares within one answer only."""

    rank: int
    score: float
    course: str
    recording: str
    recording_id: str
    start_s: float
    end_s: float
    passage_start_s: float
    passage_end_s: float
    text: str
    sentence: SentenceOut
    url: str
    explain: HitExplainOut | None = Field(default=None, description="only where asked for")


class TimingsOut(BaseModel):
    decode: float | None
    recognise: float | None
    embed: float
    search: float
    total: float


class KnownOut(BaseModel):
    """Somebody has shown the answer to this very question: it comes first."""

    by: Literal["trainer", "people", "oneself"] = Field(
        description="people: who asked the same said that the first hit was it; oneself: the asker did, before"
    )
    answer_id: str | None = Field(description="of the trainer's answer; null for people's")


class AnswerOut(BaseModel):
    """Not confident: `answer` is null, hits are still there."""

    id: str
    question: AskedOut
    verdict: Literal["answered", "closest", "absent"]
    confident: bool
    probability: float = Field(description="that the first moment is right")
    covered: float = Field(description="that anything searched answers the question")
    answer: str | None
    hits: list[HitOut]
    notes: list[str]
    timings_ms: TimingsOut
    known: KnownOut | None = Field(default=None, description="only where a trainer or other askers have shown it")
    explain: ExplainOut | None = Field(default=None, description="only where asked for, and something was found")


class JudgementIn(BaseModel):
    """Was this it? `nothing` takes back what was said."""

    model_config = ConfigDict(extra="forbid")

    said: Literal["yes", "no", "nothing"]
    rank: int | None = Field(
        default=None,
        ge=1,
        le=50,
        description="of the hit that was it; yes without one is said of what a trainer answered",
    )


class JudgementOut(BaseModel):
    said: Literal["yes", "no", "nothing"]
    rank: int | None = Field(description="of the hit that was it, as the answer counted; else null")


class ReceivedOut(BaseModel):
    """`skipped`: why nothing was taken; the ids are then of what is there already."""

    recording_id: str
    job_id: str | None
    skipped: str | None = None


class RecordingOut(BaseModel):
    id: str
    recording: str
    title: str
    course: str
    course_id: str
    state: RecordingState
    duration_s: float | None
    speech_s: float | None
    heard_share: float | None
    language: str | None
    has_picture: bool
    recogniser: str | None
    note: str | None
    created_at: dt.datetime
    url: str

    @classmethod
    def of(cls, recording: Recording, course: str) -> "RecordingOut":
        return cls(
            id=recording.id,
            recording=recording.name,
            title=recording.title,
            course=course,
            course_id=recording.course_id,
            state=recording.state,
            duration_s=recording.duration_s,
            speech_s=recording.speech_s,
            heard_share=recording.heard_share,
            language=recording.language,
            has_picture=recording.has_picture,
            recogniser=recording.recogniser,
            note=recording.note,
            created_at=recording.created_at,
            url=f"/recordings/{recording.id}",
        )


class RecordingsOut(BaseModel):
    """`next`: give it as `after` for the page behind this one; null at the end."""

    items: list[RecordingOut]
    next: str | None


class CourseOut(BaseModel):
    id: str
    name: str
    recordings: int
    hours: float
    language: str | None
    itn: bool


class CoursesOut(BaseModel):
    items: list[CourseOut]
    next: str | None


class WordOut(BaseModel):
    start_s: float
    end_s: float
    text: str


class SegmentOut(BaseModel):
    start_s: float
    end_s: float
    text: str
    time_source: str
    words: list[WordOut] | None


class TranscriptOut(BaseModel):
    recording: str
    language: str
    duration_s: float
    segments: list[SegmentOut]


class JobErrorOut(BaseModel):
    type: str
    detail: str
    way_out: str


class JobOut(BaseModel):
    id: str
    kind: JobKind
    recording_id: str
    state: JobState
    step: JobStep
    done: float
    total: float | None
    unit: str
    error: JobErrorOut | None
    attempts: int
    created_at: dt.datetime
    eta_s: float | None

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        error = job.error
        return cls(
            id=job.id,
            kind=job.kind,
            recording_id=job.recording_id,
            state=job.state,
            step=job.step,
            done=job.done,
            total=job.total,
            unit=job.unit,
            error=JobErrorOut(type=error.type, detail=error.detail, way_out=error.way_out) if error else None,
            attempts=job.attempts,
            created_at=job.created_at,
            eta_s=job.eta_s,
        )


class JobsOut(BaseModel):
    items: list[JobOut]
    next: str | None


class ProblemOut(BaseModel):
    """RFC 9457. `way_out`: what to do about it."""

    type: str
    title: str
    status: int
    detail: str
    way_out: str
    instance: str


PROBLEMS: dict[int | str, dict[str, object]] = {
    "4XX": {"model": ProblemOut, "description": "What was wrong with the request, and what to do."},
    "5XX": {"model": ProblemOut, "description": "A part is down; most are worth another try."},
}
