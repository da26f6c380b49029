"""Scores of one channel brought to the scale of the others: how far above its own pool's mean, in deviations."""

import numpy as np

from knowledge.finding.channels import Scores

_FLAT = 1e-9


def z_scores(scores: Scores) -> Scores:
    """Column by column, nan staying nan; a channel that says the same of all passages says nothing: 0."""
    known = ~np.isnan(scores)
    count = known.sum(axis=0).clip(1)
    filled = np.where(known, scores, 0.0)
    mean = filled.sum(axis=0) / count
    spread = np.sqrt((np.where(known, scores - mean, 0.0) ** 2).sum(axis=0) / count)
    return np.asarray((scores - mean) / np.where(spread > _FLAT, spread, np.inf))
