"""How fast Fun-ASR recognises here, beside funasr's own class: clips → text at several batch sizes, and where it goes.

    .venv/bin/python -m bench.recogniser_gpu --size medium            # CPU, minutes
    .venv/bin/python -m bench.recogniser_gpu --size full --device cuda --batches 1 8 32 128 256

Weights are random (no real ones are needed), so answers never end by themselves: each gets a length drawn from a
heavy-tailed distribution around so many tokens a second of speech. Upstream is told the same lengths, clip by clip.
Needs what requirements/reference.txt names; no network. Figures of random weights say nothing about quality.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assistant.recognising.fun_asr.batches import batches_of
from assistant.recognising.fun_asr.decoding import Asked, _heard, generate
from assistant.recognising.fun_asr.recogniser import FunAsrRecognizer
from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Clip, Samples
from bench.random_fun_asr import FULL, MEDIUM, SMALL, build_model

SIZES = {"small": SMALL, "medium": MEDIUM, "full": FULL}
NO_END: frozenset[int] = frozenset()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="medium")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--tokens", type=float, nargs="*", default=[4.0], help="tokens a second of speech")
    parser.add_argument("--no-upstream", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = build_model(Path(folder) / "model", SIZES[asked.size])
        recogniser = FunAsrRecognizer.load(model, device=asked.device, dtype=asked.dtype)
        weights = sum(tensor.numel() for tensor in recogniser._model.parameters()) / 1e6
        print(f"{asked.size}, {weights:.0f} million weights, {recogniser.placement}, {torch.get_num_threads()} threads")
        upstream = None if asked.no_upstream else upstream_of(model, recogniser)
        for tokens_a_second in asked.tokens:
            measure(recogniser, upstream, clips_of(asked.clips), tokens_a_second, asked.batches)


def clips_of(count: int) -> list[Clip]:
    """2 to 28 s, as speech detection gives them: many short, few long."""
    rng = np.random.default_rng(11)
    return [Clip(noise(float(np.clip(rng.lognormal(2.0, 0.6), 2.0, 28.0)), seed)) for seed in range(count)]


def noise(seconds: float, seed: int) -> Samples:
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * SAMPLE_RATE_HZ)).astype(np.float32)


def upstream_of(model: Path, recogniser: FunAsrRecognizer) -> Any:
    from funasr import AutoModel

    return AutoModel(
        model=str(model), device=str(recogniser.placement.device), disable_update=True, trust_remote_code=False,
        disable_pbar=True, frontend_conf={"dither": 0.0},
    )  # fmt: skip


def measure(
    recogniser: FunAsrRecognizer, upstream: Any, clips: Sequence[Clip], tokens_a_second: float, batches: Sequence[int]
) -> None:
    rng = np.random.default_rng(5)
    lengths = [max(2, round(clip.duration_s * tokens_a_second * rng.lognormal(0.0, 0.4))) for clip in clips]
    sound_s = sum(clip.duration_s for clip in clips)
    print(f"\n{len(clips)} clips, {sound_s:.0f} s, {sum(lengths)} tokens ({tokens_a_second:g} a second)\n")
    print("| | wall | times real time | tokens/s | encoder / prefill / decode | peak memory |")
    print("|---|---:|---:|---:|---|---:|")
    if upstream is not None:
        spent = timed(recogniser, lambda: by_upstream(upstream, recogniser, clips, lengths))
        tell("upstream, one by one", spent, sound_s, sum(lengths), "", recogniser)
    for size in batches:
        grouped = grouped_by(clips, size)
        asked = [replace(recogniser._asked(clip, None), most_tokens=n) for clip, n in zip(clips, lengths, strict=True)]
        spent = timed(recogniser, lambda grouped=grouped: whole(recogniser, clips, lengths, grouped))
        encoder = timed(recogniser, lambda grouped=grouped, asked=asked: encoded(recogniser, asked, grouped))
        first = [replace(each, most_tokens=1) for each in asked]
        prefill = (
            timed(recogniser, lambda grouped=grouped, first=first: generated(recogniser, first, grouped)) - encoder
        )
        split = f"{encoder:.2f} / {prefill:.2f} / {spent - encoder - prefill:.2f} s"
        tell(f"ours, batches of {size}", spent, sound_s, sum(lengths), split, recogniser)


def grouped_by(clips: Sequence[Clip], size: int) -> list[list[int]]:
    order = [at for batch in batches_of([clip.duration_s for clip in clips], most_s=float("inf")) for at in batch]
    return [order[at : at + size] for at in range(0, len(order), size)]


def whole(
    recogniser: FunAsrRecognizer, clips: Sequence[Clip], lengths: Sequence[int], batches: Sequence[Sequence[int]]
) -> None:
    for batch in batches:
        asked = [replace(recogniser._asked(clips[at], None), most_tokens=lengths[at]) for at in batch]
        generate(recogniser._model, asked, end_tokens=NO_END, trims_audio=True)


def generated(recogniser: FunAsrRecognizer, asked: Sequence[Asked], batches: Sequence[Sequence[int]]) -> None:
    for batch in batches:
        generate(recogniser._model, [asked[at] for at in batch], end_tokens=NO_END, trims_audio=True)


@torch.inference_mode()
def encoded(recogniser: FunAsrRecognizer, asked: Sequence[Asked], batches: Sequence[Sequence[int]]) -> None:
    for batch in batches:
        _heard(recogniser._model, [asked[at].features for at in batch], trims_audio=True)


def by_upstream(upstream: Any, recogniser: FunAsrRecognizer, clips: Sequence[Clip], lengths: Sequence[int]) -> None:
    dtype = str(recogniser.placement.dtype).removeprefix("torch.")
    names = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
    for clip, length in zip(clips, lengths, strict=True):
        upstream.generate(
            input=[torch.from_numpy(clip.samples)], cache={}, max_length=length, llm_dtype=names[dtype],
            llm_kwargs={"do_sample": False, "min_new_tokens": length},
        )  # fmt: skip


def timed(recogniser: FunAsrRecognizer, act: Callable[[], object], *, rounds: int = 2) -> float:
    """The faster half of the rounds: what other work took away is not ours."""
    taken = []
    for _ in range(rounds):
        synchronise(recogniser)
        began = time.perf_counter()
        act()
        synchronise(recogniser)
        taken.append(time.perf_counter() - began)
    return statistics.median_low(taken)


def synchronise(recogniser: FunAsrRecognizer) -> None:
    if recogniser.placement.device.type == "cuda":
        torch.cuda.synchronize(recogniser.placement.device)


def tell(name: str, spent: float, sound_s: float, tokens: int, split: str, recogniser: FunAsrRecognizer) -> None:
    if recogniser.placement.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(recogniser.placement.device)
        torch.cuda.reset_peak_memory_stats(recogniser.placement.device)
    else:
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"| {name} | {spent:.2f} s | {sound_s / spent:.1f} | {tokens / spent:.0f} | {split} | {peak / 1e9:.2f} GB |",
        flush=True,
    )


if __name__ == "__main__":
    main()
