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

from assistant.access.caller import SignIn
from assistant.access.people import count_people
from assistant.engine.loopback import is_loopback
from assistant.errors import BadInput
from earmark.build import House, engine_spec, open_engine, open_house, open_worker
from earmark.certificates import LocalFiles
from earmark.cli.console import say, tell
from earmark.cli.flags import settings_of
from earmark.company_mail import mailing_of
from earmark.company_sign_in import oidc_settings
from earmark.listening import listening, serve_pages, tls_context
from earmark.logs import configure_logging
from earmark.settings import PREFIX, Settings
from earmark.supervise import Program, supervise

Host = Annotated[str | None, typer.Option(help="Address to listen on; only loopback while nobody signs in.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
TlsCert = Annotated[Path | None, typer.Option(help="Certificate, PEM: the pages speak HTTPS alone.")]
TlsKey = Annotated[Path | None, typer.Option(help="Its private key, PEM.")]


def hang(app: typer.Typer) -> None:
    for command in (serve, web, engine, worker):
        app.command(command.__name__)(command)


def serve(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Use the certificate that `earmark certs local` made in this home.")
    ] = False,
) -> int:
    """Serve the pages, with the engine and a worker beside, under one parent that restarts what dies."""
    settings = settings_of(context, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key)
    if tls and settings.tls_cert is None:
        ours = LocalFiles(settings.home)
        settings = settings.model_copy(update={"tls_cert": ours.certificate, "tls_key": ours.key})
    refuse_public_address(settings)
    refuse_half_a_provider(settings)
    mailing_of(settings)  # what it lacks is named here, not by a child again and again
    return serve_all(settings)


def serve_all(settings: Settings) -> int:
    """Web, engine and worker of this home until a signal; prints the address once questions can be asked."""
    configure_logging()
    if settings.tls_cert is not None:
        tls_context(settings.tls_cert, settings.tls_key)  # refused here, not by a child again and again
    refuse_taken_port(settings)
    with open_house(settings) as house:  # made and migrated once, before three processes open it
        tell_first_admin(house)
    port = settings.port or free_port(settings.host)
    scheme = "https" if settings.tls_cert else "http"
    address = settings.public_url or f"{scheme}://{_in_url(settings.host)}:{port}"
    own = f"{scheme}://{_in_url(_reachable(settings.host))}:{port}/readyz"
    programs = _programs(settings, port)
    say("Starting; loading the models takes a few seconds ...")
    return supervise(
        programs,
        home=settings.home,
        is_ready=lambda: _answers(own),
        on_ready=lambda: _tell_address(address),
    )


def _programs(settings: Settings, port: int) -> list[Program]:
    """The three processes. Those that need an engine are told where ours is, unless engines elsewhere are set."""
    myself = (sys.executable, "-m", "earmark", "--home", str(settings.home))
    encrypted = [
        flag
        for name, path in (("--tls-cert", settings.tls_cert), ("--tls-key", settings.tls_key))
        if path is not None
        for flag in (name, str(path))
    ]
    pages = Program("web", (*myself, "web", "--host", settings.host, "--port", str(port), *encrypted))
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


def _reachable(host: str) -> str:
    """An address that means every one is asked for by loopback's."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _answers(url: str) -> bool:
    """Whether our own child does. Its certificate is for the name that people open, not for this address."""
    try:
        reply = httpx.get(url, timeout=1.0, trust_env=False, verify=False, headers={"Host": "localhost"})  # noqa: S501
        return reply.status_code == httpx.codes.OK
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
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
) -> None:
    """Serve the pages and the API alone; EARMARK_ENGINE_URL says where an engine is."""
    settings = settings_of(context, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key)
    refuse_public_address(settings, on_socket=unix_socket is not None)
    refuse_half_a_provider(settings)
    if unix_socket is None:
        refuse_taken_port(settings)
    else:
        refuse_unusable_socket(unix_socket)
    configure_logging()
    from earmark.build_web import open_web  # half a second that an engine or a worker does not wait for

    with open_house(settings) as house, open_engine(settings) as live, open_web(house, live) as application:
        serve_pages(listening(application, settings, unix_socket=unix_socket))


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
    from assistant.engine.service import run_engine

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
    from indexer.worker import run_worker

    with open_house(settings) as house, open_engine(settings) as live, open_worker(house, live) as services:
        run_worker(services, once=once, stop=stop)


def tell_first_admin(house: House) -> None:
    """Where people sign in with accounts kept here and there is none, nobody could."""
    if house.settings.sign_in is not SignIn.LOCAL:
        return
    with house.database.read() as session:
        if not count_people(session):
            say("nobody has an account yet: earmark users add NAME --role admin")


def refuse_public_address(settings: Settings, *, on_socket: bool = False) -> None:
    """Without sign-in anybody who reaches the page may hear everything, so only this machine may; with it nobody's
    password goes over a network in the clear, and the pages know by which name they are asked for. Raises BadInput."""
    public = settings.public_origin
    elsewhere = not on_socket and not is_loopback(settings.host)
    if settings.tls_key and not settings.tls_cert:
        raise BadInput("a key without a certificate", "name the certificate in tls_cert")
    if settings.sign_in is SignIn.NONE:
        if elsewhere or (public is not None and not public.is_loopback):
            raise BadInput(
                f"nobody signs in, so the pages are served on this machine alone, not on "
                f"{settings.host if elsewhere else public}",
                "set EARMARK_SIGN_IN to local or oidc, or use --host 127.0.0.1 and no EARMARK_PUBLIC_URL",
            )
        return
    if public is not None and public.scheme != "https" and not public.is_loopback:
        raise BadInput(f"passwords would be sent in the clear to {public}", "make EARMARK_PUBLIC_URL an https address")
    encrypted = settings.tls_cert is not None or bool(settings.proxies) or on_socket
    if not encrypted and (elsewhere or (public is not None and public.scheme == "https")):
        raise BadInput(
            f"nothing encrypts what goes to {public or settings.host}",
            "give --tls-cert and --tls-key (`earmark certs local` makes both), "
            "or name the TLS proxy before Earmark in EARMARK_TRUSTED_PROXIES",
        )
    if elsewhere and public is None:
        raise BadInput(
            f"the pages on {settings.host} would answer to no name but this machine's own",
            "say what people open in EARMARK_PUBLIC_URL, such as https://earmark.example.com",
        )


def refuse_half_a_provider(settings: Settings) -> None:
    """What the company's sign-in lacks is named now, not by a page that fails. Raises SettingsError."""
    if settings.sign_in is SignIn.OIDC:
        oidc_settings(settings, public_url=settings.public_url)


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
