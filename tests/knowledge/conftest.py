"""The packaged embedder's export, which takes seconds to make: once for all tests."""

from pathlib import Path

import pytest

from knowledge.model_export import make_export
from knowledge.model_files import MINILM, packaged_model_folder


@pytest.fixture(scope="session")
def exported_minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of exports with the packaged model's in it."""
    exports = tmp_path_factory.mktemp("exports")
    assert make_export(packaged_model_folder(MINILM), exports).unfit is None
    return exports
