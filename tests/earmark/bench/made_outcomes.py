"""Outcomes for tests: written by hand, and drawn by hypothesis."""

from hypothesis import strategies as st

from earmark.bench.outcomes import Outcome
from knowledge.finding.moment import Verdict


def outcome(
    key: str = "q",
    *,
    rank: int | None = 1,
    answerable: bool = True,
    covered: float = 0.5,
    probability: float = 0.5,
    verdict: Verdict = Verdict.CLOSEST,
    start_error_s: float | None = None,
    near: bool = False,
    language: str = "en",
    kind: str = "",
    wer: float | None = None,
) -> Outcome:
    return Outcome(
        id=key,
        answerable=answerable,
        ranks=(rank,) if answerable and rank is not None else (),
        relevant=1 if answerable else 0,
        start_error_s=start_error_s if answerable and rank == 1 else None,
        covered=covered,
        probability=probability,
        verdict=verdict,
        near=near,
        language=language,
        kind=kind,
        wer=wer,
    )


probabilities = st.integers(0, 20).map(lambda each: each / 20)
drawn = st.builds(
    outcome,
    rank=st.none() | st.integers(1, 12),
    answerable=st.booleans(),
    covered=probabilities,
    probability=probabilities,
    verdict=st.sampled_from(Verdict),
    start_error_s=st.none() | st.integers(0, 30).map(float),
    near=st.just(False),
    language=st.sampled_from(["en", "zh"]),
    kind=st.sampled_from(["near-verbatim", "paraphrase"]),
    wer=st.none() | probabilities,
)


def many(fewest: int = 1, most: int = 25) -> st.SearchStrategy[list[Outcome]]:
    """Questions q0, q1, …"""
    return st.lists(drawn, min_size=fewest, max_size=most).map(numbered)


def numbered(outcomes: list[Outcome]) -> list[Outcome]:
    from dataclasses import replace

    return [replace(each, id=f"q{at}") for at, each in enumerate(outcomes)]
