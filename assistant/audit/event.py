"""What the audit log says of one act: who, what, to which thing, how it ended. Never a name, a question or a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

COMMAND_LINE = "command-line"
"""The actor of whoever uses `earmark` on the server itself."""
EARMARK = "earmark"
"""The actor of what happens by itself: jobs, retention."""
NOBODY = "nobody"
"""The actor of a request by somebody who is not signed in."""

LONGEST_DETAIL = 500
MOST_DETAILS = 20


class AuditAction(StrEnum):
    """What is worth a row. Adding one needs no migration; one that is gone stays readable in old rows."""

    SIGNED_IN = "signed-in"
    SIGN_IN_REFUSED = "sign-in-refused"
    SIGNED_OUT = "signed-out"
    SESSIONS_ENDED = "sessions-ended"
    ACCESS_REFUSED = "access-refused"
    PERSON_ADDED = "person-added"
    ROLE_CHANGED = "role-changed"
    MAIL_ADDRESS_CHANGED = "mail-address-changed"
    GROUPS_CHANGED = "groups-changed"
    PERSON_SUSPENDED = "person-suspended"
    PERSON_RESTORED = "person-restored"
    PERSON_FORGOTTEN = "person-forgotten"
    PASSWORD_RESET = "password-reset"  # noqa: S105 - the name of an act
    TOKEN_MADE = "token-made"  # noqa: S105
    TOKEN_REVOKED = "token-revoked"  # noqa: S105
    GROUP_MADE = "group-made"
    GROUP_RENAMED = "group-renamed"
    GROUP_REMOVED = "group-removed"
    COURSE_MADE = "course-made"
    COURSE_RIGHTS_CHANGED = "course-rights-changed"
    VIEWED_AS_PERSON = "viewed-as-person"
    VIEWED_OTHERS_DATA = "viewed-others-data"
    EXPORTED = "exported"
    RECORDING_ADDED = "recording-added"
    RECORDING_REMOVED = "recording-removed"
    TOPIC_RENAMED = "topic-renamed"
    TOPIC_MERGED = "topic-merged"
    TOPIC_SPLIT = "topic-split"
    QUESTION_DELETED = "question-deleted"
    OPEN_QUESTION_ANSWERED = "open-question-answered"
    OPEN_QUESTION_SET_ASIDE = "open-question-set-aside"
    OPEN_QUESTION_REOPENED = "open-question-reopened"
    ANSWER_WITHDRAWN = "answer-withdrawn"
    RETENTION_APPLIED = "retention-applied"
    BACKUP_MADE = "backup-made"
    BACKUP_RESTORED = "backup-restored"
    AUDIT_READ = "audit-read"
    AUDIT_EXPORTED = "audit-exported"


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


Detail = str | int | bool


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One act. `actor`: a person's random audit id, or one of the three that are no person.

    A row outlives the person it speaks of, and cannot be changed: `details` hold ids, roles and numbers, never a
    name, an address, a question's words or a secret. Raises ValueError for one that cannot be kept.
    """

    actor: str
    action: AuditAction
    object_kind: str | None = None
    object_id: str | None = None
    outcome: Outcome = Outcome.DONE
    details: Mapping[str, Detail] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.actor:
            raise ValueError("an audit event needs an actor; NOBODY where nobody is signed in")
        if self.object_id is not None and self.object_kind is None:
            raise ValueError(f"an audit event names object {self.object_id} without saying what it is")
        if len(self.details) > MOST_DETAILS:
            raise ValueError(f"an audit event has at most {MOST_DETAILS} details, not {len(self.details)}")
        for name, detail in self.details.items():
            if not isinstance(detail, str | int):
                raise ValueError(f"audit detail {name} is neither text, number nor yes or no: {detail!r}")
            if isinstance(detail, str) and len(detail) > LONGEST_DETAIL:
                raise ValueError(f"audit detail {name} has {len(detail)} characters; {LONGEST_DETAIL} at most")
