"""One settings class, read once by each entry point: flags, then EARMARK_…, then HOME/earmark.toml, then defaults.

Unknown names are refused with the nearest one named, because a misspelt setting that is ignored is a silent fault.
"""

import difflib
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from assistant.errors import BadInput

PREFIX = "EARMARK_"
TOML_NAME = "earmark.toml"


class RecogniserName(StrEnum):
    POCKETSPHINX = "pocketsphinx"
    FUNASR = "funasr"
    REMOTE = "remote"


class SettingsError(BadInput):
    """A setting that is unknown or cannot be read: nothing is tried."""

    kind = "bad-setting"


class Settings(BaseSettings):
    """Every field can be set as EARMARK_<NAME> or in HOME/earmark.toml."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True)

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
    """Its key, sent as a bearer token and never logged."""
    recognizer_device: str = Field(default="auto", pattern=r"auto|cpu|cuda(:\d+)?")
    """Where funasr runs: auto takes the GPU if there is one."""
    recognizer_dtype: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Numbers funasr computes with: auto is half precision where it is native."""
    recognizer_children: int | None = Field(default=None, ge=1, le=64)
    """Device children of the recogniser; as many as there are cores (at most 8) where absent."""
    aligner: Path | None = None
    """Folder of Qwen3-ForcedAligner: words get times where the recogniser gives none."""
    embedder: str = "all-MiniLM-L6-v2"
    """Folder of a sentence-transformers model, or the name of the packaged one."""
    reranker: str = ""
    """Folder of a cross-encoder that reads the best passages again with the question; empty for none."""
    engine_url: str | None = None
    """Comma list of engines elsewhere; where absent the engine of this home is used."""
    engine_key: str | None = None
    """Secret of the engines named in engine_url."""
    sign_in: Literal["none"] = "none"
    """Nobody signs in: pages are served on this machine's loopback address alone."""
    max_hours: float = Field(default=24.0, gt=0)
    """Longest recording, in hours of decoded sound."""
    max_upload_mb: float = Field(default=4096.0, gt=0)
    """Largest uploaded file, in MB."""
    least_free_mb: float = Field(default=2048.0, ge=0)
    """Below this much free disk uploads and indexing stop; questions go on."""
    host: str = "127.0.0.1"
    """Address of the pages; only loopback while nobody signs in."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port of the pages; 0 takes a free one."""
    workers: int = Field(default=1, ge=1, le=64)
    """Recordings indexed at once by one worker process."""

    @property
    def database(self) -> str:
        return self.database_url or default_database_url(self.home)


def read_settings(flags: Mapping[str, Any] | None = None) -> Settings:
    """Settings from every source, in order. Raises SettingsError naming the unknown or unreadable one."""
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    in_environment = {name[len(PREFIX) :].lower() for name in os.environ if name.startswith(PREFIX)}
    _refuse_unknown(in_environment, where="environment", shown=lambda name: PREFIX + name.upper())
    home = _home(given)
    _refuse_unknown(_names_in(home / TOML_NAME), where=str(home / TOML_NAME))
    try:
        return _of_home(home)(**{**given, "home": home})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"setting {name}: {first['msg'].lower()} (given: {first['input']!r})") from error


def _home(given: Mapping[str, Any]) -> Path:
    told = given.get("home") or os.environ.get(f"{PREFIX}HOME") or Settings.model_fields["home"].default
    return Path(told).expanduser().absolute()


def _of_home(home: Path) -> type[Settings]:
    """The settings class that reads this home's file: pydantic-settings takes a file's path from the class."""

    class HomeSettings(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, home / TOML_NAME)

    return HomeSettings


def _names_in(path: Path) -> Iterable[str]:
    try:
        names = tomllib.loads(path.read_text(encoding="utf-8")).keys()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error
    if "home" in names:
        raise SettingsError(f"{path}: home cannot be set inside home", "use --home or EARMARK_HOME")
    return names


def _refuse_unknown(names: Iterable[str], *, where: str, shown: Callable[[str], str] = str) -> None:
    for name in names:
        if name not in Settings.model_fields:
            nearest = difflib.get_close_matches(name, Settings.model_fields, n=1)
            hint = f"did you mean {shown(nearest[0])}?" if nearest else "the manual lists every setting"
            raise SettingsError(f"{where}: unknown setting {shown(name)}", hint)


def default_database_url(home: Path) -> str:
    return f"sqlite:///{home / 'earmark.db'}"
