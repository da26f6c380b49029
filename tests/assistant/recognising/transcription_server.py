"""A real small server that answers as OpenAI's published reference says, field by field.

Reference: POST /v1/audio/transcriptions, multipart: file, model, language (ISO 639-1), prompt, response_format
(json, text, srt, verbose_json, vtt), temperature, timestamp_granularities[]. verbose_json: task, language (the name),
duration, text, segments of id, seek, start, end, text, tokens, temperature, avg_logprob, compression_ratio,
no_speech_prob. Errors: {"error": {"message", "type", "param", "code"}}.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "a-secret-key"


@dataclass(frozen=True)
class Asked:
    """One request as it came: path, headers, fields, and the file's name, type and bytes."""

    path: str
    authorization: str | None
    fields: dict[str, str]
    file_name: str | None
    file_type: str
    file: bytes


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Answering = Callable[[Asked], Reply]


def verbose_json(text: str, *, duration_s: float = 2.0, language: str = "english", **of_segment: float) -> Reply:
    """As whisper-1 answers. The segment's times are nonsense on purpose: nobody may believe them."""
    segment = {
        "id": 0,
        "seek": 0,
        "start": 11.0,
        "end": 99.0,
        "text": text,
        "tokens": [50364, 440, 7534],
        "temperature": 0.0,
        "avg_logprob": -0.29,
        "compression_ratio": 1.24,
        "no_speech_prob": 0.01,
        **of_segment,
    }
    document = {
        "task": "transcribe",
        "language": language,
        "duration": duration_s,
        "text": text,
        "segments": [segment] if text else [],
        "usage": {"type": "duration", "seconds": 2},
    }
    return Reply(body=json.dumps(document).encode())


def plain_json(text: str) -> Reply:
    return Reply(body=json.dumps({"text": text}).encode())


def error(status: int, message: str, *, param: str | None = None, code: str | None = None, **headers: str) -> Reply:
    inner: dict[str, Any] = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps({"error": inner}).encode(), named)


class TranscriptionServer:
    """Listens on a free port of the loopback until closed; `asked` keeps the requests."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked = read_request(self.path, self.headers, body)
                server.asked.append(asked)
                reply = server.answering(asked)
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        return Handler


def read_request(path: str, headers: Message, body: bytes) -> Asked:
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    parts = list(BytesParser(policy=HTTP).parsebytes(head + body).iter_parts())
    fields: dict[str, str] = {}
    file_name, file_type, file = None, "", b""
    for part in parts:
        content = part.get_payload(decode=True)
        if part.get_filename():
            file_name, file_type, file = part.get_filename(), part.get_content_type(), content
        else:
            fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
    return Asked(path, headers["Authorization"], fields, file_name, file_type, file)
