"""The least time that a device can take for so much speech: arithmetic and bytes over the rates measured on it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import FunAsrNanoForConditionalGeneration

from assistant.recognising.fun_asr.decoding import Asked
from assistant.recognising.fun_asr.features import audio_tokens


@dataclass(frozen=True, slots=True)
class Rates:
    """`flops`: of a large matrix product, a second. `bytes_s`: read by a product of one row, a second."""

    flops: float
    bytes_s: float

    def __str__(self) -> str:
        return f"{self.flops / 1e12:.2f} TFLOP/s in a large product, {self.bytes_s / 1e9:.0f} GB/s of weights read"


@dataclass(frozen=True, slots=True)
class Floor:
    """Seconds for each part, were the device always busy at its own rates."""

    encoder: float
    prefill: float
    decode: float

    @property
    def total(self) -> float:
        return self.encoder + self.prefill + self.decode


def rates_of(device: torch.device, dtype: torch.dtype) -> Rates:
    side = 8192 if device.type == "cuda" else 2048
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    weights = torch.randn(32_768, 1024 if device.type == "cpu" else 8192, device=device).to(dtype)
    row = torch.randn(1, weights.shape[1], device=device).to(dtype)
    product_s = _least_s(device, lambda: left @ right)
    read_s = _least_s(device, lambda: row @ weights.T)
    return Rates(2 * side**3 / product_s, weights.numel() * weights.element_size() / read_s)


def floor_of(model: FunAsrNanoForConditionalGeneration, batches: Sequence[Sequence[Asked]], rates: Rates) -> Floor:
    """Of these batches, each decoded until its longest answer is over."""
    encoder = _weights(model.model.audio_tower) + _weights(model.model.multi_modal_projector)
    language = _weights(model.model.language_model.layers)
    last = model.lm_head.weight.numel()
    size = model.lm_head.weight.element_size()
    encoder_s = prefill_s = decode_s = 0.0
    for batch in batches:
        frames = sum(len(asked.features) for asked in batch)
        prompts = sum(len(asked.before) + audio_tokens(len(asked.features)) + len(asked.after) for asked in batch)
        encoder_s += max(2 * encoder * frames / rates.flops, size * encoder / rates.bytes_s)
        prefill_s += max(2 * language * prompts / rates.flops, size * language / rates.bytes_s)
        for step in range(max(asked.most_tokens for asked in batch)):
            running = sum(asked.most_tokens > step for asked in batch)
            decode_s += max(2 * (language + last) * running / rates.flops, size * (language + last) / rates.bytes_s)
    return Floor(encoder_s, prefill_s, decode_s)


def _weights(module: torch.nn.Module) -> int:
    return sum(tensor.numel() for tensor in module.parameters())


def _least_s(device: torch.device, act: Callable[[], object], rounds: int = 8) -> float:
    taken = []
    for _ in range(rounds):
        _wait(device)
        began = time.perf_counter()
        act()
        _wait(device)
        taken.append(time.perf_counter() - began)
    return min(taken)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
