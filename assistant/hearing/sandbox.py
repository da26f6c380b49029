"""A process per file, from a server that has everything loaded: started in milliseconds, ended with its file.

The server is a small process of ours, forked from for each file, so that a decoder that crashes, hangs or eats memory
takes nobody with it. Whoever reads holds a leash: let go of it, or die, and the child is killed. Knows nothing of
what the child does; see child.py.
"""

import atexit
import contextlib
import ctypes
import io
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import av
import av.logging
import numpy as np

from assistant.errors import BadMedia, EarmarkError, PartDown
from assistant.hearing.child import Errand, run_errand
from assistant.hearing.decoding import ClockedSound, SoundPiece
from assistant.hearing.heard import Heard, HeardFile, HearingLimits
from assistant.hearing.messages import BrokenChannelError, Receiver
from assistant.hearing.opening import shown_name
from assistant.hearing.silero import BLOCK, SileroDetector, load_session
from assistant.hearing.speech_spans import CuttingRules
from assistant.recognising.recognizer import SAMPLE_RATE_HZ

QUIET_WAV = (
    b"RIFF\xe4\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00"
    b"data\xc0\x00\x00\x00" + bytes(192)
)
LARGEST_ERRAND = 64_000
PR_SET_PDEATHSIG = 1
SERVER_PROGRAM = "import sys; from assistant.hearing.sandbox import serve; serve(int(sys.argv[1]))"


class Sandbox:
    """The server of this process, started when first needed and ended with the process. Safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def start(self) -> None:
        """Have the server ready, so that the first file need not wait for it."""
        with self._lock:
            self._ready()

    def close(self) -> None:
        """End the server and every child of it."""
        with self._lock:
            self._let_go()

    def run(self, errand: Errand, fd: int) -> Iterator[Heard]:
        """What a child hears in the open file `fd`. Closing the iterator kills the child."""
        ours, theirs = socket.socketpair()
        leash, collar = socket.socketpair()
        with ours, leash:
            with theirs, collar:
                self._send(errand, [fd, theirs.fileno(), collar.fileno()])
            yield from _listen(errand, ours, leash)

    def _send(self, errand: Errand, fds: list[int]) -> None:
        fields = asdict(errand) | {"playable_to": errand.playable_to and str(errand.playable_to)}
        with self._lock:
            try:
                socket.send_fds(self._ready(), [json.dumps(fields).encode()], fds)
            except OSError:  # the server was killed: once more with a new one
                self._let_go()
                socket.send_fds(self._ready(), [json.dumps(fields).encode()], fds)

    def _ready(self) -> socket.socket:
        if self._owner != os.getpid():
            self._let_go()
            atexit.register(self.close)
        if self._control is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._server = _start_server(theirs.fileno())
            self._control, self._owner = ours, os.getpid()
        return self._control

    def _let_go(self) -> None:
        """Without its control socket the server ends, and its children with it."""
        if self._control is not None:
            self._control.close()
        if self._server is not None and self._owner == os.getpid():
            self._server.wait()
        self._control = self._server = None


def _start_server(control_fd: int) -> subprocess.Popen[bytes]:
    # One thread a library: a process hears one file, and a forked process has no other threads anyway.
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    search = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", SERVER_PROGRAM, str(control_fd)],
        pass_fds=[control_fd],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=os.environ | one_thread | {"PYTHONPATH": search},
        start_new_session=True,
    )


def _listen(errand: Errand, channel: socket.socket, leash: socket.socket) -> Iterator[Heard]:
    receiver = Receiver(channel, silent_s=errand.limits.slow_for_s)
    shown = shown_name(errand.name)
    while True:
        try:
            heard = receiver.receive()
        except TimeoutError as error:
            raise BadMedia(
                f"{shown}: the decoder gave nothing for {errand.limits.slow_for_s:g} s and was stopped",
                "convert it to a plain wav, mp3 or mp4 first",
            ) from error
        except (BrokenChannelError, ConnectionError) as error:
            cause = _cause_of_death(leash)
            if cause is None:
                raise PartDown(f"{shown}: the decoders' server was stopped", "try again; see the log") from error
            raise BadMedia(
                f"{shown}: the decoder broke down on it ({cause})",
                "it is damaged or needs too much memory: export it again, or convert it to a plain wav first",
            ) from error
        if isinstance(heard, EarmarkError):
            raise heard
        yield heard
        if isinstance(heard, HeardFile):
            return


def _cause_of_death(leash: socket.socket) -> str | None:
    """How the child ended; None where that is not its doing: its server was stopped, or could start none."""
    leash.settimeout(5.0)
    try:
        return leash.recv(100).decode(errors="replace") or None
    except TimeoutError:
        return "it does not answer"
    except OSError:
        return None


SANDBOX = Sandbox()
"""The one of this process."""


def serve(control_fd: int) -> None:
    """The server: fork a child for each errand that comes, tell how it ended, end with the process that owns it."""
    # Who stops us closes the control socket; a signal to the whole group must not come before the owner is done.
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)
    load_session()
    _warm_up()
    av.logging.set_level(None)
    Server(socket.socket(fileno=control_fd)).run()


def _warm_up() -> None:
    """Load what opening and decoding a file would load, once for every child."""
    with av.open(io.BytesIO(QUIET_WAV), mode="r") as container:
        sound = ClockedSound(rate_hz=SAMPLE_RATE_HZ, channels=1)
        for frame in container.decode(audio=0):
            list(sound.feed(SoundPiece(frame, 0.0, breaks=True, drop_s=0.0)))
    SileroDetector().probabilities(np.zeros(BLOCK, dtype=np.float32))


class Server:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._children: dict[int, tuple[int, socket.socket]] = {}  # pidfd → pid, collar

    def run(self) -> None:
        self._selector.register(self._control, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    if not self._take_errand():
                        return self._kill_all()
                elif isinstance(key.fileobj, int):
                    self._bury(key.fileobj)
                elif key.data in self._children:
                    self._kill(key.data)

    def _take_errand(self) -> bool:
        message, fds, _, _ = socket.recv_fds(self._control, LARGEST_ERRAND, 3)
        if not message or len(fds) != 3:
            return False
        collar = socket.socket(fileno=fds[2])
        try:
            pid = os.fork()
        except OSError:  # out of memory or processes: who asked sees the leash end, and may try again
            for descriptor in fds[:2]:
                os.close(descriptor)
            collar.close()
            return True
        if pid == 0:
            self._be_a_child(message, fds[0], socket.socket(fileno=fds[1]))
        os.close(fds[0])
        os.close(fds[1])
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = (pid, collar)
        self._selector.register(pidfd, selectors.EVENT_READ)
        self._selector.register(collar, selectors.EVENT_READ, data=pidfd)
        return True

    def _be_a_child(self, message: bytes, fd: int, channel: socket.socket) -> None:
        status = 1
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            self._control.close()
            for _, collar in self._children.values():
                collar.close()
            run_errand(_read_errand(message), fd, channel)
            status = 0
        except BrokenPipeError:  # nobody listens any more
            status = 0
        except Exception:  # noqa: BLE001  the outermost loop of a process: told on stderr, and by the status
            traceback.print_exc()
        finally:
            os._exit(status)

    def _kill(self, pidfd: int) -> None:
        self._selector.unregister(self._children[pidfd][1])
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)

    def _bury(self, pidfd: int) -> None:
        pid, collar = self._children.pop(pidfd)
        _, status = os.waitpid(pid, 0)
        self._selector.unregister(pidfd)
        with contextlib.suppress(KeyError):
            self._selector.unregister(collar)
        with contextlib.suppress(OSError):
            collar.send(_how_it_ended(os.waitstatus_to_exitcode(status)).encode())
        collar.close()
        os.close(pidfd)

    def _kill_all(self) -> None:
        for pidfd in self._children:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def _how_it_ended(code: int) -> str:
    if code == -signal.SIGXCPU:
        return "out of processor time"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"


def _read_errand(message: bytes) -> Errand:
    fields = json.loads(message)
    playable = fields["playable_to"]
    return replace(
        Errand(**fields),
        limits=HearingLimits(**fields["limits"]),
        cutting=CuttingRules(**fields["cutting"]),
        playable_to=Path(playable) if playable else None,
    )
