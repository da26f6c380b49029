"""Where Fun-ASR runs and in which numbers: found out, or told by a setting."""

import os
from dataclasses import dataclass

import torch

from knowledge.model_files import WrongModel

LEAST_GPU_BYTES = 3_500_000_000
"""Weights in half precision are 1.7 GB; beside them one batch of questions."""
WEIGHTS_BYTES = 1_700_000_000
BYTES_A_SECOND = 6_000_000
"""Memory that a second of sound in a batch is given: encoder, cache and logits; an estimate on the safe side, not
measured on a GPU."""
CPU_BATCH_S, MOST_BATCH_S = 60.0, 1_800.0
MOST_THREADS = 16
"""More of them wait for each other: one step of decoding is milliseconds of work."""
CPU_MULTIPLIES_BF16 = ("avx512_bf16", "amx_bf16", "sve_bf16", "bf16")
"""As torch names what an x86 or ARM processor can do."""
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Placement:
    """`batch_s`: seconds of sound in one batch at most, padding included."""

    device: torch.device
    dtype: torch.dtype
    batch_s: float

    def __str__(self) -> str:
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"
        return f"{name}, {str(self.dtype).removeprefix('torch.')}"


def place(device: str, dtype: str, *, threads: int | None = None) -> Placement:
    """`device`: auto, cpu, cuda or cuda:1. `dtype`: auto, fp32, bf16 or fp16. `threads`: on a CPU, as many as there
    are cores for this process, MOST_THREADS at most, if None.

    Raises WrongModel where what was asked for is not there or too small.
    """
    if dtype not in ("auto", *DTYPES):
        raise WrongModel(f"recognizer_dtype {dtype!r} is unknown", f"known: auto, {', '.join(DTYPES)}")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(threads or min(MOST_THREADS, len(os.sched_getaffinity(0))))
        return Placement(torch.device("cpu"), DTYPES.get(dtype) or _best_on_cpu(), CPU_BATCH_S)
    if not torch.cuda.is_available():
        raise WrongModel(
            f"recognizer_device is {device}, but PyTorch finds no GPU here",
            "install a PyTorch built for CUDA and the driver, or take recognizer_device = auto",
        )
    return _on_gpu(torch.device(device), dtype)


def _best_on_cpu() -> torch.dtype:
    """Half precision where the processor multiplies it by itself: a half to a quarter of the time (docs/speech.md)."""
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(able.get(name) for name in CPU_MULTIPLIES_BF16) else torch.float32


def _on_gpu(device: torch.device, dtype: str) -> Placement:
    try:
        free, total = torch.cuda.mem_get_info(device)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise WrongModel(
            f"recognizer_device is {device}, which cannot be used: {str(error).splitlines()[0][:120]}",
            f"take one of the {torch.cuda.device_count()} that are there, or recognizer_device = auto",
        ) from error
    if free < LEAST_GPU_BYTES:
        raise WrongModel(
            f"{torch.cuda.get_device_name(device)}: {free / 1e9:.1f} of {total / 1e9:.1f} GB are free; "
            f"{LEAST_GPU_BYTES / 1e9:.1f} GB are needed",
            "free some, take another GPU, or recognizer_device = cpu",
        )
    chosen = DTYPES.get(dtype) or (torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16)
    batch_s = min(MOST_BATCH_S, 0.8 * (free - WEIGHTS_BYTES) / BYTES_A_SECOND)
    return Placement(device, chosen, max(30.0, batch_s))
