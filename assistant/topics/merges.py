"""Where merging leads. Pure; a ring, which no page can make but a hand in the database could, ends all the same."""

from collections.abc import Mapping


def way_of(topic: str, into: Mapping[str, str | None]) -> list[str]:
    """The topic, then what it was merged into, and so on; each once. `into`: by the topic, None where it was not
    merged; what is not there ends the way and is not on it, but for the topic itself."""
    way = [topic]
    while (further := into.get(way[-1])) is not None and further in into and further not in way:
        way.append(further)
    return way


def end_of(topic: str, into: Mapping[str, str | None]) -> str:
    """The topic where it is counted; of a ring the same one, wherever one enters it."""
    way = way_of(topic, into)
    further = into.get(way[-1])
    return min(way[way.index(further) :]) if further in way else way[-1]
