"""How the pages listen: address or socket, TLS, proxies, patience. Knows uvicorn; knows no page.

Nothing is believed by default: uvicorn itself would take X-Forwarded-… from 127.0.0.1 and from FORWARDED_ALLOW_IPS.
"""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from assistant.errors import BadInput
from earmark.settings import Settings
from web.slow_clients import HurriedProtocol

AsgiApplication = Callable[..., Awaitable[None]]
STARTUP_FAILURE = 3
OUR_SOCKET = "our-socket"
"""What a caller on a Unix socket is called, who has no address: only a proxy of ours can open it."""


def listening(application: AsgiApplication, settings: Settings, *, unix_socket: Path | None = None) -> uvicorn.Config:
    """Everything of it. Raises BadInput for a certificate that cannot be used."""
    proxies = [*settings.proxies, *([OUR_SOCKET] if unix_socket else [])]
    context = tls_context(settings.tls_cert, settings.tls_key) if settings.tls_cert and not unix_socket else None
    return uvicorn.Config(
        behind_proxies(application, proxies, on_socket=unix_socket is not None),
        host=settings.host,
        port=settings.port,
        uds=str(unix_socket) if unix_socket else None,
        http=HurriedProtocol,
        ws="none",
        proxy_headers=False,  # ours are the outermost layer already
        ssl_context_factory=(lambda _config, _default: context) if context else None,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        server_header=False,
    )


def serve_pages(config: uvicorn.Config) -> None:
    """Until a signal ends it; SystemExit where it could not begin."""
    server = uvicorn.Server(config)
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        if config.uds:
            Path(config.uds).unlink(missing_ok=True)
    if not server.started:
        raise SystemExit(STARTUP_FAILURE)


def behind_proxies(application: AsgiApplication, proxies: Sequence[str], *, on_socket: bool) -> AsgiApplication:
    """Scheme and address of a caller as those proxies tell them; what others tell is not looked at."""
    believing = ProxyHeadersMiddleware(application, trusted_hosts=list(proxies))

    async def named(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if on_socket and scope.get("client") is None:
            scope["client"] = (OUR_SOCKET, 0)
        await believing(scope, receive, send)

    return named if proxies else application


def tls_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """TLS 1.2 and newer. Raises BadInput naming the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise BadInput(
            f"{certificate} with {key or 'the key in it'} cannot be used for TLS: {error}",
            "name a PEM certificate in tls_cert and its key in tls_key, or make both: earmark certs local",
        ) from error
    return context


def _no_password() -> str:
    """Asked only for a key that has one; a server that starts by itself cannot type it."""
    raise ValueError("the key has a password")
