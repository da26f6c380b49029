"""The company's own test set, and what was scored on it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "proof_question",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("question_id", sa.String(), nullable=True),
        sa.Column("trainer_answer_id", sa.String(), nullable=True),
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("week", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"], ["question.id"], name=op.f("fk_proof_question_question_id_question"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["trainer_answer_id"],
            ["trainer_answer.id"],
            name=op.f("fk_proof_question_trainer_answer_id_trainer_answer"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
            name=op.f("fk_proof_question_recording_id_recording"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof_question")),
        sa.UniqueConstraint("question_id", name=op.f("uq_proof_question_question_id")),
        sa.UniqueConstraint("trainer_answer_id", name=op.f("uq_proof_question_trainer_answer_id")),
    )
    op.create_index(op.f("ix_proof_question_recording_id"), "proof_question", ["recording_id"], unique=False)
    op.create_table(
        "proof_run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.Column("configuration", sa.JSON(), nullable=False),
        sa.Column("questions", sa.Integer(), nullable=False),
        sa.Column("lacking", sa.Integer(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof_run")),
    )
    op.create_index(op.f("ix_proof_run_made_at"), "proof_run", ["made_at"], unique=False)
