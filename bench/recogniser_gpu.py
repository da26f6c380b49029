"""How fast Fun-ASR recognises here, beside funasr's own class: clips → text, where the time goes, and the floor.

    .venv/bin/python -m bench.recogniser_gpu --size medium                      # CPU, minutes
    .venv/bin/python -m bench.recogniser_gpu --size full --device cuda --clips 256 --batches 1 8 32 128 256 \\
        --tokens 4 7 10 --ways ours captured --questions 10                     # a GPU

Weights are random (no real ones are needed), so answers never end by themselves: each gets a length drawn from a
heavy-tailed distribution around so many tokens a second of speech. Upstream is told the same lengths, clip by clip.
Figures of random weights say nothing about quality.

Needs Python 3.11 or 3.12, torch 2.11 or later, transformers and kaldi-native-fbank as requirements/base.txt has them,
structlog, and what requirements/reference.txt names (without it: --no-upstream, and a folder from --keep that was made
where it is installed); for --questions also pydantic, PyAV, onnxruntime and httpx. No network.
"""

import argparse
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assistant.recognising.fun_asr.batches import batches_of
from assistant.recognising.fun_asr.decoding import Asked, Generated, generate, heard_of
from assistant.recognising.fun_asr.recogniser import FunAsrRecognizer
from assistant.recognising.recognizer import Clip
from bench.decoding_ways import Captured, by_transformers
from bench.device_floor import Rates, floor_of, rates_of
from bench.forced_lengths import forced_lengths
from bench.noise import noise

WAYS = ("ours", "captured", "transformers")
MOST_BY_UPSTREAM = 16
"""Clips that upstream is given, one by one: its speed does not depend on how many."""
NO_END: frozenset[int] = frozenset()
Way = Callable[[Sequence[Asked]], list[Generated]]


def main() -> None:
    asked = _asked()
    with tempfile.TemporaryDirectory() as folder:
        model = asked.keep or Path(folder) / "model"
        if not (model / "model.pt").is_file():
            from bench.random_fun_asr import SIZES, build_model

            build_model(model, SIZES[asked.size])
        recogniser = FunAsrRecognizer.load(model, device=asked.device, dtype=asked.dtype)
        weights = sum(tensor.numel() for tensor in recogniser._model.parameters()) / 1e6
        print(f"{asked.size}, {weights:.0f} million weights, {recogniser.placement}, {torch.get_num_threads()} threads")
        rates = rates_of(recogniser.placement.device, recogniser.placement.dtype)
        print(rates)
        upstream = None if asked.no_upstream else upstream_of(model, recogniser)
        for tokens_a_second in asked.tokens:
            work = work_of(recogniser, asked.clips, tokens_a_second)
            measure(recogniser, upstream, work, rates, asked.batches, asked.ways)
        if asked.questions:
            from bench.asking_beside import tell_questions

            del upstream
            tell_questions(
                model,
                device=asked.device,
                dtype=asked.dtype,
                tokens_a_second=asked.tokens[0],
                seconds=asked.questions,
            )


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("small", "medium", "full"), default="medium")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--tokens", type=float, nargs="*", default=[4.0], help="tokens a second of speech")
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=["ours"])
    parser.add_argument("--questions", type=float, default=0.0, metavar="SECONDS", help="ask so long beside indexing")
    parser.add_argument("--keep", type=Path, help="folder of the random model: made where it is not there")
    parser.add_argument("--no-upstream", action="store_true")
    return parser.parse_args()


@dataclass(frozen=True, slots=True)
class Work:
    """Clips and how long the answer of each shall be."""

    clips: tuple[Clip, ...]
    asked: tuple[Asked, ...]
    tokens_a_second: float

    @property
    def sound_s(self) -> float:
        return sum(clip.duration_s for clip in self.clips)

    @property
    def tokens(self) -> int:
        return sum(asked.most_tokens for asked in self.asked)

    def grouped(self, size: int) -> list[list[int]]:
        """Places in batches of so many, alike in length, as the recogniser groups them."""
        alike = batches_of([clip.duration_s for clip in self.clips], most_s=float("inf"))
        order = [at for batch in alike for at in batch]
        return [order[at : at + size] for at in range(0, len(order), size)]


def work_of(recogniser: FunAsrRecognizer, count: int, tokens_a_second: float) -> Work:
    """2 to 28 s each, as speech detection gives them: many short, few long."""
    rng = np.random.default_rng(11)
    seconds = [float(np.clip(rng.lognormal(2.0, 0.6), 2.0, 28.0)) for _ in range(count)]
    clips = tuple(Clip(noise(each, seed)) for seed, each in enumerate(seconds))
    lengths = forced_lengths(seconds, tokens_a_second)
    asked = tuple(
        replace(recogniser._asked(clip, None), most_tokens=length) for clip, length in zip(clips, lengths, strict=True)
    )
    return Work(clips, asked, tokens_a_second)


def measure(
    recogniser: FunAsrRecognizer, upstream: Any, work: Work, rates: Rates, batches: Sequence[int], ways: Sequence[str]
) -> None:
    rate = f"{work.tokens_a_second:g} a second"
    print(f"\n{len(work.clips)} clips, {work.sound_s:.0f} s, {work.tokens} tokens ({rate})\n")
    print("| | wall | times real time | tokens/s | encoder / prefill / decode | floor | busy | peak memory |")
    print("|---|---:|---:|---:|---|---|---:|---:|")
    if upstream is not None:
        few = replace(work, clips=work.clips[:MOST_BY_UPSTREAM], asked=work.asked[:MOST_BY_UPSTREAM])
        with device_watched(recogniser) as seen:
            spent = timed(recogniser, lambda: by_upstream(upstream, recogniser, few))
        tell(f"upstream, one by one, {len(few.clips)} clips", spent, few, ("", ""), seen)
    made: dict[str, Way] = {
        "ours": lambda batch: generate(recogniser._model, batch, end_tokens=NO_END, trims_audio=True),
        "captured": partial_of(Captured(recogniser._model).generate),
        "transformers": lambda batch: by_transformers(recogniser._model, batch, end_tokens=NO_END, trims_audio=True),
    }
    for size in batches:
        grouped = work.grouped(size)
        floor = floor_of(recogniser._model, [[work.asked[at] for at in batch] for batch in grouped], rates)
        for name in ways:
            way = made[name]
            with device_watched(recogniser) as seen:
                spent = timed(recogniser, lambda way=way, grouped=grouped: whole(recogniser, work, grouped, way))
            encoder = timed(recogniser, lambda grouped=grouped: encoded(recogniser, work, grouped))
            prefill = timed(recogniser, lambda grouped=grouped: prefilled(recogniser, work, grouped)) - encoder
            split = f"{encoder:.2f} / {prefill:.2f} / {spent - encoder - prefill:.2f} s"
            least = f"{floor.encoder:.3f} / {floor.prefill:.3f} / {floor.decode:.3f} s, {spent / floor.total:.1f} ×"
            tell(f"{name}, batches of {size}", spent, work, (split, least), seen)


def partial_of(captured: Callable[..., list[Generated]]) -> Way:
    return lambda batch: captured(batch, end_tokens=NO_END, trims_audio=True)


def whole(recogniser: FunAsrRecognizer, work: Work, batches: Sequence[Sequence[int]], way: Way) -> None:
    """Features included."""
    for batch in batches:
        fresh = [recogniser._asked(work.clips[at], None) for at in batch]
        way([replace(each, most_tokens=work.asked[at].most_tokens) for each, at in zip(fresh, batch, strict=True)])


def prefilled(recogniser: FunAsrRecognizer, work: Work, batches: Sequence[Sequence[int]]) -> None:
    for batch in batches:
        first = [replace(work.asked[at], most_tokens=1) for at in batch]
        generate(recogniser._model, first, end_tokens=NO_END, trims_audio=True)


@torch.inference_mode()
def encoded(recogniser: FunAsrRecognizer, work: Work, batches: Sequence[Sequence[int]]) -> None:
    for batch in batches:
        heard_of(recogniser._model, [work.asked[at].features for at in batch], trims_audio=True)


def upstream_of(model: Path, recogniser: FunAsrRecognizer) -> Any:
    from funasr import AutoModel

    return AutoModel(
        model=str(model), device=str(recogniser.placement.device), disable_update=True, trust_remote_code=False,
        disable_pbar=True, frontend_conf={"dither": 0.0},
        ncpu=torch.get_num_threads(),  # it sets them for the whole process
    )  # fmt: skip


def by_upstream(upstream: Any, recogniser: FunAsrRecognizer, work: Work) -> None:
    dtype = str(recogniser.placement.dtype).removeprefix("torch.")
    names = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
    for clip, asked in zip(work.clips, work.asked, strict=True):
        upstream.generate(
            input=[torch.from_numpy(clip.samples)], cache={}, max_length=asked.most_tokens, llm_dtype=names[dtype],
            llm_kwargs={"do_sample": False, "min_new_tokens": asked.most_tokens},
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


@dataclass
class Seen:
    """What a device did meanwhile: `busy` is a GPU's share of the time, or a processor's cores.

    `peak_bytes`: of a processor's memory the most so far, which never falls again.
    """

    busy: str = ""
    peak_bytes: int = 0


@contextmanager
def device_watched(recogniser: FunAsrRecognizer) -> Iterator[Seen]:
    seen, device = Seen(), recogniser.placement.device
    if device.type != "cuda":
        began, used = time.perf_counter(), time.process_time()
        yield seen
        seen.busy = f"{(time.process_time() - used) / (time.perf_counter() - began):.1f} cores"
        seen.peak_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return
    torch.cuda.reset_peak_memory_stats(device)
    watch = _watching_gpu(device)
    yield seen
    seen.peak_bytes = torch.cuda.max_memory_allocated(device)
    if watch is not None:
        watch.terminate()
        shares = [int(line) for line in watch.communicate()[0].split() if line.isdecimal()]
        seen.busy = f"{statistics.mean(shares):.0f} %" if shares else ""


def _watching_gpu(device: torch.device) -> subprocess.Popen[str] | None:
    query = ["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop-ms=200"]
    with suppress(OSError):
        return subprocess.Popen(["nvidia-smi", f"--id={device.index or 0}", *query], stdout=subprocess.PIPE, text=True)
    return None


def tell(name: str, spent: float, work: Work, parts: tuple[str, str], seen: Seen) -> None:
    split, floor = parts
    print(
        f"| {name} | {spent:.2f} s | {work.sound_s / spent:.1f} | {work.tokens / spent:.0f} | {split} | {floor} "
        f"| {seen.busy} | {seen.peak_bytes / 1e9:.2f} GB |",
        flush=True,
    )


if __name__ == "__main__":
    main()
