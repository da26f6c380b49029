"""One settings class, read once by each entry point: flags, then EARMARK_…, then HOME/earmark.toml, then defaults.

Unknown names are refused with the nearest one named, because a misspelt setting that is ignored is a silent fault.
"""

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from assistant.access.caller import SignIn
from assistant.errors import BadInput
from assistant.notices.smtp import Security
from assistant.topics.figures import FEWEST_ALLOWED
from web.origins import Origin, read_frame_ancestors, read_origin

PREFIX = "EARMARK_"
TOML_NAME = "earmark.toml"
SECRET = frozenset({"recognizer_key", "engine_key", "oidc_client_secret", "smtp_password"})
"""What no message repeats."""


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
    sign_in: SignIn = SignIn.NONE
    """Who may come in: nobody signs in (this machine's loopback address alone), local accounts, or a provider."""
    session_idle_minutes: float = Field(default=480.0, gt=0)
    """A session without a request for so many minutes is over."""
    session_days: float = Field(default=7.0, gt=0)
    """A session is over after so many days, whatever happens in it."""
    oidc_issuer: str = ""
    """The OpenID provider's https address, as it writes it itself."""
    oidc_client_id: str = ""
    """How the provider knows us."""
    oidc_client_secret: SecretStr | None = None
    """Its secret, never shown or logged; absent for a public client."""
    oidc_scopes: str = "openid profile email"
    """What is asked of the provider, with spaces between."""
    oidc_role_claim: str = ""
    """The claim that holds what gives a role: a name, or a path with dots. Empty: roles are given in Earmark."""
    oidc_roles: str = ""
    """Which of its values give which role: VALUE=ROLE, with commas between. Of several the highest counts."""
    oidc_default_role: Literal["employee", "none"] = "employee"
    """Of those whom no value gives a role; none lets them not in."""
    oidc_groups_claim: str = ""
    """The claim that holds groups: a name, or a path with dots."""
    oidc_required: str = ""
    """CLAIM=VALUE: who does not have it is not let in, such as hd=example.org at Google."""
    oidc_max_age_hours: float | None = Field(default=None, gt=0)
    """How long ago, in hours, a person may have signed in at the provider; where absent that is left to it."""
    audit_checkpoints: Path | None = None
    """File that signed statements about the audit log are added to; HOME/audit/checkpoints.jsonl where absent."""
    keep_audit_days: int = Field(default=0, ge=0)
    """Age in days at which rows of the audit log go; 0 keeps them for ever."""
    max_hours: float = Field(default=24.0, gt=0)
    """Longest recording, in hours of decoded sound."""
    max_upload_mb: float = Field(default=4096.0, gt=0)
    """Largest uploaded file, in MB."""
    least_free_mb: float = Field(default=2048.0, ge=0)
    """Below this much free disk uploads and indexing stop; questions go on."""
    limit_questions_a_minute: int = Field(default=60, ge=0)
    """Typed questions that one person may ask in a minute; 0 for no limit. This and the next: an address ten times."""
    limit_voice_a_minute: int = Field(default=30, ge=0)
    """Spoken questions; 0 for no limit."""
    limit_uploads_a_minute: int = Field(default=600, ge=0)
    """Recordings sent; 0 for no limit."""
    limit_requests_a_minute: int = Field(default=600, ge=0)
    """Everything else, pages above all; 0 for no limit."""
    limit_sign_ins_a_minute: int = Field(default=30, ge=0)
    """Attempts to sign in from one address; 0 for no limit."""
    host: str = "127.0.0.1"
    """Address of the pages; only loopback while nobody signs in."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port of the pages; 0 takes a free one."""
    public_url: str = ""
    """Origin that people open, such as https://earmark.example.com; empty where that is loopback."""
    trusted_proxies: str = ""
    """Comma list of addresses and networks whose X-Forwarded-For and X-Forwarded-Proto are believed; empty for none."""
    frame_ancestors: str = "none"
    """Who may show the pages in a frame, such as an LMS: none, or origins with spaces between."""
    tls_cert: Path | None = None
    """Certificate with what signed it, PEM; the pages then speak HTTPS alone."""
    tls_key: Path | None = None
    """Its private key, PEM, without a password."""
    keep_questions_days: int = Field(default=365, ge=0, le=36_500)
    """Questions, with their answers, are deleted after so many days; 0 keeps them for ever."""
    keep_recordings_days: int = Field(default=0, ge=0, le=36_500)
    """Recordings are removed so many days after their publication; 0 keeps them for ever."""
    keep_question_sound_days: int = Field(default=0, ge=0, le=36_500)
    """A question's voice is deleted after so many days; 0 drops it as soon as it is heard."""
    smtp_host: str = ""
    """Mail server by which those who asked are told of an answer; empty for none. Needs public_url, for the link."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    """Its port."""
    smtp_security: Security = Security.STARTTLS
    """How what goes there is encrypted: starttls, tls from the first byte on, or none."""
    smtp_user: str = ""
    """By which we sign in there; empty where nobody need."""
    smtp_password: SecretStr | None = None
    """Never shown or logged."""
    smtp_from: str = ""
    """Address that mails come from."""
    smtp_ca: Path | None = None
    """Who signs the mail server's certificate, PEM; the system's authorities where absent."""
    deletions_beside: Path | None = None
    """Folder of the backups: its list of deletions gets each one at once."""
    time_zone: str = "UTC"
    """Whose weeks the figures of what is asked are kept by: an IANA name, such as Europe/Berlin."""
    fewest_people: int = Field(default=FEWEST_ALLOWED, ge=FEWEST_ALLOWED, le=1000)
    """Figures of what is asked are shown where so many people stand behind them."""
    workers: int = Field(default=1, ge=1, le=64)
    """Recordings indexed at once by one worker process."""

    @field_validator("public_url")
    @classmethod
    def _an_origin(cls, told: str) -> str:
        return str(read_origin(told)) if told else ""

    @field_validator("time_zone")
    @classmethod
    def _a_zone(cls, told: str) -> str:
        try:
            return ZoneInfo(told).key
        except (OSError, ValueError, ZoneInfoNotFoundError):
            raise ValueError("not the name of a time zone, such as Europe/Berlin") from None

    @field_validator("frame_ancestors")
    @classmethod
    def _frame_sources(cls, told: str) -> str:
        read_frame_ancestors(told)
        return told

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, told: str) -> str:
        for each in _in_list(told):
            ipaddress.ip_network(each)
        return told

    @property
    def public_origin(self) -> Origin | None:
        return read_origin(self.public_url) if self.public_url else None

    @property
    def proxies(self) -> list[str]:
        return _in_list(self.trusted_proxies)

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
        given_value = "not shown" if name in SECRET else repr(first["input"])
        raise SettingsError(f"setting {name}: {first['msg'].lower()} (given: {given_value})") from None


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


def _in_list(told: str) -> list[str]:
    return [each.strip() for each in told.split(",") if each.strip()]


def default_database_url(home: Path) -> str:
    return f"sqlite:///{home / 'earmark.db'}"
