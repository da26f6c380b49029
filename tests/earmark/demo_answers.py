"""Answers and questions made by hand, for the tests of the demo."""

from assistant.answering.answer import Answer, AnsweredHit, AskedQuestion, Timings
from earmark.demo import Expected, SampleQuestion
from knowledge.finding.moment import Hit, Sentence, Verdict

FIRE = Expected("fire.opus", 60.0, 70.0)
TYPED = SampleQuestion("typed", "Where is the exit?", None, FIRE)
UNANSWERABLE = SampleQuestion("none", "Who won?", None, None)


def moment(recording: str, start_s: float) -> AnsweredHit:
    sentence = Sentence(start_s, start_s + 4, "Take the stairs [never the lift].", exact=True)
    hit = Hit(1, 1.0, "id", "course", 1, 0, 1, start_s, start_s + 4, start_s, start_s + 20, "text", sentence)
    return AnsweredHit(hit, "Safety", recording, "Fire", has_picture=False)


def answer(*hits: AnsweredHit, verdict: Verdict = Verdict.ANSWERED, heard: str = "where is the exit") -> Answer:
    return Answer(
        "id", AskedQuestion(heard, "en", None), verdict, 0.9, 0.9, None, hits, Timings(None, None, 1.0, 1.0, 2.0)
    )
