"""Vectors of passages' tokens, beside those of whole passages."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "passage_token_vectors",
        sa.Column("passage_id", sa.String(), nullable=False),
        sa.Column("embedder_digest", sa.String(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["passage_id"], ["passage.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("passage_id", "embedder_digest"),
    )
