"""Seconds as people read and write them: 754.2 is 12:34. Pure."""

import math


def timecode(seconds: float) -> str:
    """12:34, or 1:02:03 from an hour on; counted down to the second that has begun."""
    whole = max(0, math.floor(seconds + 1e-6))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def iso_duration(seconds: float) -> str:
    """The machine's form, for <time datetime>."""
    return f"PT{max(0.0, seconds):.3f}S"


def seconds_of(text: str | None) -> float | None:
    """`754`, `754.25`, `12:34` or `1:02:03` in seconds; None for anything else."""
    parts = (text or "").strip().split(":")
    if not 1 <= len(parts) <= 3 or len(text or "") > 20:
        return None
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    total = 0.0
    for number in numbers:
        total = total * 60 + number
    return total if math.isfinite(total) and all(number >= 0 for number in numbers) else None
