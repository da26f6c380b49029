"""What the child that decodes says to the process that started it: framed bytes over a socket, no pickle.

A child works on files from strangers, so nothing it says is believed beyond its form: sizes are checked, numbers too.
"""

import json
import math
import socket
import struct
from dataclasses import asdict
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import BadMedia, DiskFull, EarmarkError, PartDown
from assistant.hearing.heard import Heard, HeardFile, HearingProgress, SpeechClip
from assistant.recognising.recognizer import MAX_CLIP_S, SAMPLE_RATE_HZ

HEAD = struct.Struct("!BI")
BOUNDS = struct.Struct("!dd")
LONGEST_MESSAGE = int((MAX_CLIP_S + 1) * SAMPLE_RATE_HZ) * 4 + BOUNDS.size
ERRORS: dict[str, type[EarmarkError]] = {kind.kind: kind for kind in (BadMedia, DiskFull, PartDown)}


class Message(IntEnum):
    CLIP = 1
    PROGRESS = 2
    FILE = 3
    ERROR = 4
    PATIENCE = 5


class BrokenChannelError(ConnectionError):
    """The other side is gone, or what it says makes no sense."""


class Sender:
    """The child's side. Blocks while the reader is busy: that is the back-pressure."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def send(self, heard: Heard) -> None:
        if isinstance(heard, SpeechClip):
            samples = heard.samples.astype("<f4", copy=False).tobytes()
            self._send(Message.CLIP, BOUNDS.pack(heard.start_s, heard.end_s) + samples)
        elif isinstance(heard, HearingProgress):
            declared = math.nan if heard.declared_s is None else heard.declared_s
            self._send(Message.PROGRESS, BOUNDS.pack(heard.decoded_s, declared))
        else:
            fields = asdict(heard) | {"playable": heard.playable and str(heard.playable)}
            self._send(Message.FILE, json.dumps(fields).encode())

    def send_error(self, error: EarmarkError) -> None:
        fields = {"kind": error.kind, "detail": error.detail, "way_out": error.way_out}
        self._send(Message.ERROR, json.dumps(fields).encode())

    def ask_for_patience(self, seconds: float) -> None:
        """The next word may take this much longer than usual."""
        self._send(Message.PATIENCE, BOUNDS.pack(seconds, 0.0))

    def _send(self, kind: Message, payload: bytes) -> None:
        self._channel.sendall(HEAD.pack(kind, len(payload)))
        self._channel.sendall(payload)


class Receiver:
    """The parent's side. `receive` raises TimeoutError when the child is silent for longer than `silent_s`."""

    def __init__(self, channel: socket.socket, *, silent_s: float) -> None:
        self._channel, self._silent_s = channel, silent_s
        channel.settimeout(silent_s)

    def receive(self) -> Heard | EarmarkError:
        while True:
            kind, length = HEAD.unpack(self._read(HEAD.size))
            if length > LONGEST_MESSAGE:
                raise BrokenChannelError(f"a message of {length} bytes")
            payload = self._read(length)
            if kind == Message.PATIENCE:
                self._channel.settimeout(self._silent_s + min(BOUNDS.unpack(payload)[0], 3600.0))
                continue
            try:
                return _read_message(kind, payload)
            except (ValueError, KeyError, TypeError, struct.error) as error:
                raise BrokenChannelError(f"a message of kind {kind} that makes no sense") from error

    def _read(self, n_bytes: int) -> bytes:
        parts = bytearray()
        while len(parts) < n_bytes:
            part = self._channel.recv(min(n_bytes - len(parts), 1 << 20))
            if not part:
                raise BrokenChannelError("the decoder ended without a word")
            parts += part
        return bytes(parts)


def _read_message(kind: int, payload: bytes) -> Heard | EarmarkError:
    if kind == Message.CLIP:
        start_s, end_s = BOUNDS.unpack_from(payload)
        return SpeechClip(start_s, end_s, np.frombuffer(payload, dtype="<f4", offset=BOUNDS.size).astype(np.float32))
    if kind == Message.PROGRESS:
        decoded_s, declared_s = BOUNDS.unpack(payload)
        return HearingProgress(decoded_s, None if math.isnan(declared_s) else declared_s)
    fields: dict[str, Any] = json.loads(payload)
    if kind == Message.FILE:
        playable = fields.pop("playable")
        return HeardFile(**fields, playable=Path(playable) if playable else None)
    return ERRORS[fields["kind"]](fields["detail"], fields["way_out"])
