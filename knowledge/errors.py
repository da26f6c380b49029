"""What can go wrong with what is kept, each with what to do about it. `kind` and `passing` as in every package."""


class KnowledgeError(Exception):
    """A failure with a plain message: what, and the way out. `passing`: the same call may work later."""

    kind = "error"
    passing = False

    def __init__(self, detail: str, way_out: str = "") -> None:
        super().__init__(f"{detail}; {way_out}" if way_out else detail)
        self.detail = detail
        self.way_out = way_out


class DatabaseBusy(KnowledgeError):
    """Another process holds the write lock for longer than anybody should wait."""

    kind = "database-busy"
    passing = True

    def __init__(self, waited_s: float) -> None:
        super().__init__(
            f"the database has been locked by another process for {waited_s:g} s",
            "try again; if it stays so, find who holds it (a backup tool, a stopped process) and end it",
        )


class DatabaseFull(KnowledgeError):
    """There is no room left to write; what was there is unharmed."""

    kind = "disk-full"
    passing = True

    def __init__(self) -> None:
        super().__init__("the database cannot grow: its disk is full", "free some disk; questions go on meanwhile")


class RecordingGone(KnowledgeError):
    """A recording was removed while somebody worked on it."""

    kind = "not-found"

    def __init__(self, recording_id: str) -> None:
        super().__init__(f"recording {recording_id} was removed", "nothing is left to do for it")


class IndexBusy(KnowledgeError):
    """Another process has been writing the same index for too long."""

    kind = "busy"
    passing = True


class IndexNotWritten(KnowledgeError):
    """A new base could not be written; the old one stays."""

    kind = "disk-full"
    passing = True


class NameTaken(KnowledgeError):
    """Another listed course has this name."""

    kind = "bad-input"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a course {name} already", "give this one another name")
