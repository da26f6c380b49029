"""The app over a real socket."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.product.running import wait_until
from tests.web.house import WebHouse
from web.app import create_app
from web.slow_clients import HurriedProtocol


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """In a loop of its own, also where a browser of another test keeps one in this thread. Raises what it raises."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


@contextmanager
def serving(house: WebHouse) -> Iterator[str]:
    """The app on a free port, in a thread of its own."""
    config = uvicorn.Config(
        create_app(house.services),
        host="127.0.0.1",
        port=0,
        log_level="warning",
        lifespan="off",
        http=HurriedProtocol,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    wait_until(lambda: server.started, timeout_s=30, what="the web server")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
