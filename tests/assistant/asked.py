"""Questions put straight into the log, as asking would leave them, with vectors of words in common."""

from assistant.answering.answer import Answer, AskedQuestion, Timings
from assistant.feedback.judging import judge
from assistant.feedback.tables import Judgement
from assistant.questions import log
from assistant.questions.vectors import QuestionVector
from knowledge.database import Database, new_id, utc_now
from knowledge.finding.moment import Verdict
from tests.shelf import EMBEDDER, embed


def asked(
    database: Database,
    text: str,
    *,
    asker: str | None = "me",
    verdict: Verdict = Verdict.ABSENT,
    course_id: str | None = None,
    embedded: bool = True,
) -> str:
    """Its id. Nothing was found."""
    timings = Timings(None, None, 1.0, 1.0, 2.0)
    answer = Answer(new_id(), AskedQuestion(text, "en", None), verdict, 0.1, 0.1, None, (), timings)
    vector = QuestionVector(EMBEDDER, embed(text)) if embedded else None
    with database.write() as session:
        log.record(session, answer, spoken=False, asker=asker, course_id=course_id, vector=vector)
    return answer.id


def said_no(database: Database, question_id: str) -> None:
    question = log.get(database, question_id)
    assert question is not None
    with database.write() as session:
        judge(session, question, Judgement.NO, now=utc_now())
