"""The app over a real socket."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from tests.product.running import wait_until
from tests.web.house import WebHouse
from web.app import create_app


@contextmanager
def serving(house: WebHouse) -> Iterator[str]:
    """The app on a free port, in a thread of its own."""
    config = uvicorn.Config(create_app(house.services), host="127.0.0.1", port=0, log_level="warning", lifespan="off")
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
