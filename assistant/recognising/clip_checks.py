"""What a clip must be before any engine hears it. Pure; knows no engine."""

import numpy as np

from assistant.recognising.recognizer import MAX_CLIP_S, Clip

SHORTEST_CLIP_S = 0.1
"""Below about 60 ms pocketsphinx has not one frame to begin with; other engines crash on nothing at all."""
QUIETEST_PEAK = 10 ** (-70 / 20)
"""No sample above -70 dBFS is silence: engines make words of digital zeros (pocketsphinx: "eggs")."""
_SLACK_S = 0.01


def reason_to_refuse(clip: Clip) -> str | None:
    """Why a clip cannot be recognised, None where it can."""
    if clip.duration_s < SHORTEST_CLIP_S:
        return f"the clip is {clip.duration_s * 1000:.0f} ms long; {SHORTEST_CLIP_S * 1000:.0f} ms is the least"
    if clip.duration_s > MAX_CLIP_S + _SLACK_S:
        return f"the clip is {clip.duration_s:.1f} s long; cut it to {MAX_CLIP_S:.0f} s at most"
    if not np.isfinite(clip.samples).all():
        return "the clip holds samples that are not numbers"
    return None


def is_silent(clip: Clip) -> bool:
    return float(np.abs(clip.samples).max(initial=0.0)) < QUIETEST_PEAK
