"""A provider that does as it is told, and ours that speaks to it; people, sessions, tokens and rights, which live in
every database there may be."""

import datetime as dt
from collections.abc import Iterator

import pytest

from assistant.access import people
from assistant.access.claims import ClaimMapping
from assistant.access.oidc import OpenIdProvider
from assistant.access.people import Person
from assistant.access.provider import ProviderConfig
from assistant.access.provider_http import ProviderHttp
from assistant.access.role import Role
from assistant.access.used_flows import UsedFlowsTable
from knowledge.database import Database
from tests.assistant.access.misbehaving_provider import CLIENT_ID, CLIENT_SECRET, NOW_S, MisbehavingProvider

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
MAPPING = ClaimMapping(
    role_claim="roles", roles={"staff": Role.EMPLOYEE, "boss": Role.ADMIN}, default_role=None, groups_claim="groups"
)


@pytest.fixture
def there() -> Iterator[MisbehavingProvider]:
    provider = MisbehavingProvider()
    yield provider
    provider.close()


@pytest.fixture
def config(there: MisbehavingProvider) -> ProviderConfig:
    return ProviderConfig(there.issuer, CLIENT_ID, CLIENT_SECRET)


@pytest.fixture
def ours(config: ProviderConfig, database: Database) -> Iterator[OpenIdProvider]:
    """Less patient than the product, so that a hanging provider costs a test no more than it must."""
    provider = OpenIdProvider(config, MAPPING, UsedFlowsTable(database), http=ProviderHttp(read_s=0.5, total_s=1.0))
    yield provider
    provider.close()


@pytest.fixture
def now() -> dt.datetime:
    return dt.datetime.fromtimestamp(NOW_S, dt.UTC)


def add(database: Database, name: str, role: Role = Role.EMPLOYEE) -> Person:
    """Somebody with an account here, whose password nobody knows."""
    with database.write() as session:
        return people.add_local(session, name, role=role, password_hash="!")


@pytest.fixture
def anna(database: Database) -> Person:
    return add(database, "Anna")
