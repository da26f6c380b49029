"""A question as its asker finds it again."""

import datetime as dt
from dataclasses import dataclass

from assistant.questions.log import LoggedQuestion
from knowledge.finding.moment import Verdict


@dataclass(frozen=True, slots=True)
class QuestionView:
    id: str
    text: str
    spoken: bool
    verdict: Verdict
    asked_at: dt.datetime


def question_view(question: LoggedQuestion) -> QuestionView:
    verdict = Verdict(question.document["verdict"])
    return QuestionView(question.id, question.text, question.spoken, verdict, question.created_at)
