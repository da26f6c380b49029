"""The process that makes the embedder's export: whatever it takes and however it ends, the embedder is unharmed.

Started by the embedder's child as `python -m assistant.engine.exporting MODEL_FOLDER EXPORTS_FOLDER PARENT_PID`.
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import structlog

from assistant.engine.device import die_with_parent
from knowledge.model_files import WrongModel

log = structlog.get_logger(__name__)

LEAST_URGENT = 19
FIRST_TO_BE_KILLED = "1000"
"""Where memory runs out, the kernel takes this process before any that serves."""


def main() -> None:
    folder, exports, parent_pid = sys.argv[1:]
    die_with_parent(int(parent_pid))
    os.nice(LEAST_URGENT)
    with suppress(OSError):  # a /proc that is not there or may not be written
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_BE_KILLED, encoding="ascii")
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ]
    )
    started = time.monotonic()
    from knowledge.model_export import make_export

    try:
        about = make_export(Path(folder), Path(exports))
    except (OSError, ImportError, WrongModel) as error:
        log.warning("the embedder cannot be exported: torch goes on running it", reason=str(error))
        sys.exit(1)
    if about.unfit is None:
        log.info("embedder exported for ONNX Runtime", took_s=round(time.monotonic() - started, 1))


if __name__ == "__main__":
    main()
