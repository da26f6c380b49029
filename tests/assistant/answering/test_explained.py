"""What explanations are made of has a plain name, and a document."""

from assistant.answering.explained import CHANNEL_NAMES, FEATURE_NAMES, nowhere
from knowledge.finding.channels import CHANNELS
from knowledge.finding.refusing import feature_names, fitted
from knowledge.model_files import MINILM_SHA256, digest_of

PACKAGED = digest_of(MINILM_SHA256)


def test_every_matcher_and_every_feature_has_a_name_of_its_own() -> None:
    assert set(CHANNEL_NAMES) == set(CHANNELS)
    assert set(FEATURE_NAMES) == set(feature_names()) >= set(fitted(PACKAGED).covered.weights)
    names = [*CHANNEL_NAMES.values(), *FEATURE_NAMES.values()]
    assert len(set(names)) == len(names)


def test_only_what_every_moment_misses_is_nowhere() -> None:
    assert nowhere([("torque", "seal"), ("pump", "torque")]) == ["torque"]
    assert nowhere([]) == []
