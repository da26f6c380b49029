"""Which tokens candidates are looked for by."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge.index.pruning import FEWEST, rarest

HOLDING = st.dictionaries(st.text(max_size=4), st.integers(0, 1000), max_size=30)


@given(HOLDING, st.integers(0, 5000))
def test_the_rarest_stay_within_the_budget(holding: dict[str, int], budget: int) -> None:
    chosen = rarest(holding, most_postings=budget)
    there = [token for token in holding if holding[token]]
    assert len(chosen) >= min(FEWEST, len(there))
    assert len(chosen) <= FEWEST or sum(holding[token] for token in chosen) <= budget
    left_out = [holding[token] for token in there if token not in chosen]
    assert not left_out or max(holding[token] for token in chosen) <= min(left_out)


@given(HOLDING)
def test_where_the_budget_is_large_all_that_anything_holds_are_looked_for(holding: dict[str, int]) -> None:
    assert set(rarest(holding, most_postings=10**6)) == {token for token, held in holding.items() if held}
