"""Callers who send a byte now and then: how long their headers and bodies are waited for, and how many may do so.

uvicorn waits for both for ever. A rule for bodies and the wrapper that keeps it; a rule for headers and connections,
kept by uvicorn's own protocol with a clock beside it. Knows no page.
"""

import asyncio
import sys
from dataclasses import dataclass
from http import HTTPStatus

import h11
from starlette.types import Message, Receive
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WITHIN_S = 20.0
"""From a connection's opening, or the end of its last reply, to the end of the next request's headers."""
MOST_CONNECTIONS = 800
"""Below the 1,024 files that a process may commonly have open, since each connection is one."""
MOST_CONNECTIONS_OF_ONE = 400
"""Of one address, so that it cannot take them all."""
CAME_TOO_SLOWLY = ("the request came in too slowly", "try again over a better connection")
"""What is wrong, and what to do, as pages say it in their language."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How slowly a body may come: never under `least_bytes_a_s` once `grace_s` are over, and in `longest_s` at most
    where it is no recording."""

    grace_s: float = 20.0
    least_bytes_a_s: float = 1000.0
    longest_s: float = 60.0

    def allowed_s(self, received_bytes: int, *, recording: bool) -> float:
        """How long may have been waited for more than these."""
        allowed = self.grace_s + received_bytes / self.least_bytes_a_s
        return allowed if recording else min(allowed, self.longest_s)


class BodyTooSlowError(Exception):
    """Raised inside a request whose body came too slowly."""


def paced(receive: Receive, pace: Pace, *, recording: bool) -> Receive:
    """The same body, given up where it comes too slowly. Only the waiting counts, not what is done with the bytes."""
    received, waited_s, complete = 0, 0.0, False

    async def hurried() -> Message:
        nonlocal received, waited_s, complete
        if complete:
            return await receive()  # who waits for the caller's going may wait
        clock = asyncio.get_running_loop().time
        began_s = clock()
        try:
            async with asyncio.timeout(pace.allowed_s(received, recording=recording) - waited_s):
                message = await receive()
        except TimeoutError as error:
            complete = True
            raise BodyTooSlowError from error
        waited_s += clock() - began_s
        received += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        return message

    return hurried


class HurriedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which closes a connection whose request does not come, and more connections than are held.

    What still comes of a body that was refused is read and dropped meanwhile, so that its sender can read the reply.
    """

    _too_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS or self._of_same_address() > MOST_CONNECTIONS_OF_ONE:
            transport.abort()
            return
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_busy():
            self._stop_waiting()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_busy():  # else the next request was there already
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls this from where it caught what h11 found; h11 knows the status, such as 431."""
        found = sys.exception()
        status = HTTPStatus.BAD_REQUEST
        if isinstance(found, h11.RemoteProtocolError) and not self._is_busy():
            status = HTTPStatus(found.error_status_hint)
        self._refuse(status, msg)

    def _of_same_address(self) -> int:
        """Behind a Unix socket nobody has an address: the proxy that listens there counts its own callers."""
        if self.client is None:
            return 0
        return sum(
            isinstance(other, H11Protocol) and other.client is not None and other.client[0] == self.client[0]
            for other in self.connections
        )

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait_for_headers(self) -> None:
        self._stop_waiting()
        self._too_late = self.loop.call_later(HEADERS_WITHIN_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        begun, _ = self.conn.trailing_data
        if begun and self.conn.our_state is h11.IDLE:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request came in too slowly.")
        else:
            self.transport.abort()

    def _refuse(self, status: HTTPStatus, said: str) -> None:
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()  # a reply is under way already
            return
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        for event in (
            h11.Response(status_code=status, headers=headers, reason=status.phrase.encode()),
            h11.Data(data=said.encode()),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
