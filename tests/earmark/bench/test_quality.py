"""A run's figures, group by group."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from earmark.bench.grouping import wer_label
from earmark.bench.measures import lectures_measures, retrieval_measures
from earmark.bench.outcomes import Outcome, columns_of
from earmark.bench.quality import quality_of
from earmark.bench.resampling import figures_of
from knowledge.finding.moment import Verdict
from tests.earmark.bench.made_outcomes import many, outcome

SURE = Verdict.ANSWERED
FOUR = [
    outcome("a", rank=1, covered=0.9, probability=0.9, verdict=SURE, start_error_s=2.0, kind="near-verbatim"),
    outcome("b", rank=3, covered=0.7, probability=0.8, verdict=SURE, kind="paraphrase"),
    outcome("c", rank=None, covered=0.6, probability=0.1, kind="paraphrase", language="zh"),
    outcome("d", answerable=False, covered=0.2, probability=0.1, kind="unanswerable"),
]


def values(outcomes: list[Outcome]) -> dict[str, float]:
    return {name: figure.value for name, figure in quality_of(outcomes, lectures_measures()).everything.figures.items()}


def test_the_figures_of_four_questions() -> None:
    figures = values(FOUR)
    assert figures["moment@1"] == pytest.approx(1 / 3)
    assert figures["moment@3"] == pytest.approx(2 / 3)
    assert figures["MRR"] == pytest.approx((1 + 1 / 3) / 3)
    assert figures["start error median"] == 2.0
    assert figures["confident precision"] == 0.5
    assert figures["confident recall"] == pytest.approx(1 / 3)
    assert figures["confident F1"] == pytest.approx(0.4)
    assert figures["confident where unanswerable"] == 0.0
    assert figures["covered AUROC"] == 1.0
    assert figures["covered coverage at 95 %"] == 1.0


def test_a_group_that_cannot_give_a_figure_gives_none() -> None:
    groups = quality_of(FOUR, lectures_measures()).groups
    assert list(groups) == ["language", "kind", "language and kind"]
    assert set(groups["kind"]["unanswerable"].figures) == {"confident where unanswerable"}
    assert groups["kind"]["paraphrase"].questions == 2


def test_groups_stand_side_by_side_in_a_table() -> None:
    lines = list(quality_of(FOUR, lectures_measures()).lines())
    at = lines.index("| kind | near-verbatim | paraphrase | unanswerable |")
    assert lines[at + 1 : at + 4] == [
        "| --- | ---: | ---: | ---: |",
        "| questions, answerable | 1, 1 | 2, 2 | 1, 0 |",
        "| moment@1 | 100.0 [100.0, 100.0] | 0.0 [0.0, 0.0] | - |",
    ]


def test_near_misses_count_only_apart() -> None:
    near = outcome("n", answerable=False, near=True, covered=0.9)
    quality = quality_of([*FOUR, near], lectures_measures())
    assert quality.everything.questions == 4
    assert quality.near is not None
    assert quality.near.figures["covered AUROC"].value < 1.0


@given(many())
@settings(max_examples=25, deadline=None)
def test_every_figure_lies_in_its_interval_and_is_the_same_again(outcomes: list[Outcome]) -> None:
    columns = columns_of(outcomes)
    first = figures_of(columns, retrieval_measures())
    assert first == figures_of(columns, retrieval_measures())
    for figure in first.values():
        assert 0.0 <= figure.low <= figure.high <= 1.0 + 1e-9
        assert not np.isnan(figure.value)


@given(many())
@settings(max_examples=10, deadline=None)
def test_a_report_is_a_document_and_lines(outcomes: list[Outcome]) -> None:
    quality = quality_of(outcomes, lectures_measures())
    assert json.loads(json.dumps(quality.as_document(), allow_nan=False))["questions"] == len(outcomes)
    assert all(isinstance(line, str) for line in quality.lines())


@pytest.mark.parametrize(
    ("wer", "label"),
    [(0.0, "0 %"), (0.1, "0 to 10 %"), (0.101, "10 to 20 %"), (0.5, "30 to 50 %"), (1.4, "over 50 %")],
)
def test_word_error_rates_fall_into_bins(wer: float, label: str) -> None:
    assert wer_label(wer) == label
