"""Fun-ASR as a recogniser: clips in batches, each with its own options, nothing kept from one call to the next.

The checkpoint gives no timestamps: a clip's bounds, which speech detection measured, are its segment's.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch
from transformers import AutoTokenizer

from assistant.errors import UnknownLanguage
from assistant.recognising.clip_checks import is_silent, reason_to_refuse
from assistant.recognising.fun_asr.batches import batches_of
from assistant.recognising.fun_asr.checkpoint import load_model
from assistant.recognising.fun_asr.decoding import Asked, Generated, generate
from assistant.recognising.fun_asr.device import Placement, place
from assistant.recognising.fun_asr.features import features_of
from assistant.recognising.fun_asr.folder import WAY_OUT, FunAsrFolder, read_folder
from assistant.recognising.fun_asr.languages import NAMES, code_of
from assistant.recognising.fun_asr.prompting import prompt_of
from assistant.recognising.invention import invention_reason
from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Clip, ClipOptions, Recognised, Samples
from knowledge.finding.languages import guess_language
from knowledge.model_files import WrongModel, folder_digest, recorded_digest
from knowledge.transcripts.segment import Segment, TimeSource

MODEL_NAME = "fun-asr-mlt-nano-2512"
LEAST_TOKENS, TOKENS_A_SECOND = 24, 12.0
"""Room for an answer; the most talkative languages need about 10 a second (FUNASR: leads)."""
SHORTEST_HALF_S = 1.0
END = "<|im_end|>"
NOT_NUMBERS = "the model gave values that are not numbers"
CUT_SHORT = "the recogniser did not come to an end over this stretch"
_log = structlog.get_logger(__name__)


def _quietly(_detail: str) -> None:
    pass


class FunAsrRecognizer:
    """One caller at a time. Deterministic in fp32: neither order nor neighbours change a clip's tokens."""

    name = MODEL_NAME
    languages: frozenset[str] | None = frozenset(NAMES)
    gives_word_times = False

    def __init__(
        self, folder: Path, placement: Placement, *, digests: Path | None = None, say: Callable[[str], None] = _quietly
    ) -> None:
        """`digests`: where the digests of its files are kept since its first load, and checked."""
        found = read_folder(folder)
        self.placement = placement
        if placement.device.type == "cpu":
            _log.warning("no GPU is used: recognising takes many times longer", placement=str(placement))
        say("checking the model's files")
        self.digest = folder_digest(folder) if digests is None else recorded_digest(folder, digests)
        say(f"reading the weights onto {placement}")
        self._model = load_model(found, device=placement.device, dtype=placement.dtype)
        self._tokenizer = _tokenizer_of(found)
        self._ends = frozenset({self._tokenizer.convert_tokens_to_ids(END)})
        self._trims_audio = found.trims_audio
        self.batch_s = placement.batch_s

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        device: str,
        dtype: str,
        digests: Path | None = None,
        say: Callable[[str], None] = _quietly,
    ) -> "FunAsrRecognizer":
        """Raises WrongModel where folder or device cannot be used."""
        return cls(folder, place(device, dtype), digests=digests, say=say)

    def recognize(self, clips: Sequence[Clip]) -> list[Recognised]:
        languages = [_language_of(clip.options) for clip in clips]
        results = [_without_model(clip) for clip in clips]
        heard = [at for at, result in enumerate(results) if result is None]
        answers = self._hear([clips[at] for at in heard], [languages[at] for at in heard])
        for at, answer in zip(heard, answers, strict=True):
            results[at] = answer
        return [result for result in results if result is not None]

    def _hear(self, clips: Sequence[Clip], languages: Sequence[str | None]) -> list[Recognised]:
        generated = self._generate(clips, languages)
        return [
            self._heard(clip, language, answer)
            for clip, language, answer in zip(clips, languages, generated, strict=True)
        ]

    def _heard(self, clip: Clip, language: str | None, answer: Generated) -> Recognised:
        """What a clip gave; once more where the rules say that this cannot be it."""
        if not answer.finite:
            return Recognised(error=NOT_NUMBERS)
        if not answer.ended:
            return self._in_halves(clip, language, answer)
        text = self._text(answer)
        reason = invention_reason(text, clip.duration_s)
        if reason is not None:
            # Alone and without terms, which appear in silence where there are many.
            plain = replace(clip, options=replace(clip.options, hotwords=()))
            (again,) = self._generate([plain], [language])
            if again.finite and again.ended and invention_reason(self._text(again), clip.duration_s) is None:
                text, reason = self._text(again), None
        return _recognised(text, clip, language, reason)

    def _in_halves(self, clip: Clip, language: str | None, answer: Generated) -> Recognised:
        """A clip whose answer did not end: users of this model report second halves missing."""
        if clip.duration_s < 2 * SHORTEST_HALF_S:
            text = self._text(answer)
            reason = invention_reason(text, clip.duration_s) or CUT_SHORT
            return replace(_recognised(text, clip, language, reason), truncated=True)
        middle = quietest(clip.samples)
        halves = [replace(clip, samples=clip.samples[:middle]), replace(clip, samples=clip.samples[middle:])]
        first, second = self._hear(halves, [language, language])
        if first.error and second.error:
            return first
        later = [segment.shifted(middle / SAMPLE_RATE_HZ) for segment in second.segments]
        return Recognised(
            (*first.segments, *later),
            truncated=first.truncated or second.truncated,
            hard_to_hear=first.hard_to_hear or second.hard_to_hear or first.error or second.error,
        )

    def _generate(self, clips: Sequence[Clip], languages: Sequence[str | None]) -> list[Generated]:
        """One answer a clip. Where memory runs out the batch is halved, and stays so."""
        answers: dict[int, Generated] = {}
        waiting = batches_of([clip.duration_s for clip in clips], most_s=self.batch_s)
        while waiting:
            batch = waiting.pop(0)
            asked = [self._asked(clips[at], languages[at]) for at in batch]
            try:
                given = generate(self._model, asked, end_tokens=self._ends, trims_audio=self._trims_audio)
            except torch.OutOfMemoryError:
                if len(batch) == 1:
                    raise
                torch.cuda.empty_cache()
                self.batch_s = max(30.0, self.batch_s / 2)
                _log.warning("out of memory: batches are halved", batch_s=self.batch_s)
                waiting[:0] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
                continue
            answers.update(zip(batch, given, strict=True))
        return [answers[at] for at in range(len(clips))]

    def _asked(self, clip: Clip, language: str | None) -> Asked:
        prompt = prompt_of(clip.options, language)
        most = max(LEAST_TOKENS, round(TOKENS_A_SECOND * clip.duration_s))
        return Asked(features_of(clip.samples), self._ids(prompt.before), self._ids(prompt.after), most)

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text))

    def _text(self, answer: Generated) -> str:
        text: str = self._tokenizer.decode(answer.tokens, skip_special_tokens=True)
        return re.sub(r"\s+", " ", text.replace("/sil", " ")).strip()


def _tokenizer_of(folder: FunAsrFolder) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder.language_model_folder, local_files_only=True, trust_remote_code=False
        )
        knows_end = END in tokenizer.get_vocab()
    except Exception as error:
        raise WrongModel(f"{folder.language_model_folder}: its tokeniser cannot be read ({error})", WAY_OUT) from error
    if not knows_end:
        raise WrongModel(f"{folder.language_model_folder}: its tokeniser knows no {END}", WAY_OUT)
    return tokenizer


def quietest(samples: Samples) -> int:
    """The sample in the middle third around which 100 ms are quietest: where to cut what must be cut."""
    window = SAMPLE_RATE_HZ // 10
    power = np.convolve(np.square(samples, dtype=np.float64), np.ones(window), mode="same")
    third = len(samples) // 3
    return third + int(np.argmin(power[third : 2 * third]))


def _language_of(options: ClipOptions) -> str | None:
    if options.language is None:
        return None
    code = code_of(options.language)
    if code is None:
        raise UnknownLanguage(
            f"{MODEL_NAME} does not hear {options.language[:40]!r}",
            f"choose one of {', '.join(sorted(NAMES))}, or none to let it find out",
        )
    return code


def _without_model(clip: Clip) -> Recognised | None:
    refusal = reason_to_refuse(clip)
    if refusal is not None:
        return Recognised(error=refusal)
    return Recognised() if is_silent(clip) else None


def _recognised(text: str, clip: Clip, language: str | None, reason: str | None) -> Recognised:
    if not text:
        return Recognised()
    segment = Segment(
        0.0, clip.duration_s, text, language or guess_language(text), TimeSource.VAD,
        hard_to_hear=reason, invented=reason is not None and reason != CUT_SHORT,
    )  # fmt: skip
    return Recognised((segment,), hard_to_hear=reason)
