"""Where recordings are while they come in. Apart from what reads them, for others sweep it, too."""

import shutil
from pathlib import Path

_ABANDONED_AFTER_S = 24 * 3600.0


def uploads_folder(home: Path) -> Path:
    return home / "run" / "uploads"


def sweep_uploads(home: Path, *, now_s: float) -> None:
    """What a killed server left half received; younger folders may belong to a server beside this one."""
    if not uploads_folder(home).is_dir():
        return
    for folder in uploads_folder(home).iterdir():
        if now_s - folder.stat().st_mtime > _ABANDONED_AFTER_S:
            shutil.rmtree(folder, ignore_errors=True)
