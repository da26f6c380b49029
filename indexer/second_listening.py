"""A second listening where the script that is what is said was not recognised: in noise, by a hurried voice.

Listening for the few sentences that belong in a gap finds most of them: of six gaps of a noisy recording four were
filled, and none where as many sentences of another text were listened for (up to 19 of 22 words against at most 4 of
14).
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from assistant.hearing.heard import SpeechClip
from assistant.recognising.listening_again import Gap
from assistant.recognising.recognizer import SAMPLE_RATE_HZ, ClipOptions
from indexer.clip_results import ClipKey
from indexer.hear import Hearing
from indexer.recognise import Recognising

EDGE_S = 0.1
"""Heard beyond a gap's edges, which are those of words: their beginnings are soft."""
SHORTEST_S = 0.3


def hear_again(
    gaps: Sequence[Gap], plain: ClipOptions, hearing: Hearing, recognising: Recognising
) -> list[list[ClipKey]]:
    """Send the speech in the gaps, listening for their sentences alone. Where each gap's results will be kept."""
    keys: list[list[ClipKey]] = [[] for _ in gaps]
    last_s = max((gap.end_s for gap in gaps), default=0.0)
    with contextlib.closing(hearing.clips()) as clips:
        for clip in clips:
            if not isinstance(clip, SpeechClip):
                recognising.tell()
                continue
            if clip.start_s >= last_s:
                break
            for number, gap in enumerate(gaps):
                piece = _inside(clip, gap)
                if piece is not None:
                    keys[number].append(recognising.send(piece, replace(plain, script=gap.script)))
    recognising.drain()
    return keys


def _inside(clip: SpeechClip, gap: Gap) -> SpeechClip | None:
    """What of the clip lies in the gap, None where that is a scrap."""
    start_s, end_s = max(clip.start_s, gap.start_s - EDGE_S), min(clip.end_s, gap.end_s + EDGE_S)
    if end_s - start_s < SHORTEST_S + 2 * EDGE_S:
        return None
    first, end = (round((at_s - clip.start_s) * SAMPLE_RATE_HZ) for at_s in (start_s, end_s))
    return SpeechClip(clip.start_s + first / SAMPLE_RATE_HZ, end_s, clip.samples[first:end])
