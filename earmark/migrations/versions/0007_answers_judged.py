"""Judgements on answers, open questions and what trainers answered, vectors of questions.

What was asked before gets its verdict and its course out of the answer that was kept.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_AT_ONCE = 500


def upgrade() -> None:
    op.add_column("question", sa.Column("verdict", sa.String(length=32), nullable=True))
    op.add_column("question", sa.Column("course_id", sa.String(), nullable=True))
    _read_from_answers()
    with op.batch_alter_table("question") as question:
        question.alter_column("verdict", existing_type=sa.String(length=32), nullable=False)
    op.create_table(
        "question_vector",
        sa.Column("question_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"],
            ["question.id"],
            name=op.f("fk_question_vector_question_id_question"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_question_vector")),
    )
    op.create_table(
        "feedback",
        sa.Column("question_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(), nullable=True),
        sa.Column("start_s", sa.Double(), nullable=True),
        sa.Column("end_s", sa.Double(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"], ["question.id"], name=op.f("fk_feedback_question_id_question"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("question_id", "kind", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_recording_id"), "feedback", ["recording_id"], unique=False)
    _make_inbox()


def _make_inbox() -> None:
    op.create_table(
        "open_item",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("course_id", sa.String(), nullable=True),
        sa.Column("recording_id", sa.String(), nullable=True),
        sa.Column("taken_by", sa.String(), nullable=True),
        sa.Column("taken_as", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_open_item_course_id_course"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name=op.f("fk_open_item_recording_id_recording"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["taken_by"], ["person.id"], name=op.f("fk_open_item_taken_by_person"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open_item")),
    )
    op.create_index(op.f("ix_open_item_state"), "open_item", ["state"], unique=False)
    op.create_index(op.f("ix_open_item_recording_id"), "open_item", ["recording_id"], unique=False)
    op.create_table(
        "open_question",
        sa.Column("question_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["open_item.id"], name=op.f("fk_open_question_item_id_open_item"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["question_id"], ["question.id"], name=op.f("fk_open_question_question_id_question"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_open_question")),
    )
    op.create_index(op.f("ix_open_question_item_id"), "open_question", ["item_id"], unique=False)
    op.create_table(
        "trainer_answer",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=True),
        sa.Column("course_id", sa.String(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("recording_id", sa.String(), nullable=True),
        sa.Column("start_s", sa.Double(), nullable=True),
        sa.Column("end_s", sa.Double(), nullable=True),
        sa.Column("line", sa.Text(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_trainer_answer_course_id_course"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["open_item.id"], name=op.f("fk_trainer_answer_item_id_open_item"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["person.id"], name=op.f("fk_trainer_answer_made_by_person"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
            name=op.f("fk_trainer_answer_recording_id_recording"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trainer_answer")),
    )
    for column in ("item_id", "course_id", "recording_id"):
        op.create_index(op.f(f"ix_trainer_answer_{column}"), "trainer_answer", [column], unique=False)


def _read_from_answers() -> None:
    connection = op.get_bind()
    question = sa.table(
        "question", sa.column("id"), sa.column("answer", sa.JSON()), sa.column("verdict"), sa.column("course_id")
    )
    recording = sa.table("recording", sa.column("id"), sa.column("course_id"))
    courses = {row.id: row.course_id for row in connection.execute(sa.select(recording))}
    after = ""
    while True:
        rows = connection.execute(
            sa.select(question.c.id, question.c.answer)
            .where(question.c.id > after)
            .order_by(question.c.id)
            .limit(_AT_ONCE)
        ).all()
        for row in rows:
            hits = row.answer["hits"]
            course_id = courses.get(hits[0].get("recording_id")) if hits else None
            connection.execute(
                question.update()
                .where(question.c.id == row.id)
                .values(verdict=row.answer["verdict"], course_id=course_id)
            )
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].id
