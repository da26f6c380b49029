"""A batch of clips through the model: encoder and language model both batched, greedy, each row as if it were alone.

Rows are padded on the left, attend to nothing of their padding and count positions from their own first token, so that
in fp32 a clip's tokens do not depend on its neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import DynamicCache, FunAsrNanoForConditionalGeneration

from assistant.recognising.fun_asr.features import Features, audio_tokens

LOOK_EVERY = {"cuda": 8}
"""Steps between two looks at what has ended, 1 elsewhere: a look makes a GPU wait for the host."""
FEW_LEFT = 0.5
"""When so few of the rows still run, those that ended are dropped from the batch: answers differ much in length."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One clip for the model: token ids before and behind its sound, and how many tokens its answer may have."""

    features: Features
    before: tuple[int, ...]
    after: tuple[int, ...]
    most_tokens: int


@dataclass(frozen=True, slots=True)
class Generated:
    """`tokens`: without the end. `ended`: the model said that it was done. `finite`: no NaN on the way."""

    tokens: tuple[int, ...]
    ended: bool
    finite: bool = True


@torch.inference_mode()
def generate(
    model: FunAsrNanoForConditionalGeneration,
    batch: Sequence[Asked],
    *,
    end_tokens: frozenset[int],
    trims_audio: bool,
) -> list[Generated]:
    """One answer a clip, in order. Raises torch.OutOfMemoryError."""
    if not batch:
        return []
    device = model.device
    look_every = LOOK_EVERY.get(device.type, 1)
    heard = heard_of(model, [asked.features for asked in batch], trims_audio=trims_audio)
    embeds, mask = prompts_of(model, batch, heard)
    ends = torch.tensor(sorted(end_tokens), device=device)
    most = torch.tensor([asked.most_tokens for asked in batch], device=device)
    language_model, cache = model.model.language_model, DynamicCache(config=model.config.text_config)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    state = language_model(
        inputs_embeds=embeds, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
    )
    logits = model.lm_head(state.last_hidden_state[:, -1])
    visible, padded = mask.bool()[:, None, None, :], not bool(mask.all())
    # Of all clips, in order; the rows that still run are those of `running`.
    said_end = torch.zeros(len(batch), dtype=torch.bool, device=device)
    finite, steps = ~said_end, []
    running, over, position = torch.arange(len(batch), device=device), said_end.clone(), positions[:, -1:] + 1
    last = int(most.max()) - 1
    for step in range(last + 1):
        over = over | (step >= most[running])  # at its limit a row is not looked at, whoever runs beside it
        fine = torch.isfinite(logits).all(-1)
        token = logits.argmax(-1)
        ended = ~over & fine & torch.isin(token, ends)
        finite[running] &= over | fine
        said_end[running] |= ended
        over = over | ended | ~fine
        steps.append(most.new_full((len(batch),), -1).scatter(0, running, torch.where(over, -1, token)))
        if step == last:
            break
        if step % look_every == 0:
            alive = (~over).nonzero()[:, 0]
            if not len(alive):
                break
            if len(alive) <= FEW_LEFT * len(running):
                cache.batch_select_indices(alive)
                running, over, token = running[alive], over[alive], token[alive]
                visible, position = visible[alive], position[alive]
        visible = torch.cat([visible, visible.new_ones(len(running), 1, 1, 1)], dim=3)
        state = language_model(
            input_ids=token.masked_fill(over, 0)[:, None],
            # made here, for the library would make it anew at every step
            attention_mask={"full_attention": visible if padded else None},
            position_ids=position,
            past_key_values=cache,
            use_cache=True,
        )
        logits = model.lm_head(state.last_hidden_state[:, -1])
        position = position + 1
    return answers_of(torch.stack(steps, dim=1), said_end, finite)


def answers_of(tokens: torch.Tensor, said_end: torch.Tensor, finite: torch.Tensor) -> list[Generated]:
    rows = zip(tokens.tolist(), said_end.tolist(), finite.tolist(), strict=True)
    return [Generated(tuple(token for token in row if token >= 0), ended, fine) for row, ended, fine in rows]


def heard_of(
    model: FunAsrNanoForConditionalGeneration, features: Sequence[Features], *, trims_audio: bool
) -> list[torch.Tensor]:
    """What the language model hears of each clip, shape (n_tokens, hidden)."""
    longest = max(len(each) for each in features)
    padded = np.zeros((len(features), longest, features[0].shape[1]), np.float32)
    mask = np.zeros((len(features), longest), np.int64)
    for row, each in enumerate(features):
        padded[row, : len(each)] = each
        mask[row, : len(each)] = 1
    frames_mask = torch.from_numpy(mask).to(model.device)
    encoded = model.model.audio_tower(
        input_features=torch.from_numpy(padded).to(model.device), input_features_mask=frames_mask
    )
    projected = model.model.multi_modal_projector(encoded.last_hidden_state, frames_mask)
    kept = [audio_tokens(len(each)) if trims_audio else len(each) for each in features]
    return [projected[row, :count] for row, count in enumerate(kept)]


def prompts_of(
    model: FunAsrNanoForConditionalGeneration, batch: Sequence[Asked], heard: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Embedded prompts, padded on the left, and their mask."""
    embed = model.model.language_model.embed_tokens
    rows = [
        torch.cat([embed(_ids(asked.before, model)), sound, embed(_ids(asked.after, model))])
        for asked, sound in zip(batch, heard, strict=True)
    ]
    longest = max(len(row) for row in rows)
    embeds = rows[0].new_zeros(len(rows), longest, rows[0].shape[1])
    mask = torch.zeros(len(rows), longest, dtype=torch.long, device=model.device)
    for number, row in enumerate(rows):
        embeds[number, longest - len(row) :] = row
        mask[number, longest - len(row) :] = 1
    return embeds, mask


def _ids(tokens: Sequence[int], model: FunAsrNanoForConditionalGeneration) -> torch.Tensor:
    return torch.tensor(tokens, dtype=torch.long, device=model.device)
