"""Notices go out by mail beside everything else a worker does: a mail server that hangs holds up no recording."""

import threading

from assistant.notices.sending import send_due
from indexer.services import Services

GRACE_S = 20.0
"""How long a worker that ends waits for the mail that is under way, so that it is not sent a second time."""


def send_mails(services: Services, stop: threading.Event) -> None:
    """Nothing where no mail is set."""
    if services.mailing is not None:
        send_due(services.database, services.mailing, is_stopped=stop.is_set)
