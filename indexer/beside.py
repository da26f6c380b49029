"""What is done beside everything else a worker does, in a thread of its own, so that it holds up no recording."""

import threading
from collections.abc import Callable

import structlog

_LOG = structlog.get_logger()


class Beside:
    """One round at a time, each begun by whoever has it. For one thread.

    `act`: a round; it gets what is set when the worker ends. `grace_s`: how long an ending worker waits for it.
    """

    def __init__(self, name: str, act: Callable[[threading.Event], object], *, grace_s: float) -> None:
        self._name = name
        self._act = act
        self._grace_s = grace_s
        self._stop = threading.Event()
        self._round: threading.Thread | None = None

    def begin(self) -> None:
        """Nothing where a round is still under way."""
        if self._round is not None and self._round.is_alive():
            return
        self._round = threading.Thread(target=self._do, name=self._name, daemon=True)
        self._round.start()

    def end(self) -> None:
        self._stop.set()
        if self._round is not None:
            self._round.join(self._grace_s)

    def _do(self) -> None:
        try:
            self._act(self._stop)
        except Exception as error:  # noqa: BLE001 - the outer end of a round; the next one begins anew
            # By its kind alone: what a library says may hold an address, or what somebody asked.
            _LOG.warning(f"{self._name} put off", kind=type(error).__name__)
