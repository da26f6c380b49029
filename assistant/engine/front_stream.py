"""An answer that is sent while it is made: server-sent events, each one of OpenAI's. Knows no model and no form."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from assistant.engine.front_errors import error_event
from assistant.errors import EarmarkError

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

    Raises what the work raises before its first piece, while a status can still say so; later failures are an event.
    """
    told: asyncio.Queue[Piece | None] = asyncio.Queue()
    working = asyncio.ensure_future(work(told.put_nowait))
    working.add_done_callback(lambda _: told.put_nowait(None))
    try:
        first = await told.get()
        last = end(await working) if first is None else None
    except BaseException:
        await _let_go(working)
        raise

    async def events() -> AsyncGenerator[bytes, None]:
        piece, coming = first, asyncio.ensure_future(told.get())
        try:
            while piece is not None:
                for event in of(piece):
                    yield _line(event)
                while not (await asyncio.wait((coming,), timeout=KEEPALIVE_S))[0]:
                    yield KEEPALIVE_COMMENT
                piece, coming = coming.result(), asyncio.ensure_future(told.get())
            yield _line(last or _last(working, end))
        finally:
            coming.cancel()
            await _let_go(working)

    return EventSourceResponse(events(), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


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
    return format_sse_event(data_str=json.dumps(event, ensure_ascii=False))
