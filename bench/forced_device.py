"""A device child whose Fun-ASR says as much as a benchmark wants: random weights never come to their end.

Started in place of assistant.engine.device. The answer of a clip has so many tokens a second of sound as the
environment says, heavy-tailed and always the same for the same clip; rules against invention are off.
"""

import os
from collections.abc import Sequence
from dataclasses import replace

from transformers import FunAsrNanoForConditionalGeneration

from assistant.engine import device
from assistant.recognising.fun_asr import decoding, recogniser
from assistant.recognising.fun_asr.decoding import Asked, Generated
from bench.forced_lengths import forced_lengths

TOKENS_A_SECOND = "EARMARK_BENCH_TOKENS"
FRAME_S = 0.06


def forced(
    model: FunAsrNanoForConditionalGeneration, batch: Sequence[Asked], *, trims_audio: bool, **_: object
) -> list[Generated]:
    lengths = forced_lengths(
        [FRAME_S * len(asked.features) for asked in batch], float(os.environ.get(TOKENS_A_SECOND, "4"))
    )
    asked = [replace(each, most_tokens=length) for each, length in zip(batch, lengths, strict=True)]
    answers = decoding.generate(model, asked, end_tokens=frozenset(), trims_audio=trims_audio)
    return [replace(answer, ended=True) for answer in answers]


if __name__ == "__main__":
    recogniser.generate = forced  # type: ignore[assignment]
    recogniser.invention_reason = lambda *_, **__: None
    device.main()
