"""Who may speak to the engine, and how much at once: the secret, the size of a body. Before anything is read."""

import hmac

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.engine.front_errors import TooLarge, UnauthorisedError, error_response

OPEN_PATHS = frozenset({"/healthz"})
LARGEST_JSON_BYTES = 16_000_000
SOUND_PATH = "/v1/audio/transcriptions"
FORM_OVERHEAD_BYTES = 4_000_000
"""A script, hotwords and the form's own bytes beside the sound."""


class Guard:
    """Pure ASGI, so that a client's going away still reaches the routes."""

    def __init__(self, app: ASGIApp, *, key: str, max_upload_bytes: int) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode()
        self._max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._expected):
            refusal = UnauthorisedError("the engine's secret is missing or wrong", "send Authorization: Bearer SECRET")
            await error_response(refusal)(scope, receive, send)
            return
        most = self._most_bytes(scope["path"])
        if _declared(headers) > most:
            await error_response(_too_large(most))(scope, receive, send)
            return
        await self._app(scope, _counted(receive, most), send)

    def _most_bytes(self, path: str) -> int:
        return self._max_upload_bytes + FORM_OVERHEAD_BYTES if path == SOUND_PATH else LARGEST_JSON_BYTES


def _declared(headers: dict[bytes, bytes]) -> int:
    declared = headers.get(b"content-length", b"0")
    return int(declared) if declared.isdigit() else 0


def _counted(receive: Receive, most: int) -> Receive:
    """The same messages; TooLarge when more than `most` bytes have come, whatever was declared."""
    seen = 0

    async def receive_counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise _too_large(most)
        return message

    return receive_counted


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the request is larger than {most / 1e6:.0f} MB", "send a smaller file, or raise max_upload_mb")
