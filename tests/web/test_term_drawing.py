"""A map of terms as a drawing: nothing lies on anything, all of it is inside, and it is the same each time."""

import itertools
import random

import pytest

from knowledge.terms.term_map import Explained, Term, TermMap, Tie
from web.views.term_drawing import WIDTH, draw, label_of

WHERE = Explained("a", 0, 0.0, 4.0, "said", False, 0, 4)


def random_map(seed: int, *, terms: int, ties: int) -> TermMap:
    chance = random.Random(seed)
    names = [f"{number:02}" + chance.choice("ab木") * chance.randrange(1, 40) for number in range(terms)]
    pairs = chance.sample(list(itertools.combinations(names, 2)), min(ties, terms * (terms - 1) // 2))
    return TermMap(
        tuple(Term(name, name, "en", 2, 1.0, WHERE) for name in names),
        tuple(Tie(one, other, 2, chance.uniform(4, 900)) for one, other in pairs),
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("terms", "ties"), [(0, 0), (1, 0), (2, 1), (5, 0), (9, 4), (24, 48), (40, 20), (40, 80)])
def test_nothing_lies_on_anything_and_all_is_inside(seed: int, terms: int, ties: int) -> None:
    drawing = draw(random_map(seed, terms=terms, ties=ties))
    assert len(drawing.boxes) == terms
    for box in drawing.boxes:
        assert 0 <= box.left <= box.left + box.width <= WIDTH
        assert 0 <= box.y - drawing.box_height / 2 <= box.y + drawing.box_height / 2 <= drawing.height
    on_another = [
        (one.label, other.label)
        for one, other in itertools.combinations(drawing.boxes, 2)
        if abs(one.x - other.x) < (one.width + other.width) / 2 and abs(one.y - other.y) < drawing.box_height
    ]
    assert on_another == []


def test_a_line_ends_in_the_boxes_that_it_joins_and_the_stronger_is_the_thicker() -> None:
    names = ("pump", "seal", "valve")
    terms = tuple(Term(name, name, "en", 2, 1.0, WHERE) for name in names)
    drawing = draw(TermMap(terms, (Tie("pump", "seal", 2, 90.0), Tie("seal", "valve", 2, 9.0))))
    at = {box.term.key: (box.x, box.y) for box in drawing.boxes}
    strong, weak = drawing.lines
    assert ((strong.x1, strong.y1), (strong.x2, strong.y2)) == (at["pump"], at["seal"])
    assert ((weak.x1, weak.y1), (weak.x2, weak.y2)) == (at["seal"], at["valve"])
    assert strong.width > weak.width >= 1


def test_the_same_map_gives_the_same_drawing() -> None:
    assert draw(random_map(3, terms=30, ties=50)) == draw(random_map(3, terms=30, ties=50))


def test_a_long_term_is_shortened_where_it_does_not_fit() -> None:
    assert label_of("short") == "short"
    assert label_of("w" * 25) == "w" * 23 + "…"
    assert label_of("木" * 12) == "木" * 12
    assert label_of("木" * 13) == "木" * 11 + "…"
