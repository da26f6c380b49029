"""Does work fit into the time that is left, by what work like it took before? Pure of clocks."""

KEPT = 0.5
"""Of what was believed before, when something newer is seen."""
EASED = 0.9
"""Whatever is turned away is believed to take this much less the next time, so that a slow minute is not for ever."""


class Pace:
    """Seconds a character of text. Nothing is known before the first work: it may try."""

    def __init__(self) -> None:
        self._a_character_s = 0.0

    def needs_s(self, characters: int) -> float:
        return characters * self._a_character_s

    def took(self, characters: int, seconds: float) -> None:
        seen = seconds / max(characters, 1)
        known = self._a_character_s
        self._a_character_s = KEPT * known + (1 - KEPT) * seen if known else seen

    def took_at_least(self, characters: int, seconds: float) -> None:
        """It was broken off: nobody knows how long it would have taken."""
        self._a_character_s = max(self._a_character_s, seconds / max(characters, 1))

    def turned_away(self) -> None:
        self._a_character_s *= EASED
