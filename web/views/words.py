"""What roles, acts and purposes are called on pages, before they are translated."""

from collections.abc import Mapping

from assistant.access.caller import Scope
from assistant.access.role import Role
from assistant.audit.event import AuditAction, Outcome

ROLE_WORDS: Mapping[str, str] = {
    Role.EMPLOYEE: "employee",
    Role.TRAINER: "trainer",
    Role.HR: "human resources",
    Role.COMPLIANCE: "compliance",
    Role.ADMIN: "admin",
}
SCOPE_WORDS: Mapping[str, str] = {
    Scope.ASK: "ask questions",
    Scope.READ: "read recordings and transcripts",
    Scope.WRITE: "send and remove recordings",
    Scope.TRANSCRIBE: "have sound written down",
    Scope.METRICS: "read metrics",
}
OUTCOME_WORDS: Mapping[str, str] = {Outcome.DONE: "done", Outcome.REFUSED: "refused", Outcome.FAILED: "did not work"}
ACTION_WORDS: Mapping[str, str] = {
    AuditAction.SIGNED_IN: "signed in",
    AuditAction.SIGN_IN_REFUSED: "was not let in",
    AuditAction.SIGNED_OUT: "signed out",
    AuditAction.SESSIONS_ENDED: "ended somebody's sessions",
    AuditAction.ACCESS_REFUSED: "asked for what was refused",
    AuditAction.PERSON_ADDED: "added a person",
    AuditAction.ROLE_CHANGED: "changed a role",
    AuditAction.MAIL_ADDRESS_CHANGED: "changed somebody's mail address",
    AuditAction.GROUPS_CHANGED: "changed somebody's groups",
    AuditAction.PERSON_SUSPENDED: "suspended a person",
    AuditAction.PERSON_RESTORED: "let a person in again",
    AuditAction.PERSON_FORGOTTEN: "forgot a person",
    AuditAction.PASSWORD_RESET: "set a password",
    AuditAction.TOKEN_MADE: "made a token",
    AuditAction.TOKEN_REVOKED: "revoked a token",
    AuditAction.GROUP_MADE: "made a group",
    AuditAction.GROUP_RENAMED: "renamed a group",
    AuditAction.GROUP_REMOVED: "removed a group",
    AuditAction.COURSE_MADE: "made a course",
    AuditAction.COURSE_RIGHTS_CHANGED: "changed who may hear a course",
    AuditAction.VIEWED_AS_PERSON: "looked as another person",
    AuditAction.VIEWED_OTHERS_DATA: "looked at somebody's data",
    AuditAction.EXPORTED: "exported data",
    AuditAction.RECORDING_ADDED: "added a recording",
    AuditAction.RECORDING_REMOVED: "removed a recording",
    AuditAction.TOPIC_RENAMED: "renamed a topic",
    AuditAction.TOPIC_MERGED: "merged topics or took that back",
    AuditAction.TOPIC_SPLIT: "split a topic",
    AuditAction.OPEN_QUESTION_ANSWERED: "answered an open question",
    AuditAction.OPEN_QUESTION_SET_ASIDE: "set an open question aside",
    AuditAction.OPEN_QUESTION_REOPENED: "opened a question again",
    AuditAction.ANSWER_WITHDRAWN: "took an answer back",
    AuditAction.QUESTION_DELETED: "deleted a question",
    AuditAction.RETENTION_APPLIED: "deleted what was too old",
    AuditAction.BACKUP_MADE: "made a backup",
    AuditAction.BACKUP_RESTORED: "restored a backup",
    AuditAction.AUDIT_READ: "read the audit log",
    AuditAction.AUDIT_EXPORTED: "exported the audit log",
}
"""An act without its words here is shown by its name."""
