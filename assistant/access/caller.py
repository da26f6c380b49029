"""Who asks: a person with a session or a token, or whoever sits at this machine where nobody signs in."""

from dataclasses import dataclass
from enum import StrEnum

from assistant.access.role import Role
from assistant.audit.event import NOBODY


class SignIn(StrEnum):
    """Who may come in: anybody at this machine, people with an account here, people of the company's provider."""

    NONE = "none"
    LOCAL = "local"
    OIDC = "oidc"


class Way(StrEnum):
    """How somebody came in."""

    HERE = "here"
    """Nobody signs in: this machine's own address."""
    SESSION = "session"
    TOKEN = "token"  # noqa: S105


class Scope(StrEnum):
    """What a token may be used for; never more than its owner may."""

    ASK = "ask"
    READ = "read"
    """Recordings, transcripts, courses."""
    WRITE = "write"
    """Send and remove recordings, their jobs."""
    TRANSCRIBE = "transcribe"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class Caller:
    """`groups`: ids. `scopes`: of a token, None for all that the role may. `way_id`: of the session or the token.

    `audit_id` stands for the person in the audit log, so that forgetting the person leaves the log whole.
    """

    person_id: str | None
    role: Role
    way: Way
    name: str = ""
    groups: frozenset[str] = frozenset()
    scopes: frozenset[Scope] | None = None
    way_id: str = ""
    audit_id: str = ""

    @property
    def actor(self) -> str:
        """Who it is in the audit log."""
        return self.audit_id or NOBODY

    @property
    def is_known(self) -> bool:
        return self.person_id is not None


HERE = Caller(None, Role.ADMIN, Way.HERE)
"""Where nobody signs in, who reaches the page may do everything: that is why only this machine reaches it."""
