"""Canaries: clips that each give something else, asked for in a crowd, each one's answer its own or nobody's."""

import os
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from assistant.engine.client import Priority
from assistant.engine.wav import clip_to_wav, wav_to_clip
from assistant.recognising.recognizer import Clip, Recognised, Recognizer, Samples
from tests.assistant.engine.running_engine import EngineProcess

COUNT = 32
ROUNDS = int(os.environ.get("CANARY_ROUNDS", "4"))
"""How often each is asked for. 4 say much and cost little; docs/speech.md says what was seen with more."""
Canaries = Sequence[tuple[Clip, str]]


def said_by(recognised: Recognised) -> str:
    """All that a clip gave, as one value to compare."""
    return repr(
        [(each.text, each.hard_to_hear, round(each.start_s, 2), round(each.end_s, 2)) for each in recognised.segments]
    )


def heard_alone(recogniser: Recognizer, sounds: Iterable[Samples]) -> Canaries:
    """The first 32 that differ, as they come over the wire, and what each gives when nobody else is there."""
    found: dict[str, Clip] = {}
    for samples in sounds:
        clip = Clip(wav_to_clip(clip_to_wav(samples), filename="canary.wav"))
        (result,) = recogniser.recognize([clip])
        if any(segment.text for segment in result.segments):
            found.setdefault(said_by(result), clip)
        if len(found) == COUNT:
            return [(clip, text) for text, clip in found.items()]
    raise AssertionError(f"only {len(found)} that differ")


def mixed_up(engine: EngineProcess, canaries: Canaries, *, at_once: int) -> list[int]:
    """Asks for each of them ROUNDS times, every third as a question; the places of those that got another's answer."""
    asked = [(at, rank) for rank in range(ROUNDS) for at in range(len(canaries))]
    random.Random(4).shuffle(asked)

    def ask(at: int, rank: int) -> bool:
        clip, text = canaries[at]
        return (
            said_by(engine.client.recognize_clip(clip, priority=Priority.QUESTION if rank % 3 == 0 else Priority.INDEX))
            == text
        )

    with ThreadPoolExecutor(at_once) as crowd:
        own = list(crowd.map(lambda each: ask(*each), asked))
    return [at for (at, _), right in zip(asked, own, strict=True) if not right]
