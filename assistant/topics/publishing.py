"""Which cells of a week may be shown, and what of them: decided once, when the week closes. Pure.

A cell is a topic in a course. It is hidden where fewer than `fewest` people stand behind it. Further cells are hidden
so that nobody gets at a hidden one by subtracting what is shown from a total that is known from elsewhere: of a
course, of a topic, or of any of these together. Think of courses and topics as the places of a net and of each hidden
cell as a thread between its course and its topic. What totals can tell are the cuts of that net: all threads between
some places and all others. So where shown cells lie across a cut, its threads must stand for nobody or for `fewest`
people. That is kept for

- each place by itself: a course, a topic, all that stands in no course;
- each single thread that holds two parts of the net together: a hidden cell that could be calculated exactly;
- each two threads that hold two parts together: hidden cells of which the sum or the difference could be.

Where nothing across a cut is shown, publishing tells nothing about it: who knows the totals knew it before, as with
threads that would hold two parts together even if all cells were hidden.

The limit: a cut of three threads or more that is no place by itself is not looked at. Who knows the total of every
topic and of every course can calculate what such hidden cells make together, though none of them, and no two.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

import networkx as nx

from assistant.topics.figures import FEWEST_ALLOWED, MOST_OF_ONE, Asked, Cell
from assistant.topics.week import Week

Key = tuple[str | None, str | None]
"""A topic and a course. Neither has to be there: None is the line of what has none."""
Place = tuple[str, str | None]


def publish(asked: Iterable[Asked], week: Week, *, fewest: int) -> list[Cell]:
    """The week's cells that may be shown, by topic and course. Raises ValueError for a `fewest` that is too few."""
    if fewest < FEWEST_ALLOWED:
        raise ValueError(f"cells of fewer than {FEWEST_ALLOWED} people are never shown, not even with {fewest}")
    cells: dict[Key, list[Asked]] = defaultdict(list)
    for one in sorted(asked, key=lambda one: one.id):
        cells[one.topic, one.course].append(one)
    people = {key: frozenset(one.asker for one in inside if one.asker is not None) for key, inside in cells.items()}
    return [
        _cell(key[0], key[1], week, _at_most_of_one(cells[key]), len(people[key]), fewest)
        for key in sorted(_shown(people, fewest), key=lambda key: (key[0] or "", key[1] is not None, key[1] or ""))
        if key[0] is not None
    ]


def _at_most_of_one(inside: Iterable[Asked]) -> list[Asked]:
    """The first few of each person; none of nobody, who is not counted among the people either."""
    seen: dict[str, int] = defaultdict(int)
    kept = []
    for one in inside:
        if one.asker is not None and seen[one.asker] < MOST_OF_ONE:
            seen[one.asker] += 1
            kept.append(one)
    return kept


def _cell(topic: str, course: str | None, week: Week, kept: list[Asked], people: int, fewest: int) -> Cell:
    rounded = people - people % fewest
    questions = _strictly_between(rounded, len(kept), MOST_OF_ONE * (rounded + fewest - 1))
    return Cell(
        topic_id=topic,
        course_id=course,
        week=week,
        questions=questions,
        people=rounded,
        answered=_strictly_between(0, sum(one.answered for one in kept), questions),
        spoken=_strictly_between(0, sum(one.spoken for one in kept), questions),
    )


def _strictly_between(least: int, count: int, most: int) -> int:
    """Off by one at most: where everybody did the same (asked once, was answered), who is known to have asked would be
    known to have done it."""
    return min(max(count, least + 1), most - 1)


def _shown(people: Mapping[Key, frozenset[str]], fewest: int) -> set[Key]:
    """Begins with what has enough people and hides until every cut is safe. Questions without a topic are in no cell
    that is shown, and stand for the people who asked them all the same."""
    shown = {key for key, those in people.items() if key[0] is not None and len(those) >= fewest}
    while True:
        hidden = [key for key, those in people.items() if key not in shown and those]
        crossing = next(_telling_cuts(people, shown, hidden, fewest), None)
        if crossing is None:
            return shown
        shown.discard(min(crossing, key=_size_in(people)))


def _size_in(people: Mapping[Key, frozenset[str]]) -> Callable[[Key], tuple[int, str, str]]:
    return lambda key: (len(people[key]), key[0] or "", key[1] or "")


def _telling_cuts(
    people: Mapping[Key, frozenset[str]], shown: set[Key], hidden: list[Key], fewest: int
) -> Iterator[list[Key]]:
    """The shown cells across each cut whose hidden ones stand for somebody, and for too few."""
    yield from _telling_lines(people, shown, hidden, fewest)
    yield from _telling_threads(people, shown, hidden, fewest)
    yield from _telling_pairs(people, shown, hidden, fewest)


def _telling_lines(
    people: Mapping[Key, frozenset[str]], shown: set[Key], hidden: list[Key], fewest: int
) -> Iterator[list[Key]]:
    behind: dict[Place, set[str]] = defaultdict(set)
    across: dict[Place, list[Key]] = defaultdict(list)
    for key in hidden:
        for place in _places(key):
            behind[place] |= people[key]
    for key in shown:
        for place in _places(key):
            across[place].append(key)
    for place in sorted(across, key=_in_order):
        if 0 < len(behind[place]) < fewest:
            yield across[place]


def _telling_threads(
    people: Mapping[Key, frozenset[str]], shown: set[Key], hidden: list[Key], fewest: int
) -> Iterator[list[Key]]:
    net = nx.Graph(map(_places, hidden))
    whole = nx.Graph(map(_places, [*hidden, *shown]))
    holding, told_anyway = _bridges(net), _bridges(whole)
    for key in sorted(hidden, key=_size_in(people)):
        topic, course = _places(key)
        if len(people[key]) >= fewest or {topic, course} in told_anyway or {topic, course} not in holding:
            continue
        net.remove_edge(topic, course)
        one_side, other_side = (nx.node_connected_component(net, place) for place in (topic, course))
        net.add_edge(topic, course)
        whole.remove_edge(topic, course)
        together = nx.node_connected_component(whole, topic)
        whole.add_edge(topic, course)
        yield [
            each for each in shown if _places(each)[0] in together and _is_across(_places(each), one_side, other_side)
        ]


def _telling_pairs(
    people: Mapping[Key, frozenset[str]], shown: set[Key], hidden: list[Key], fewest: int
) -> Iterator[list[Key]]:
    """Of threads that each lie on a ring: two hold two parts together where they lie on the same rings."""
    net = nx.Graph(map(_places, hidden))
    whole = nx.Graph(map(_places, [*hidden, *shown]))
    rings, rings_anyway = _rings(net), _rings(whole)
    alike: dict[int, list[Key]] = defaultdict(list)
    for key in sorted(hidden, key=_size_in(people)):
        if len(people[key]) < fewest and rings[frozenset(_places(key))]:
            alike[rings[frozenset(_places(key))]].append(key)
    for first, second in (pair for keys in alike.values() for pair in combinations(keys, 2)):
        threads = [_places(first), _places(second)]
        told_anyway = len({rings_anyway[frozenset(thread)] for thread in threads}) == 1
        if told_anyway or len(people[first] | people[second]) >= fewest:
            continue
        net.remove_edges_from(threads)
        one_side, other_side = (nx.node_connected_component(net, place) for place in threads[0])
        net.add_edges_from(threads)
        whole.remove_edges_from(threads)
        together = nx.node_connected_component(whole, threads[0][0])
        whole.add_edges_from(threads)
        yield [
            each for each in shown if _places(each)[0] in together and _is_across(_places(each), one_side, other_side)
        ]


def _rings(net: "nx.Graph[Any]") -> dict[frozenset[Place], int]:
    """The rings that each thread lies on, a bit each: those that a thread outside of a spanning forest closes, of which
    all others are made. 0 where it lies on none."""
    inside = list(nx.dfs_edges(net))
    outside = {frozenset(thread) for thread in net.edges} - {frozenset(thread) for thread in inside}
    rings = {thread: 1 << bit for bit, thread in enumerate(outside)}
    ending: dict[Place, int] = defaultdict(int)
    for thread, ring in rings.items():
        for place in thread:
            ending[place] ^= ring
    for nearer, further in reversed(inside):  # whatever hangs on `further` has been seen
        rings[frozenset((nearer, further))] = ending[further]
        ending[nearer] ^= ending[further]
    return rings


def _bridges(net: "nx.Graph[Any]") -> set[frozenset[Place]]:
    threads: Iterable[tuple[Place, Place]] = nx.bridges(net)
    return {frozenset(thread) for thread in threads}


def _is_across(places: tuple[Place, Place], one_side: set[Place], other_side: set[Place]) -> bool:
    """Places that hang on neither side may be counted to either."""
    sides = {(place in one_side) - (place in other_side) for place in places}
    return len(sides) == 2


def _places(key: Key) -> tuple[Place, Place]:
    return ("topic", key[0]), ("course", key[1])


def _in_order(place: Place) -> tuple[str, bool, str]:
    return place[0], place[1] is not None, place[1] or ""
