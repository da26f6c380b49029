"""A map of terms as a drawing: where each term's box stands, and the lines between them. The same map gives the
same drawing.

The only file that knows networkx.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from knowledge.terms.term_map import Term, TermMap, Tie

WIDTH = 960.0
_LEAST_HEIGHT, _HEIGHT_OF_EACH = 60.0, 14.0
_BREADTH_OF_EACH = 200.0
"""A few terms need not be at both ends of a page."""
_BOX_HEIGHT = 36.0
_SIGN_WIDTH, _WIDE_SIGN_WIDTH, _PADDING = 9.2, 17.0, 24.0
_GAP, _EDGE = 10.0, 4.0
_ROUNDS, _TRIES = 120, 8
_LONGEST_LABEL = 24
"""Signs, wide ones counted double; the list beside the drawing has the whole term."""
_SEED = 1
_HELD_TOGETHER = 0.2
"""How strongly groups that nothing ties are drawn to the largest, so that they do not fly apart."""


@dataclass(frozen=True, slots=True)
class Box:
    """Of a term: its middle, in the drawing's units, and its label."""

    term: Term
    x: float
    y: float
    width: float
    label: str

    @property
    def left(self) -> float:
        return self.x - self.width / 2


@dataclass(frozen=True, slots=True)
class Line:
    """`width`: 1 to 5 units, by how strong the tie is."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: float


@dataclass(frozen=True, slots=True)
class Drawing:
    height: float
    boxes: Sequence[Box]
    lines: Sequence[Line]
    width: float = WIDTH
    box_height: float = _BOX_HEIGHT


def draw(shown: TermMap) -> Drawing:
    """`shown`: at most about forty terms. Those that are tied to none stand in rows below the others."""
    tied = {key for tie in shown.ties for key in (tie.first, tie.second)}
    together = [term for term in shown.terms if term.key in tied]
    alone = [term for term in shown.terms if term.key not in tied]
    at, height = _places(together, shown.ties)
    rows, height = _in_rows(alone, from_y=height)
    at |= rows
    strongest = max((tie.strength for tie in shown.ties), default=1.0)
    return Drawing(
        height=height,
        boxes=tuple(
            Box(term, round(at[term.key][0], 1), round(at[term.key][1], 1), _width_of(term), label_of(term.text))
            for term in shown.terms
        ),
        lines=tuple(_line(at[tie.first], at[tie.second], tie.strength / strongest) for tie in shown.ties),
    )


def _places(terms: Sequence[Term], ties: Sequence[Tie]) -> tuple[dict[str, list[float]], float]:
    """Middles by key, and how high the drawing is: higher until every box has room."""
    if not terms:
        return {}, 0.0
    shares, widths = _laid_out(terms, ties), np.array([_width_of(term) for term in terms])
    height = _LEAST_HEIGHT + _HEIGHT_OF_EACH * len(terms)
    for _ in range(_TRIES):
        places = _apart(shares * [1.0, height], widths, height)
        if not _lie_on_another(places, widths).any():
            return dict(zip([term.key for term in terms], places.tolist(), strict=True)), height
        height *= 1.25
    return _in_rows(terms, from_y=0.0)


def label_of(text: str) -> str:
    """As much of a term as a box holds."""
    room = _LONGEST_LABEL
    for number, sign in enumerate(text):
        room -= 2 if _is_wide(sign) else 1
        if room < 0:
            return f"{text[: number - 1].rstrip()}…"
    return text


def _line(one: Sequence[float], other: Sequence[float], share: float) -> Line:
    """`share`: of the strongest tie's strength."""
    width = 1 + 4 * math.sqrt(share)
    return Line(round(one[0], 1), round(one[1], 1), round(other[0], 1), round(other[1], 1), round(width, 1))


def _is_wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF"


def _width_of(term: Term) -> float:
    signs = label_of(term.text)
    return round(_PADDING + sum(_WIDE_SIGN_WIDTH if _is_wide(sign) else _SIGN_WIDTH for sign in signs), 1)


def _in_rows(terms: Sequence[Term], *, from_y: float) -> tuple[dict[str, list[float]], float]:
    """Middles by key, and where the last row ends."""
    places: dict[str, list[float]] = {}
    x, y = _EDGE, from_y + _GAP + _BOX_HEIGHT / 2
    for term in terms:
        width = _width_of(term)
        if x > _EDGE and x + width > WIDTH - _EDGE:
            x, y = _EDGE, y + _BOX_HEIGHT + _GAP
        places[term.key] = [x + width / 2, y]
        x += width + _GAP
    return places, y + _BOX_HEIGHT / 2 + _EDGE if terms else from_y


def _laid_out(terms: Sequence[Term], ties: Sequence[Tie]) -> NDArray[np.float64]:
    """Middles before boxes are moved apart: x in the drawing's units, y in [0, 1]. Shape (terms, 2); two terms at
    least, since each is tied to another."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(term.key for term in terms)
    graph.add_weighted_edges_from((tie.first, tie.second, 1 + math.log1p(tie.strength)) for tie in ties)
    order = {term.key: number for number, term in enumerate(terms)}
    groups = sorted(nx.connected_components(graph), key=lambda group: (-len(group), min(order[key] for key in group)))
    first_of = [min(group, key=order.__getitem__) for group in groups]
    graph.add_weighted_edges_from((first_of[0], other, _HELD_TOGETHER) for other in first_of[1:])
    spread = nx.spring_layout(graph, k=2.2 / len(graph) ** 0.5, iterations=120, seed=_SEED)
    places = _lying(np.array([spread[term.key] for term in terms], np.float64))
    # By rank, half way: what hangs loosely would else push all others into the middle.
    ranks = np.argsort(np.argsort(places, axis=0), axis=0) / (len(terms) - 1)
    low, high = places.min(axis=0), places.max(axis=0)
    shares = 0.5 * ranks + 0.5 * (places - low) / np.maximum(high - low, 1e-9)
    broad = min(WIDTH, _BREADTH_OF_EACH * len(terms))
    return np.asarray([(WIDTH - broad) / 2, 0.0] + shares * [broad, 1.0])


def _lying(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turned so that the long side lies: a page is wider than it is high. The foremost term is right of the middle, and
    below it, whatever signs the turning came with."""
    centred = places - places.mean(axis=0)
    turned = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
    return np.asarray(turned * np.where(turned[0] < 0, -1.0, 1.0))


def _apart(places: NDArray[np.float64], widths: NDArray[np.float64], height: float) -> NDArray[np.float64]:
    """Boxes pushed away from each other, the shorter way, until none lies on another or the rounds are over."""
    inside = np.stack([widths / 2 + _EDGE, np.full(len(widths), _BOX_HEIGHT / 2 + _EDGE)], axis=1)
    need_x, need_y = (widths[:, None] + widths[None, :]) / 2 + _GAP, _BOX_HEIGHT + _GAP
    # Two in the very same place are told apart by their order.
    numbers = np.arange(len(widths))
    order = np.sign(numbers[:, None] - numbers[None, :]) * 1e-6
    moved = np.clip(places, inside, [WIDTH, height] - inside)
    for _ in range(_ROUNDS):
        lies_on = _lie_on_another(moved, widths)
        if not lies_on.any():
            break
        by = moved[:, None, :] - moved[None, :, :]
        by_x, by_y = by[..., 0] + order, by[..., 1] + order
        over_x, over_y = need_x - np.abs(by_x), need_y - np.abs(by_y)
        sideways = over_x < over_y
        push_x = np.where(lies_on & sideways, np.sign(by_x) * over_x / 2, 0.0).sum(axis=1)
        push_y = np.where(lies_on & ~sideways, np.sign(by_y) * over_y / 2, 0.0).sum(axis=1)
        moved = np.clip(moved + 0.6 * np.stack([push_x, push_y], axis=1), inside, [WIDTH, height] - inside)
    return moved


def _lie_on_another(places: NDArray[np.float64], widths: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Shape (boxes, boxes); a little less than the gap between two is no matter."""
    by = np.abs(places[:, None, :] - places[None, :, :])
    found = (by[..., 0] < (widths[:, None] + widths[None, :]) / 2 + _GAP / 2) & (by[..., 1] < _BOX_HEIGHT + _GAP / 2)
    np.fill_diagonal(found, val=False)
    return np.asarray(found)
