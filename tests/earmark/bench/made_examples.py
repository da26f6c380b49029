"""Questions for fitting, drawn: half of them taught, which three features tell, more or less. Near ones are right."""

import numpy as np

from earmark.bench.fitting import Example
from knowledge.finding.refusing import Features, Model, Sight, feature_names

NAMES = ("cover_sentence", "cosine", "fused")
START = Model(-3.0, {"cover_sentence": 2.0, "cosine": 3.0, "fused": 0.5})


def made_examples(count: int, *, seed: int = 1, cover_tells: float = 1.0, sight: Sight = Sight.WHOLE) -> list[Example]:
    """`cover_tells`: how far taught questions are covered more than untaught ones."""
    chance = np.random.default_rng(seed)
    examples = []
    for at in range(count):
        covered = at % 2 == 0
        quiet = dict.fromkeys(feature_names(), 0.0)
        told = {
            "cover_sentence": float(chance.normal(0.4 + 0.3 * cover_tells * covered, 0.2)),
            "cosine": float(chance.normal(0.4 + 0.2 * covered, 0.15)),
            "fused": float(chance.normal(1.5 + covered, 1.0)),
        }
        right = covered and told["cosine"] > 0.45
        examples.append(Example("made", Features(**{**quiet, **told}), sight, covered, right))
    return examples
