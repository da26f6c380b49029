"""Other ways from prompts to tokens than the product's loop, to be measured beside it: same prompts, same answers.

`Captured`: a cache of fixed size whose step never asks the host, replayed as a CUDA graph where there is a GPU.
`by_transformers`: the library's own `generate`, which steps until the whole batch is over and keeps its own masks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import FunAsrNanoForConditionalGeneration, StaticCache

from assistant.recognising.fun_asr.decoding import LOOK_EVERY, Asked, Generated, answers_of, heard_of, prompts_of

ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
LENGTHS = (64, 128, 256, 512, 1024)
"""Sizes that are captured: a batch takes the next larger ones."""


@dataclass
class _Step:
    """One decoding step over tensors that stay where they are, as a graph needs it."""

    cache: StaticCache
    token: torch.Tensor
    position: torch.Tensor
    visible: torch.Tensor
    said: torch.Tensor
    at: torch.Tensor
    graph: torch.cuda.CUDAGraph | None = None


class Captured:
    """Keeps one step for each size it has met; one caller at a time."""

    def __init__(self, model: FunAsrNanoForConditionalGeneration) -> None:
        self._model = model
        self._steps: dict[tuple[int, int], _Step] = {}

    @torch.inference_mode()
    def generate(self, batch: Sequence[Asked], *, end_tokens: frozenset[int], trims_audio: bool) -> list[Generated]:
        """As decoding.generate, of at most 256 clips and 1,024 tokens, prompts included."""
        model, device = self._model, self._model.device
        heard = heard_of(model, [asked.features for asked in batch], trims_audio=trims_audio)
        embeds, mask = prompts_of(model, batch, heard)
        most = torch.tensor([asked.most_tokens for asked in batch], device=device)
        last = int(most.max())
        step = self._step(_next(ROWS, len(batch)), _next(LENGTHS, embeds.shape[1] + last))
        ends = torch.tensor(sorted(end_tokens), device=device)
        self._begin(step, embeds, mask)
        for count in range(1, last):
            if step.graph is None:
                self._advance(step)
            else:
                step.graph.replay()
            said = step.said[: len(batch), : count + 1]
            if count % LOOK_EVERY.get(device.type, 8) == 0 and bool((_over(said, ends) | (count >= most)).all()):
                break
        return _cut(step.said[: len(batch), :last], ends, most)

    def _step(self, rows: int, length: int) -> _Step:
        if (rows, length) not in self._steps:
            self._steps[rows, length] = self._made(rows, length)
        return self._steps[rows, length]

    def _made(self, rows: int, length: int) -> _Step:
        device = self._model.device
        step = _Step(
            StaticCache(config=self._model.config.text_config, max_cache_len=length),
            token=torch.zeros(rows, 1, dtype=torch.long, device=device),
            position=torch.zeros(rows, 1, dtype=torch.long, device=device),
            visible=torch.zeros(rows, 1, 1, length, dtype=torch.bool, device=device),
            said=torch.zeros(rows, length, dtype=torch.long, device=device),
            at=torch.zeros(2, dtype=torch.long, device=device),
        )
        if device.type == "cuda":
            hidden = self._model.config.text_config.hidden_size
            warm = torch.zeros(rows, 4, hidden, dtype=self._model.dtype, device=device)
            self._begin(step, warm, torch.ones(rows, 4, dtype=torch.long, device=device))
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(3):
                    self._advance(step)
            torch.cuda.current_stream().wait_stream(aside)
            step.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(step.graph):
                self._advance(step)
        return step

    def _begin(self, step: _Step, embeds: torch.Tensor, mask: torch.Tensor) -> None:
        """The prompts into the cache, and the first token. Rows beyond the batch repeat its first."""
        spare = step.token.shape[0] - len(embeds)
        embeds, mask = _filled(embeds, spare), _filled(mask, spare)
        width = mask.shape[1]
        step.cache.reset()
        step.visible.zero_()
        step.visible[:, 0, 0, :width] = mask.bool()
        causal = torch.ones(width, step.visible.shape[3], dtype=torch.bool, device=mask.device).tril()
        own = torch.eye(width, step.visible.shape[3], dtype=torch.bool, device=mask.device)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        state = self._model.model.language_model(
            inputs_embeds=embeds,
            # a padded row sees itself, for softmax over nothing is no number
            attention_mask={"full_attention": (step.visible & causal) | own},
            position_ids=positions,
            past_key_values=step.cache,
            use_cache=True,
        )
        step.token.copy_(self._model.lm_head(state.last_hidden_state[:, -1]).argmax(-1, keepdim=True))
        step.position.copy_(positions[:, -1:] + 1)
        step.said[:, :1] = step.token
        step.at.copy_(torch.tensor([width, 1]))

    def _advance(self, step: _Step) -> None:
        step.visible.index_fill_(3, step.at[:1], True)
        state = self._model.model.language_model(
            input_ids=step.token,
            attention_mask={"full_attention": step.visible},
            position_ids=step.position,
            past_key_values=step.cache,
            use_cache=True,
        )
        step.token.copy_(self._model.lm_head(state.last_hidden_state[:, -1]).argmax(-1, keepdim=True))
        step.said.index_copy_(1, step.at[1:], step.token)
        step.position.add_(1)
        step.at.add_(1)


@torch.inference_mode()
def by_transformers(
    model: FunAsrNanoForConditionalGeneration,
    batch: Sequence[Asked],
    *,
    end_tokens: frozenset[int],
    trims_audio: bool,
) -> list[Generated]:
    heard = heard_of(model, [asked.features for asked in batch], trims_audio=trims_audio)
    embeds, mask = prompts_of(model, batch, heard)
    most = torch.tensor([asked.most_tokens for asked in batch], device=model.device)
    tokens = model.generate(
        inputs_embeds=embeds, attention_mask=mask, max_new_tokens=int(most.max()), do_sample=False,
        eos_token_id=sorted(end_tokens) or None, pad_token_id=0,
    )  # fmt: skip
    return _cut(tokens, torch.tensor(sorted(end_tokens), device=model.device), most)


def _over(said: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    return torch.isin(said, ends).any(-1)


def _cut(said: torch.Tensor, ends: torch.Tensor, most: torch.Tensor) -> list[Generated]:
    """Each row up to its end or its limit."""
    place = torch.arange(said.shape[1], device=said.device)
    ended_at = torch.where(torch.isin(said, ends), place, said.shape[1]).min(-1).values
    kept = torch.minimum(ended_at, most)
    tokens = torch.where(place < kept[:, None], said, -1)
    return answers_of(tokens, ended_at < most, torch.ones_like(most, dtype=torch.bool))


def _filled(rows: torch.Tensor, spare: int) -> torch.Tensor:
    return torch.cat([rows, rows[:1].expand(spare, *rows.shape[1:])]) if spare else rows


def _next(sizes: Sequence[int], at_least: int) -> int:
    return next(size for size in sizes if size >= at_least)
