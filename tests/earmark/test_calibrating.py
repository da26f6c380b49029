"""`earmark bench calibrate` where the home's own verdict cannot be changed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.errors import BadInput
from earmark.cli import app


@pytest.mark.faults
def test_a_verdict_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").mkdir()
    ran = CliRunner().invoke(app, ["--home", str(tmp_path), "bench", "calibrate", "--reset"])
    assert isinstance(ran.exception, BadInput)
    assert "verdict.json cannot be changed: Is a directory" in str(ran.exception)
