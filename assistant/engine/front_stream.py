"""An answer that is sent while it is made: server-sent events, each one of OpenAI's. Knows no model and no form."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from fastapi import Request
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from assistant.engine.front_errors import error_event
from assistant.errors import EarmarkError, RecognizerDown

log = structlog.get_logger(__name__)

KEEPALIVE_S = 10.0
"""A connection on which nothing comes is closed by proxies, most after a minute."""
Piece = TypeVar("Piece")
Whole = TypeVar("Whole")
Event = dict[str, Any]


async def streamed(
    work: Callable[[Callable[[Piece], None]], Awaitable[Whole]],
    *,
    of: Callable[[Piece], Sequence[Event]],
    end: Callable[[Whole], Event],
) -> EventSourceResponse:
    """Events `of` each piece that the work tells, then its `end`. The work ends with the connection.

    Raises what the work raises before its first piece, while a status can still say so (KEEPALIVE_S at most); later
    failures are an event.
    """
    told: asyncio.Queue[Piece | None] = asyncio.Queue()
    working = asyncio.ensure_future(work(told.put_nowait))
    working.add_done_callback(lambda _: told.put_nowait(None))
    coming = asyncio.ensure_future(told.get())
    try:
        await asyncio.wait((coming,), timeout=KEEPALIVE_S)
        last = end(await working) if coming.done() and coming.result() is None else None
    except BaseException:
        coming.cancel()
        await _let_go(working)
        raise

    async def events() -> AsyncGenerator[bytes, None]:
        nonlocal coming
        try:
            while True:
                while not (await asyncio.wait((coming,), timeout=KEEPALIVE_S))[0]:
                    yield KEEPALIVE_COMMENT
                piece = coming.result()
                if piece is None:
                    break
                coming = asyncio.ensure_future(told.get())
                for event in of(piece):
                    yield _line(event)
            yield _line(last or _last(working, end))
        finally:
            coming.cancel()
            await _let_go(working)

    return EventSourceResponse(events(), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def until_gone(request: Request, work: Coroutine[Any, Any, Whole]) -> Whole:
    """The work's answer; where the client goes away first the work is cancelled and gives its place up."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        log.info("client went away")
        raise ClientGone
    finally:
        for task in (working, leaving):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(working, leaving, return_exceptions=True)


class ClientGone(RecognizerDown):
    """Nobody reads the answer."""

    def __init__(self) -> None:
        super().__init__("the client went away")


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _last(working: asyncio.Future[Whole], end: Callable[[Whole], Event]) -> Event:
    try:
        return end(working.result())
    except EarmarkError as error:
        return error_event(error)


async def _let_go(working: asyncio.Future[Whole]) -> None:
    working.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await working


def _line(event: Event) -> bytes:
    return format_sse_event(data_str=json.dumps(event))
