"""How long a spoken question waits while indexing runs: the engine's own queue and children, askers without a pause."""

import asyncio
import os
import statistics
import time
from pathlib import Path

import numpy as np

from assistant.engine import pool
from assistant.engine.client import Priority
from assistant.engine.lanes import Caller, LaneLimits
from assistant.engine.running import RunningEngine
from assistant.engine.spec import FUNASR, EmbedderSpec, EngineSpec, RecogniserSpec
from assistant.recognising.recognizer import Clip
from bench.forced_device import TOKENS_A_SECOND
from bench.noise import noise

QUESTION_S = 5.0
ASKERS = (1, 8, 32)
LIMITS = LaneLimits(questions=1024, index=1024, index_bytes=1_024_000_000, question_bytes=1_024_000_000)


def tell_questions(model: Path, *, device: str, dtype: str, tokens_a_second: float, seconds: float) -> None:
    """Print a table: askers, with indexing beside them and without."""
    os.environ[TOKENS_A_SECOND] = str(tokens_a_second)
    pool.DEVICE_MODULE = "bench.forced_device"
    print(f"\nA question of {QUESTION_S:g} s, {tokens_a_second:g} tokens a second; each asker asks without a pause\n")
    print("| askers | indexing beside | questions | p50 | p95 | indexed beside, times real time |")
    print("|---:|---|---:|---:|---:|---:|", flush=True)
    asyncio.run(_measured(model, device=device, dtype=dtype, seconds=seconds))


async def _measured(model: Path, *, device: str, dtype: str, seconds: float) -> None:
    spec = EngineSpec(
        RecogniserSpec(FUNASR, str(model), device=device, dtype=dtype), EmbedderSpec("/nowhere"), limits=LIMITS
    )
    engine = RunningEngine(spec)
    await engine.start()
    try:
        await asyncio.gather(  # both children answer once they are loaded
            *(
                engine.recognise_clip(Clip(noise(QUESTION_S, 1)), Caller(priority))
                for priority in Priority
                for _ in range(2)
            )
        )
        for askers in ASKERS:
            for beside in (False, True):
                await _tell_one(engine, askers, beside=beside, seconds=seconds)
    finally:
        await engine.close()


async def _tell_one(engine: RunningEngine, askers: int, *, beside: bool, seconds: float) -> None:
    rng = np.random.default_rng(3)
    lengths = np.clip(rng.lognormal(2.0, 0.6, 64), 2.0, 28.0)
    clips = [Clip(noise(float(length), seed)) for seed, length in enumerate(lengths)]
    waited: list[float] = []
    indexed_s = 0.0
    until = time.perf_counter() + seconds

    async def ask(number: int) -> None:
        clip = Clip(noise(QUESTION_S, 1000 + number))
        while time.perf_counter() < until:
            began = time.perf_counter()
            await engine.recognise_clip(clip, Caller(Priority.QUESTION, asker=str(number)))
            waited.append(1000 * (time.perf_counter() - began))

    async def index(number: int) -> None:
        nonlocal indexed_s
        at = number
        while time.perf_counter() < until:
            clip = clips[at % len(clips)]
            await engine.recognise_clip(clip, Caller(Priority.INDEX))
            indexed_s += clip.duration_s
            at += 7

    began = time.perf_counter()
    indexing = [index(number) for number in range(engine.state().clips_at_once)] if beside else []
    await asyncio.gather(*(ask(number) for number in range(askers)), *indexing)
    spent = time.perf_counter() - began
    p95 = statistics.quantiles(waited, n=20)[-1] if len(waited) > 1 else waited[0]
    print(
        f"| {askers} | {'yes' if beside else 'no'} | {len(waited)} | {statistics.median(waited):.0f} ms | {p95:.0f} ms "
        f"| {f'{indexed_s / spent:.1f}' if beside else ''} |",
        flush=True,
    )
