"""That a flow counts once is remembered as long as it could be brought back, and no longer."""

import datetime as dt

from sqlalchemy import func, select

from assistant.access.flow import LIFETIME, Flow
from assistant.access.used_flows import KEPT, UsedFlowsTable, UsedSignInFlowRow
from knowledge.database import Database

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def flow(state: str) -> Flow:
    return Flow(state, "n", "v", "https://earmark.example/sign-in/callback", "/", int(NOW.timestamp()))


def rows(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(UsedSignInFlowRow)) or 0


def test_a_flow_counts_once_and_is_forgotten_later(databases: Database) -> None:
    used = UsedFlowsTable(databases)
    assert used.use(flow("a"), now=NOW)
    assert not used.use(flow("a"), now=NOW + LIFETIME)
    assert used.use(flow("b"), now=NOW + LIFETIME)
    assert rows(databases) == 2
    much_later = NOW + LIFETIME + KEPT + dt.timedelta(seconds=1)
    assert used.use(flow("c"), now=much_later)
    assert rows(databases) == 1


def test_the_state_itself_is_not_kept(database: Database) -> None:
    UsedFlowsTable(database).use(flow("the state"), now=NOW)
    with database.read() as session:
        assert "the state" not in session.scalars(select(UsedSignInFlowRow.digest)).one()
