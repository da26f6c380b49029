"""What one asker who never pauses does to the others: a real server, eight people, and one who sends 100 a second.

    .venv/bin/python -m bench.fairness --spoken data/questions/spoken-car.flac

Indexes the demo course, starts `earmark serve`, and has eight people ask now and then, each from a loopback address
of their own, while another floods from one more: nothing, typed questions, spoken ones, pages. Nobody signs
in, so an address stands for a person: the numbers of EARMARK_LIMIT_… are set to a tenth, of which an address has ten
times as many. With `--no-limits` they are 0, and what may be under way at once is all that is limited.
Prints a table; compare each flood with the rows beside it, machines are shared.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import httpx

PEOPLE = 8
FLOOD_A_SECOND = 100
MOST_WAITING = 200
"""Of the flood: a real one does not wait for its answers either, but has so many sockets."""
QUESTIONS = (
    "How many days of vacation do I have?",
    "What do I do when the alarm rings?",
    "Where do I leave my bicycle?",
    "Who signs the report?",
)
TENTHS = {"QUESTIONS": "6", "VOICE": "3", "REQUESTS": "60"}


@dataclass
class Asked:
    typed_ms: list[float] = field(default_factory=list)
    spoken_ms: list[float] = field(default_factory=list)
    failed: int = 0


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--spoken", type=Path, required=True)
    given.add_argument("--seconds", type=float, default=60, help="of each flood")
    given.add_argument("--no-limits", action="store_true")
    options = given.parse_args()
    sound = options.spoken.read_bytes()
    limits = {f"EARMARK_LIMIT_{name}_A_MINUTE": "0" if options.no_limits else tenth for name, tenth in TENTHS.items()}
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        home = Path(folder)
        subprocess.run(_earmark(home, "index", "data/courses"), check=True, stdout=subprocess.DEVNULL)
        with _serving(home, limits) as address:
            asyncio.run(_asked(address, sound, 5))  # warms what is cold
            print(
                "| flood | typed: asked | p50 | p95 | spoken: asked | p50 | p95 | failed | taken of the flood | load |"
            )
            print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
            for flood in ("none", "typed", "none", "spoken", "none", "pages", "none"):
                _tell(flood, *_measured(address, flood, sound, options.seconds))


def _earmark(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "earmark", "--home", str(home), *arguments]


@contextmanager
def _serving(home: Path, limits: dict[str, str]) -> Iterator[str]:
    process = subprocess.Popen(
        _earmark(home, "serve", "--port", "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **limits},
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def _measured(address: str, flood: str, sound: bytes, seconds: float) -> tuple[Asked, Counter[int]]:
    """What the eight saw, and the statuses that the flood got. It is another process, as it would be."""
    if flood == "none":
        return asyncio.run(_asked(address, sound, seconds)), Counter()
    fresh = get_context("spawn")
    statuses = fresh.Queue()
    flooding = fresh.Process(target=_flood, args=(address, flood, sound, seconds + 1, statuses))
    flooding.start()
    time.sleep(1)
    asked = asyncio.run(_asked(address, sound, seconds))
    got: Counter[int] = statuses.get()
    flooding.join()
    return asked, got


async def _asked(address: str, sound: bytes, seconds: float) -> Asked:
    asked = Asked()
    until = time.monotonic() + seconds
    await asyncio.gather(*(_person(number, address, sound, until, asked) for number in range(PEOPLE)))
    return asked


async def _person(number: int, address: str, sound: bytes, until: float, asked: Asked) -> None:
    """Six type a question every 2 seconds, two say one every 5: more than people do, less than they may."""
    spoken, pause_s = number % 4 == 0, 5.0 if number % 4 == 0 else 2.0
    await asyncio.sleep(pause_s * number / PEOPLE)
    async with _from(f"127.0.0.{10 + number}", address) as http:
        turn = 0
        while time.monotonic() < until:
            began = time.perf_counter()
            reply = await (_speak(http, sound) if spoken else _type(http, number + turn))
            took_ms = 1000 * (time.perf_counter() - began)
            asked.failed += reply.status_code != 200
            (asked.spoken_ms if spoken else asked.typed_ms).append(took_ms)
            turn += 1
            await asyncio.sleep(max(0.0, pause_s - took_ms / 1000))


@asynccontextmanager
async def _from(source: str, address: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.AsyncHTTPTransport(local_address=source, limits=httpx.Limits(max_connections=MOST_WAITING))
    async with httpx.AsyncClient(base_url=address, transport=transport, timeout=60) as http:
        yield http


def _type(http: httpx.AsyncClient, turn: int) -> Coroutine[Any, Any, httpx.Response]:
    return http.post("/api/v1/questions", json={"text": QUESTIONS[turn % len(QUESTIONS)]})


def _speak(http: httpx.AsyncClient, sound: bytes) -> Coroutine[Any, Any, httpx.Response]:
    return http.post("/api/v1/questions", files={"audio": ("question.flac", sound)})


def _flood(address: str, kind: str, sound: bytes, seconds: float, statuses: Any) -> None:
    os.nice(10)  # elsewhere it would take nothing of the server's cores
    statuses.put(asyncio.run(_flooded(address, _request(kind, sound), seconds)))


def _request(kind: str, sound: bytes) -> bytes:
    """The same bytes each time, so that sending them costs little."""
    http = httpx.Client(base_url="http://127.0.0.1", headers={"connection": "close"})
    made = {
        "typed": lambda: http.build_request("POST", "/api/v1/questions", json={"text": QUESTIONS[0]}),
        "spoken": lambda: http.build_request("POST", "/api/v1/questions", files={"audio": ("question.flac", sound)}),
        "pages": lambda: http.build_request("GET", "/"),
    }[kind]()
    headers = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items())
    return f"{made.method} {made.url.path} HTTP/1.1\r\n{headers}\r\n".encode() + made.read()


async def _flooded(address: str, request: bytes, seconds: float) -> Counter[int]:
    at, got = httpx.URL(address), Counter[int]()
    waiting: set[asyncio.Task[None]] = set()

    async def once() -> None:
        try:
            reading, writing = await asyncio.open_connection(at.host, at.port, local_addr=("127.0.0.99", 0))
            writing.write(request)
            got[int((await reading.readline()).split()[1])] += 1
            writing.close()
        except (OSError, IndexError):
            got[0] += 1

    began = time.monotonic()
    for turn in range(round(seconds * FLOOD_A_SECOND)):
        await asyncio.sleep(began + turn / FLOOD_A_SECOND - time.monotonic())
        if len(waiting) < MOST_WAITING:
            task = asyncio.create_task(once())
            waiting.add(task)
            task.add_done_callback(waiting.discard)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return got


def _tell(flood: str, asked: Asked, got: Counter[int]) -> None:
    taken = sum(count for status, count in got.items() if 200 <= status < 400)
    cells = [flood]
    for times in (asked.typed_ms, asked.spoken_ms):
        ordered = sorted(times)
        cells += [str(len(ordered)), f"{median(ordered):.0f} ms", f"{ordered[round(0.95 * (len(ordered) - 1))]:.0f} ms"]
    cells += [str(asked.failed), f"{taken} of {sum(got.values())}" if got else "-", f"{os.getloadavg()[0]:.1f}"]
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
