"""What can go wrong for the person who asked, each with what to do about it."""


class EarmarkError(Exception):
    """A failure with a plain message: what, where, and the way out.

    `passing`: the same call may work later. `kind` is a stable name for programs (RFC 9457 `type`, job errors).
    `reason`: what the machine says of it, such as an address and an errno: for logs and for whoever runs Earmark on
    the command line, never for a page.
    """

    kind = "error"
    passing = False

    def __init__(self, detail: str, way_out: str = "", *, reason: str = "") -> None:
        what = f"{detail} ({reason})" if reason else detail
        super().__init__(f"{what}; {way_out}" if way_out else what)
        self.detail = detail
        self.way_out = way_out
        self.reason = reason


class BadInput(EarmarkError):
    """The input can never work as it is."""

    kind = "bad-input"


class BadMedia(BadInput):
    """A media file that cannot be heard: broken, empty, without sound, refused by the allow-list."""

    kind = "bad-media"


class UnknownLanguage(BadInput):
    kind = "unknown-language"


class NotFound(EarmarkError):
    kind = "not-found"


class Forbidden(EarmarkError):
    """The person knows of it and may not do this with it. What one may not even know of is NotFound."""

    kind = "forbidden"


class Conflict(EarmarkError):
    """Somebody else changed it a moment ago; what was wanted is not done."""

    kind = "conflict"


class SignInNeeded(EarmarkError):
    """Nobody is known to ask: no session, or one that is over; no token, or one that is of no use any more."""

    kind = "sign-in"


class SignInRefused(EarmarkError):
    """Not signed in, and told no more than that. `reason` is for the log."""

    kind = "sign-in-refused"


class PartDown(EarmarkError):
    """A part that this needs does not answer now."""

    kind = "part-down"
    passing = True


class RecognizerDown(PartDown):
    kind = "recogniser-down"


class EmbedderDown(PartDown):
    kind = "embedder-down"


class RerankerDown(PartDown):
    kind = "reranker-down"


class Busy(PartDown):
    """Too much is waiting; `retry_after_s` says when to come back."""

    kind = "busy"

    def __init__(self, detail: str, way_out: str = "", *, retry_after_s: float = 2.0) -> None:
        super().__init__(detail, way_out)
        self.retry_after_s = retry_after_s


class DiskFull(PartDown):
    kind = "disk-full"


class Cancelled(EarmarkError):
    """Somebody cancelled the job, removed the recording, or the lease was lost: stop, write nothing more."""

    kind = "cancelled"
