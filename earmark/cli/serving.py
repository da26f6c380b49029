"""`earmark serve`, and its three processes run alone: `web`, `engine`, `worker`; and `demo`."""

import errno
import secrets
import signal
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated

import httpx
import typer
import uvicorn

from assistant.engine.service import is_loopback, run_engine
from assistant.errors import BadInput
from earmark.build import engine_spec, open_engine, open_house, open_web, open_worker
from earmark.cli.console import say, tell
from earmark.cli.flags import settings_of
from earmark.logs import configure_logging
from earmark.settings import PREFIX, Settings
from earmark.supervise import Program, supervise
from indexer.worker import run_worker

Host = Annotated[str | None, typer.Option(help="Address to listen on; only loopback while nobody signs in.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]


def hang(app: typer.Typer) -> None:
    for command in (serve, web, engine, worker):
        app.command(command.__name__)(command)


def serve(context: typer.Context, host: Host = None, port: Port = None) -> int:
    """Serve the pages, with the engine and a worker beside, under one parent that restarts what dies."""
    settings = settings_of(context, host=host, port=port)
    refuse_public_address(settings)
    return serve_all(settings)


def serve_all(settings: Settings) -> int:
    """Web, engine and worker of this home until a signal; prints the address once questions can be asked."""
    configure_logging()
    refuse_taken_port(settings)
    with open_house(settings):
        """Made and migrated once, before three processes open it."""
    port = settings.port or free_port(settings.host)
    address = f"http://{_in_url(settings.host)}:{port}"
    programs = _programs(settings, port)
    say("Starting; loading the models takes a few seconds ...")
    return supervise(
        programs,
        home=settings.home,
        is_ready=lambda: _answers(f"{address}/readyz"),
        on_ready=lambda: _tell_address(address),
    )


def _programs(settings: Settings, port: int) -> list[Program]:
    """The three processes. Those that need an engine are told where ours is, unless engines elsewhere are set."""
    myself = (sys.executable, "-m", "earmark", "--home", str(settings.home))
    pages = Program("web", (*myself, "web", "--host", settings.host, "--port", str(port)))
    if settings.engine_url:
        return [pages, Program("worker", (*myself, "worker"))]
    engine_port, key = free_port("127.0.0.1"), secrets.token_urlsafe(32)
    secret = {f"{PREFIX}ENGINE_KEY": key}
    ours = {**secret, f"{PREFIX}ENGINE_URL": f"http://127.0.0.1:{engine_port}"}
    return [
        Program("engine", (*myself, "engine", "--port", str(engine_port)), secret),
        replace(pages, environment=ours),
        Program("worker", (*myself, "worker"), ours),
    ]


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _tell_address(address: str) -> None:
    tell(f"Earmark is ready: {address}")
    say("Ctrl-C ends it.")


def web(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    unix_socket: Annotated[
        Path | None, typer.Option("--socket", help="A Unix socket to listen on, for a proxy on this machine.")
    ] = None,
) -> None:
    """Serve the pages and the API alone; EARMARK_ENGINE_URL says where an engine is."""
    settings = settings_of(context, host=host, port=port)
    refuse_public_address(settings)
    if unix_socket is None:
        refuse_taken_port(settings)
    else:
        refuse_unusable_socket(unix_socket)
    configure_logging()
    with open_house(settings) as house, open_engine(settings) as live, open_web(house, live) as application:
        uvicorn.run(
            application,
            host=settings.host,
            port=settings.port,
            uds=str(unix_socket) if unix_socket else None,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            server_header=False,
        )


def engine(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on; another than loopback needs EARMARK_ENGINE_KEY.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
) -> None:
    """Run the models alone: the only process that loads any."""
    settings = settings_of(context)
    if not is_loopback(host) and not settings.engine_key:
        raise BadInput(f"an engine on {host} needs a secret", "set EARMARK_ENGINE_KEY here and where it is used")
    configure_logging()
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    run_engine(
        engine_spec(settings),
        home=settings.home,
        host=host,
        port=port,
        key=settings.engine_key or secrets.token_urlsafe(32),
    )


def worker(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Stop when no job is left.")] = False,
) -> None:
    """Take jobs and turn recordings into findable passages; as many may run as you like."""
    settings = settings_of(context)
    configure_logging()
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with open_house(settings) as house, open_engine(settings) as live, open_worker(house, live) as services:
        run_worker(services, once=once, stop=stop)


def refuse_public_address(settings: Settings) -> None:
    """Without sign-in anybody who reaches the page may hear everything, so only this machine may."""
    if not is_loopback(settings.host):
        raise BadInput(
            f"nobody signs in yet, so the pages are served on this machine alone, not on {settings.host}",
            "use --host 127.0.0.1",
        )


def refuse_taken_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise BadInput(
                    f"port {settings.port} on {settings.host} is in use", "stop what uses it, or take --port 0"
                ) from error
            raise BadInput(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from error


def refuse_unusable_socket(path: Path) -> None:
    """A socket that an ended server left is taken over; nothing else that lies there is touched."""
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent}: no such folder for a socket", "make it first")
    if path.exists() and not path.is_socket():
        raise BadInput(f"{path}: is there already and is no socket", "name another path")


def free_port(host: str) -> int:
    """A port that is free now; whoever is told it binds it right after."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
