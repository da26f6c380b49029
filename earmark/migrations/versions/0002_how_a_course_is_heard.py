"""How a course is heard (its language, numbers as figures), and how much of a recording's speech gave words."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch: that makes the table anew, which rows that point to it forbid.
    op.add_column("course", sa.Column("language", sa.String(), nullable=True))
    op.add_column("course", sa.Column("itn", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("recording", sa.Column("heard_share", sa.Double(), nullable=True))
