"""Whether enough people had asked when a week closed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of weeks that closed before it is said that no topic had enough, which holds of every week that shows none."""
    op.add_column("topic_week", sa.Column("enough_people", sa.Boolean(), server_default=sa.true(), nullable=False))
