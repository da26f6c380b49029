"""What a worker does for questions."""

from typing import Any

import pytest
from sqlalchemy import select

from assistant.access.caller import HERE
from assistant.errors import EmbedderDown
from assistant.inbox import answers
from assistant.inbox.tables import OpenQuestionRow, TrainerAnswerRow
from assistant.questions.embedding import without_vector
from assistant.questions.tables import QuestionRow, QuestionVectorRow
from indexer.asked import embed_questions, keep_inbox
from indexer.services import Services
from knowledge.database import Database, utc_now
from tests.assistant.asked import asked
from tests.indexer.scripted_engine import ScriptedEngine
from tests.shelf import enter


def item_of(services: Services, question_id: str) -> str:
    with services.database.read() as session:
        return session.get_one(OpenQuestionRow, question_id).item_id


def test_open_questions_are_sorted_and_what_lacks_a_vector_gets_one(services: Services, engine: ScriptedEngine) -> None:
    database = services.database
    asked_ids = {asked(database, text, embedded=False) for text in ("where are tablets", "why is it cold")}
    assert keep_inbox(services) is False
    _, course_id = enter(database)
    item_id = item_of(services, min(asked_ids))
    answers.answer_with_line(database, HERE, item_id, question="tablets", line="x", course_id=course_id, now=utc_now())
    engine.embedder_down = EmbedderDown("it does not answer")
    assert embed_questions(services) is False
    engine.embedder_down = None
    assert embed_questions(services) is True
    assert embed_questions(services) is False
    with database.read() as session:
        kept = {row.question_id: row.digest for row in session.scalars(select(QuestionVectorRow))}
        (answer,) = session.scalars(select(TrainerAnswerRow))
    assert kept == dict.fromkeys(asked_ids, engine.embedder_digest)
    assert (answer.digest, answer.vector is not None) == (engine.embedder_digest, True)


def test_vectors_of_another_embedder_are_made_anew(services: Services, engine: ScriptedEngine) -> None:
    question_id = asked(services.database, "where are tablets")
    engine.embedder_digest = "f" * 64
    assert embed_questions(services) is True
    with services.database.read() as session:
        assert session.get_one(QuestionVectorRow, question_id).digest == "f" * 64


def test_what_the_embedder_cannot_read_waits_for_none(databases: Database) -> None:
    english, chinese = (asked(databases, text, embedded=False) for text in ("why", "为什么"))
    with databases.write() as session:
        session.get_one(QuestionRow, chinese).language = "zh-Hans"
    with databases.read() as session:
        assert [each.id for each in without_vector(session, "d", frozenset({"en"}), limit=9)] == [english]
        assert {each.id for each in without_vector(session, "d", frozenset({"en", "zh"}), limit=9)} == {
            english,
            chinese,
        }
        assert len(without_vector(session, "d", None, limit=9)) == 2


def test_vectors_of_an_embedder_that_was_changed_meanwhile_are_not_kept(
    services: Services, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    question_id = asked(services.database, "where are tablets", embedded=False)
    embed = engine.embed

    def changed_meanwhile(*texts: Any, **how: Any) -> Any:
        vectors = embed(*texts, **how)
        engine.embedder_digest = "f" * 64
        return vectors

    monkeypatch.setattr(engine, "embed", changed_meanwhile)
    assert embed_questions(services) is False
    with services.database.read() as session:
        assert session.get(QuestionVectorRow, question_id) is None
