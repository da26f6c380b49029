"""The key that seals sign-ins under way: made at first need, the same for every process of a home, in no backup."""

import secrets
from pathlib import Path

from assistant.access.flow import SHORTEST_KEY
from assistant.errors import BadInput
from knowledge.durable_files import make_once

NAME = "sign-in-flow.key"


def flow_key(folder: Path) -> bytes:
    """The key of this folder, made where there is none. Raises BadInput for one that is cut short, OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / NAME
    if not path.exists():
        make_once(path, secrets.token_bytes(SHORTEST_KEY))
    key = path.read_bytes()
    if len(key) < SHORTEST_KEY:
        raise BadInput(f"{path}: is no key", "delete it: it is made anew, and sign-ins under way begin again")
    return key
