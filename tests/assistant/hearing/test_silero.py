"""The speech detector's library: what it must not do."""

import os
import subprocess
import sys
from pathlib import Path

LOADS = "import time; from assistant.hearing.silero import load_session; load_session(); time.sleep(0.5)"


def test_loading_it_leaves_no_trace_and_looks_nobody_up(tmp_path: Path) -> None:
    """onnxruntime reports its use to its maker, beginning with an identifier that it writes into the user's cache."""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", LOADS], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []
