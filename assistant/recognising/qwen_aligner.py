"""Qwen3-ForcedAligner: where in a clip each word of its text begins and ends, on a grid of 80 ms.

transformers' own class and processor, from a folder on the disk. What the processor would do to answers that are out
of order, filling seconds in between evenly, is left out on purpose: they come as they are.
"""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
import torch
from transformers import Qwen3ASRForTokenClassification, Qwen3ASRProcessor
from transformers.utils import logging as transformers_logging

from assistant.recognising.aligning import Measured, Said
from assistant.recognising.fun_asr.batches import batches_of
from assistant.recognising.fun_asr.device import Placement
from assistant.recognising.recognizer import SAMPLE_RATE_HZ
from knowledge.model_files import WrongModel, folder_digest, recorded_digest

WAY_OUT = "name the folder of Qwen3-ForcedAligner-0.6B in the form of transformers, or set no aligner"
LANGUAGES = frozenset({"zh", "yue", "en", "fr", "de", "it", "pt", "ru", "es"})
"""Those that it splits by itself; see NEEDS for the others that it knows."""
NEEDS = {"ja": "nagisa", "ko": "soynlp"}
SHORTEST_S = 0.2
_log = structlog.get_logger(__name__)


class QwenAligner:
    """One caller at a time."""

    def __init__(
        self,
        folder: Path,
        placement: Placement,
        *,
        digests: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Raises WrongModel where the folder cannot be used."""
        if not (folder / "config.json").is_file():
            raise WrongModel(f"{folder}: no model folder", WAY_OUT)
        say("checking the aligner's files")
        self.digest = folder_digest(folder) if digests is None else recorded_digest(folder, digests)
        say(f"reading the aligner onto {placement}")
        self._placement = placement
        transformers_logging.disable_progress_bar()
        try:
            self._processor = Qwen3ASRProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model, missing = Qwen3ASRForTokenClassification.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=placement.dtype, output_loading_info=True
            )
        except Exception as error:
            raise WrongModel(f"{folder}: cannot be read as an aligner ({error})", WAY_OUT) from error
        if missing["missing_keys"] or missing["mismatched_keys"]:
            raise WrongModel(f"{folder}: lacks {len(missing['missing_keys'])} of an aligner's tensors", WAY_OUT)
        self._model: Any = model.to(placement.device).eval().requires_grad_(False)
        there = {code for code, package in NEEDS.items() if importlib.util.find_spec(package)}
        self.languages = LANGUAGES | there

    def align(self, said: Sequence[Said]) -> list[tuple[Measured, ...]]:
        measured: list[tuple[Measured, ...]] = [()] * len(said)
        able = [at for at, each in enumerate(said) if each.duration_s >= SHORTEST_S and each.language in self.languages]
        for batch in batches_of([said[at].duration_s for at in able], most_s=self._placement.batch_s):
            places = [able[at] for at in batch]
            for at, pieces in zip(places, self._aligned([said[at] for at in places]), strict=True):
                measured[at] = pieces
        return measured

    @torch.inference_mode()
    def _aligned(self, said: Sequence[Said]) -> list[tuple[Measured, ...]]:
        try:
            inputs, words = self._processor.prepare_forced_aligner_inputs(
                [each.samples for each in said],
                [each.text for each in said],
                [each.language for each in said],
                processor_kwargs={"sampling_rate": SAMPLE_RATE_HZ, "return_tensors": "pt", "padding": True},
            )
            given = {name: self._placed(value) for name, value in inputs.items()}
            labels = self._model(**given).logits.argmax(-1).cpu()
        except torch.OutOfMemoryError:
            if len(said) > 1:
                torch.cuda.empty_cache()
                middle = len(said) // 2
                return self._aligned(said[:middle]) + self._aligned(said[middle:])
            _log.warning("out of memory: a stretch has no word times", duration_s=round(said[0].duration_s, 1))
            return [()]
        marks = inputs["input_ids"] == self._model.config.timestamp_token_id
        grid_s = float(self._processor.timestamp_segment_time) / 1000
        return [pieces_of(own, (labels[row][marks[row]] * grid_s).tolist()) for row, own in enumerate(words)]

    def _placed(self, value: torch.Tensor) -> torch.Tensor:
        moved = value.to(self._placement.device)
        return moved.to(self._placement.dtype) if moved.is_floating_point() else moved


def pieces_of(words: Sequence[str], seconds: Sequence[float]) -> tuple[Measured, ...]:
    """Each word with its two seconds; nothing where they are not as many as there must be."""
    if len(seconds) != 2 * len(words):
        return ()
    starts, ends = seconds[::2], seconds[1::2]
    return tuple(Measured(*each) for each in zip(words, starts, ends, strict=True))
