"""Answers as they are logged, without anybody who answers."""

from assistant.answering.answer import Answer, AnsweredHit, AskedQuestion, Timings
from assistant.questions import log
from knowledge.database import Database, new_id
from knowledge.finding.moment import Hit, Sentence, Verdict

CANARY = "the heron drinks at noon"
WAV = b"RIFF\x10\0\0\0WAVEfmt "


def answer_from(*recording_ids: str, text: str = CANARY) -> Answer:
    """The first hit is quoted."""
    hits = tuple(
        AnsweredHit(
            Hit(
                rank=rank,
                score=1.0,
                recording_id=recording_id,
                course_id="c",
                revision=1,
                first_segment=0,
                last_segment=0,
                start_s=0.0,
                end_s=1.0,
                passage_start_s=0.0,
                passage_end_s=1.0,
                text=f"{text} {recording_id}",
                sentence=Sentence(0.0, 1.0, f"{text} {recording_id}", True),
            ),
            "Safety",
            "a.wav",
            "a",
            False,
        )
        for rank, recording_id in enumerate(recording_ids, start=1)
    )
    question = AskedQuestion("who drinks?", "en", None)
    timings = Timings(None, None, 1.0, 1.0, 2.0)
    said = hits[0].hit.sentence.text if hits else None
    return Answer(new_id(), question, Verdict.ANSWERED, 0.9, 0.9, said, hits, timings)


def kept(database: Database, *recording_ids: str, asker: str = "me", text: str = CANARY) -> str:
    """In the log; its id."""
    answer = answer_from(*recording_ids, text=text)
    with database.write() as session:
        log.record(session, answer, spoken=False, asker=asker)
    return answer.id
