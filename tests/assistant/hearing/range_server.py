"""A folder served on loopback with byte ranges, as a browser needs it to seek."""

import contextlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from assistant.hearing.listening import PLAYABLE_TYPES


@contextlib.contextmanager
def serving(files: dict[str, Path | str]) -> Iterator[str]:
    """Serve each path under its name, each text as a page or script; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = files.get(self.path.removeprefix("/"))
            if content is None:
                self.send_error(404)
            elif isinstance(content, str):
                self._answer(200, content.encode(), "text/javascript" if self.path.endswith(".js") else "text/html")
            else:
                self._answer_range(content)

        def _answer_range(self, path: Path) -> None:
            body = path.read_bytes()
            kind = PLAYABLE_TYPES.get(path.suffix, "application/octet-stream")
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if wanted is None:
                return self._answer(200, body, kind)
            first = int(wanted[1])
            last = min(int(wanted[2] or len(body) - 1), len(body) - 1)
            return self._answer(206, body[first : last + 1], kind, f"bytes {first}-{last}/{len(body)}")

        def _answer(self, status: int, body: bytes, kind: str, span: str | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Accept-Ranges", "bytes")
            if span is not None:
                self.send_header("Content-Range", span)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
