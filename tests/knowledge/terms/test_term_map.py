"""A map's parts: as a whole, and around one term."""

import pytest

from knowledge.terms.term_map import Explained, Term, TermMap, Tie

WHERE = Explained("a", 0, 0.0, 4.0, "said", False, 0, 4)


def drawn() -> TermMap:
    """A star around `hub`, and a pair beside it."""
    names = ["hub", *(f"n{number:02}" for number in range(20)), "pump", "valve"]
    terms = tuple(Term(name, name, "en", 5, 100.0 - at, WHERE) for at, name in enumerate(names))
    star = tuple(Tie("hub", f"n{number:02}", 3, 90.0 - number) for number in range(20))
    return TermMap(terms, (*star, Tie("pump", "valve", 3, 8.0)))


def test_the_whole_has_the_foremost_terms_and_no_star_hides_the_others() -> None:
    overview = drawn().overview(most_terms=40, most_ties=10)
    assert len(overview.terms) == 23
    assert len(overview.ties) <= 10
    assert Tie("pump", "valve", 3, 8.0) in overview.ties
    few = drawn().overview(most_terms=3, most_ties=10)
    assert [term.key for term in few.terms] == ["hub", "n00", "n01"]
    assert {(tie.first, tie.second) for tie in few.ties} == {("hub", "n00"), ("hub", "n01")}


def test_around_a_term_are_those_that_it_is_tied_to_and_no_others() -> None:
    around = drawn().around("hub", most_terms=6, most_ties=4)
    assert [term.key for term in around.terms] == ["hub", "n00", "n01", "n02", "n03", "n04"]
    assert len(around.ties) == 4
    assert [term.key for term in drawn().around("valve", most_terms=6, most_ties=4).terms] == ["valve", "pump"]


def test_around_a_term_that_is_not_there_is_nothing() -> None:
    assert drawn().around("nobody", most_terms=6, most_ties=4) == TermMap()
    assert drawn().term("nobody") is None


def test_a_tie_has_two_ends_in_order() -> None:
    with pytest.raises(ValueError, match="in order"):
        Tie("valve", "pump", 1, 4.0)
    with pytest.raises(ValueError, match="in order"):
        Tie("pump", "pump", 1, 4.0)
