"""`earmark demo --with-log`: an invented log of questions, so that HR and trainers see something on the first day.

Drawn from data/invented_log.toml, and the same each time. Nothing else is invented: each wording is really asked, so
that answers, verdicts and moments are the product's own; questions are grouped and weeks closed as a worker does it.
"""

import datetime as dt
import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.access.tables import PersonRow
from assistant.answering.answer import Answer
from assistant.answering.ask import Asking
from assistant.audit.event import COMMAND_LINE
from assistant.engine.client import EngineClient, Priority
from assistant.errors import BadInput
from assistant.feedback.judging import judge
from assistant.feedback.tables import Judgement
from assistant.inbox import sorting
from assistant.inbox.tables import TrainerAnswerRow
from assistant.questions import log
from assistant.questions.deleting import forget_questions
from assistant.questions.invented import INVENTED, has_invented, has_real, invented_ids
from assistant.questions.log import LoggedQuestion
from assistant.questions.vectors import QuestionVector
from assistant.topics.invented import has_invented_topics, take_out_invented
from assistant.topics.rules import TopicRules
from assistant.topics.tables import TopicWeekRow
from assistant.topics.updating import GRACE, update_topics
from assistant.topics.week import Week
from indexer.embed import ready_embedder
from knowledge.database import Database, new_id
from knowledge.embedding import TextKind
from knowledge.finding.languages import base_language, knows

FILE_NAME = "invented_log.toml"
_OPENS, _CLOSES = 8, 18
_WORKDAYS = 5
_JUDGED_AFTER = dt.timedelta(minutes=1)
_ASKED_AGAIN_AFTER = dt.timedelta(minutes=2)
NOT_INVENTED = (
    "this home holds questions or accounts of real people, and an invented log never stands beside them",
    "give it a home of its own: earmark --home FOLDER demo --with-log",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """`people`: how many asked about it, a number a week, the oldest first. `said`: of ten who asked, how many said
    which. Raises ValueError for what nobody could ask."""

    about: str
    people: tuple[int, ...]
    spoken: float
    said: Mapping[Judgement, int]
    ask: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.ask or not self.people or min(self.people) < 0:
            raise ValueError(f"{self.about}: without wordings, or without people in weeks")
        if not 0 <= self.spoken <= 1 or sum(self.said.values()) > 10:
            raise ValueError(f"{self.about}: a share above 1, or more than ten of ten who said something")


@dataclass(frozen=True, slots=True)
class InventedLog:
    """`people`: invented ones, of whom each asks at most once about a subject a week."""

    people: int
    seed: int
    subjects: tuple[Subject, ...]

    def __post_init__(self) -> None:
        if len({len(each.people) for each in self.subjects}) != 1:
            raise ValueError("the subjects do not all say the same number of weeks")
        if any(max(each.people) > self.people for each in self.subjects):
            raise ValueError(f"a subject was asked about by more than all {self.people} people")

    @property
    def weeks(self) -> int:
        return len(self.subjects[0].people)

    @property
    def wordings(self) -> list[str]:
        return sorted({wording for each in self.subjects for wording in each.ask})


@dataclass(frozen=True, slots=True)
class InventedQuestion:
    asker: str
    text: str
    spoken: bool
    asked_at: dt.datetime
    said: Judgement | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """`vector`: None for a language that the embedder does not know."""

    answer: Answer
    vector: QuestionVector | None


def read_log(data: Path) -> InventedLog:
    """Raises BadInput where the file is missing or none."""
    path = data / FILE_NAME
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return InventedLog(told["people"], told["seed"], tuple(_subject(each) for each in told["subjects"]))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}", "run the demo from a whole clone") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: not an invented log: {error!r}") from error


def draw(drawn: InventedLog, *, until: Week, zone: dt.tzinfo) -> list[InventedQuestion]:
    """What was asked, the oldest first, in as many weeks up to `until` as the log has; on workdays, by their clocks."""
    chance = random.Random(drawn.seed)  # noqa: S311 - the same log each time, and no secret
    weeks = [until]
    while len(weeks) < drawn.weeks:
        weeks.insert(0, weeks[0].previous())
    asked = [
        question
        for subject in drawn.subjects
        for week, people in zip(weeks, subject.people, strict=True)
        for asker in chance.sample(range(drawn.people), people)
        for question in _of_one(subject, f"{INVENTED}{asker + 1:03}", week, zone, chance)
    ]
    return sorted(asked, key=lambda each: (each.asked_at, each.asker, each.text))


def last_closed_week(now: dt.datetime, zone: dt.tzinfo) -> Week:
    """The newest that a worker would have closed by now."""
    return Week.of(now - GRACE, zone).previous()


def put_in(
    database: Database, asking: Asking, engine: EngineClient, rules: TopicRules, data: Path, *, now: dt.datetime
) -> int:
    """How many questions were entered: none where a log is there already. Then topics, figures and open questions.

    Raises BadInput where there is anything real, PartDown where nothing embeds; then nothing is entered.
    """
    with database.read() as session:
        there = has_invented(session)
    count = 0 if there else _enter_all(database, asking, engine, rules.zone, read_log(data), now)
    update_topics(database, rules, now=now, languages=ready_embedder(engine).languages)
    while sorting.sort_open_questions(database, now=now) == sorting.AT_ONCE:
        pass
    return count


def take_out(database: Database, home: Path, *, beside: Path | None) -> int:
    """Delete the log with all that was made of it. How many questions. Safe to begin again.

    What real people have asked since stays, with its figures.
    """
    with database.write() as session:
        ids = invented_ids(session)
        if not ids and not has_invented_topics(session):
            return 0
        sorting.take_out_invented(session)
    forget_questions(database, home, ids, actor=COMMAND_LINE, beside=beside)
    with database.write() as session:
        take_out_invented(session)
    database.forget_deleted()
    return len(ids)


def refuse_beside_real(session: Session) -> None:
    """Raises BadInput where somebody has an account, has asked or answered, or weeks of real questions have closed; not
    where an invented log was there before: what has come since came to a demo."""
    if has_invented(session) or has_invented_topics(session):
        return
    kept = (PersonRow.id, TrainerAnswerRow.id, TopicWeekRow.week)
    if has_real(session) or any(session.scalar(select(column).limit(1)) is not None for column in kept):
        raise BadInput(*NOT_INVENTED)


def holds_log(database: Database) -> bool:
    with database.read() as session:
        return has_invented(session) or has_invented_topics(session)


def _subject(told: Mapping[str, object]) -> Subject:
    said = told["said"]
    people, spoken, ask = told["people"], told["spoken"], told["ask"]
    if not (isinstance(said, dict) and isinstance(people, list) and isinstance(ask, list)):
        raise TypeError(f"{told.get('about')}: people, said or ask is missing")
    if not isinstance(spoken, float | int):
        raise TypeError(f"{told.get('about')}: spoken is no share")
    judgements = {Judgement(kind): int(count) for kind, count in said.items()}
    return Subject(str(told["about"]), tuple(map(int, people)), float(spoken), judgements, tuple(map(str, ask)))


def _of_one(
    subject: Subject, asker: str, week: Week, zone: dt.tzinfo, chance: random.Random
) -> Iterator[InventedQuestion]:
    """A question, and where its asker asked again that other one."""
    text, other = _two_of(subject.ask, chance)
    spoken, said = chance.random() < subject.spoken, _said(subject.said, chance)
    asked_at = _moment(week, zone, chance)
    yield InventedQuestion(asker, text, spoken, asked_at, said)
    if said is Judgement.ASKED_AGAIN:
        yield InventedQuestion(asker, other, spoken, asked_at + _ASKED_AGAIN_AFTER, None)


def _two_of(wordings: Sequence[str], chance: random.Random) -> tuple[str, str]:
    first = chance.randrange(len(wordings))
    return wordings[first], wordings[(first + 1) % len(wordings)]


def _said(of_ten: Mapping[Judgement, int], chance: random.Random) -> Judgement | None:
    at = chance.randrange(10)
    for judgement, count in of_ten.items():
        if at < count:
            return judgement
        at -= count
    return None


def _moment(week: Week, zone: dt.tzinfo, chance: random.Random) -> dt.datetime:
    monday = week.start(zone).astimezone(zone).date()
    day = monday + dt.timedelta(days=chance.randrange(_WORKDAYS))
    time = dt.time(chance.randrange(_OPENS, _CLOSES), chance.randrange(60), chance.randrange(60))
    return dt.datetime.combine(day, time, tzinfo=zone).astimezone(dt.UTC)


def _enter_all(
    database: Database, asking: Asking, engine: EngineClient, zone: dt.tzinfo, drawn: InventedLog, now: dt.datetime
) -> int:
    """All of it in one transaction: whoever is killed has entered nothing, and two at once enter it once."""
    questions = draw(drawn, until=last_closed_week(now, zone), zone=zone)
    answers = _ask(asking, engine, drawn.wordings)
    with database.write() as session:
        if has_invented(session):
            return 0
        if has_invented_topics(session):  # of a log whose questions are gone: too old, or taken out by half
            take_out_invented(session)
        refuse_beside_real(session)
        for question in questions:
            _enter(session, question, answers[question.text])
    return len(questions)


def _ask(asking: Asking, engine: EngineClient, wordings: Sequence[str]) -> dict[str, _Asked]:
    vectors = engine.embed(wordings, kind=TextKind.QUESTION, priority=Priority.INDEX).whole
    embedder = ready_embedder(engine)
    asked = {}
    for wording, vector in zip(wordings, vectors, strict=True):
        answer = asking.text(wording, log=False)
        known = knows(embedder.languages, base_language(answer.question.language))
        asked[wording] = _Asked(answer, QuestionVector(embedder.digest, vector) if known else None)
    return asked


def _enter(session: Session, question: InventedQuestion, asked: _Asked) -> None:
    """As it would stand in the log, had somebody asked it then."""
    answer = replace(asked.answer, id=new_id())
    log.record(
        session,
        answer,
        spoken=question.spoken,
        asker=question.asker,
        vector=asked.vector,
        asked_at=question.asked_at,
    )
    session.flush()
    of_a_moment = question.said in {Judgement.YES, Judgement.PLAYED}
    if question.said is None or (of_a_moment and not answer.hits):
        return
    logged = LoggedQuestion(
        answer.id,
        question.text,
        answer.question.language,
        question.spoken,
        question.asker,
        answer.as_document(),
        question.asked_at,
    )
    rank = 1 if of_a_moment else None
    judge(session, logged, question.said, rank=rank, now=question.asked_at + _JUDGED_AFTER)
