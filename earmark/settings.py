"""One settings class, read once by each entry point: flags, then EARMARK_…, then HOME/earmark.toml, then defaults.

Unknown names are refused with the nearest one named, because a misspelt setting that is ignored is a silent fault.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from assistant.errors import BadInput

PREFIX = "EARMARK_"


class RecogniserName(StrEnum):
    POCKETSPHINX = "pocketsphinx"
    REMOTE = "remote"


class SettingsError(BadInput):
    """A setting that is unknown or cannot be read: nothing is tried."""

    kind = "bad-setting"


class Settings(BaseSettings):
    """Every field can be set as EARMARK_<NAME> or in HOME/earmark.toml."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path = Path("~/.earmark")
    """Folder of the database, the files, the index and the running state."""
    database_url: str | None = None
    """PostgreSQL by URL (postgresql+psycopg://…); a SQLite file under home where absent."""
    recognizer: RecogniserName = RecogniserName.POCKETSPHINX
    """Read by the engine alone."""
    recognizer_model: Path | None = None
    """Folder of the recogniser's model."""
    recognizer_url: str | None = None
    """Base address of an OpenAI-compatible server, for recognizer = remote."""
    recognizer_key: str | None = None
    recognizer_children: int | None = None
    """Device children of the recogniser; as many as there are cores (at most 8) where absent."""
    embedder: str = "all-MiniLM-L6-v2"
    """Folder of a sentence-transformers model, or the name of the packaged one."""
    engine_url: str | None = None
    """Comma list of engines elsewhere; where absent the engine of this home is used."""
    engine_key: str | None = None
    sign_in: str = "none"
    max_hours: float = 24.0
    """Longest recording, in hours of decoded sound."""
    max_upload_mb: float = 4096.0
    """Largest uploaded file, in MB."""
    least_free_mb: float = 2048.0
    """Below this much free disk uploads and indexing stop; questions go on."""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    """Recordings indexed at once by one worker process."""

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'earmark.db'}"


def read_settings(
    flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Settings from every source, in order. Raises SettingsError naming the unknown or unreadable one."""
    env = dict(os.environ if environment is None else environment)
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    from_env = _known(
        {key[len(PREFIX) :].lower(): value for key, value in env.items() if key.startswith(PREFIX)},
        where="environment",
    )
    home = Path(
        given.get("home") or from_env.get("home") or Settings.model_fields["home"].default
    ).expanduser()
    from_file = _known(_read_toml(home / "earmark.toml"), where=str(home / "earmark.toml"))
    if "home" in from_file:
        raise SettingsError(f"{home / 'earmark.toml'}: `home` cannot be set inside home", "use --home")
    try:
        return Settings.model_validate({**from_file, **from_env, **given, "home": home.absolute()})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"setting {name}: {first['msg'].lower()} (given: {first['input']!r})") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error


def _known(values: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    for name in values:
        if name not in Settings.model_fields:
            nearest = difflib.get_close_matches(name, Settings.model_fields, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(Settings.model_fields)}"
            raise SettingsError(f"{where}: unknown setting {name}", hint)
    return dict(values)
