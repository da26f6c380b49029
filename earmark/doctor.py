"""What is well and what is not on this machine, in plain words, each with what to do. Opens no model."""

import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from assistant.answering.own_verdict import read_own_verdict
from assistant.engine.client import ModelState
from assistant.engine.http_client import HttpEngineClient
from assistant.engine.live import read_live_engine
from assistant.errors import EarmarkError
from earmark.build import embedder_folder, own_verdict_file, recogniser_model
from earmark.migrations import current_and_newest
from earmark.settings import RecogniserName, Settings
from knowledge.database import Database
from knowledge.errors import KnowledgeError
from knowledge.index.manifest import BaseDamagedError, check_current, indexed_embedder
from knowledge.model_files import reranker_folder
from web.build_static import is_built


class Health(StrEnum):
    WELL = "well"
    NOTE = "note"
    """Works, but a person should know."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    health: Health
    detail: str
    way_out: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at every part in turn; one that fails hides no other."""
    looks: list[Callable[[Settings], Finding]] = [
        _python,
        _home,
        _disk,
        _database,
        _index,
        _recogniser,
        _aligner,
        _embedder,
        _reranker,
        _verdict,
        _engine,
        _pages,
    ]
    return [look(settings) for look in looks]


def _python(_settings: Settings) -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("python", Health.WELL, version)


def _home(settings: Settings) -> Finding:
    home = settings.home
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = home / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Finding(
            "home", Health.BROKEN, f"{home} cannot be written: {error.strerror}", "use --home or mend its rights"
        )
    if home.stat().st_mode & 0o077:
        return Finding("home", Health.NOTE, f"{home} can be read by other users of this machine", f"chmod 700 {home}")
    return Finding("home", Health.WELL, str(home))


def _disk(settings: Settings) -> Finding:
    free_mb = shutil.disk_usage(settings.home).free / 1e6
    detail = f"{free_mb / 1000:.1f} GB free"
    if free_mb < settings.least_free_mb:
        least_gb = settings.least_free_mb / 1000
        return Finding("disk", Health.BROKEN, f"{detail}; below {least_gb:.1f} GB nothing is indexed", "free some disk")
    return Finding("disk", Health.WELL, detail)


def _database(settings: Settings) -> Finding:
    kind = "SQLite" if settings.database.startswith("sqlite") else "PostgreSQL"
    database = Database(settings.database)
    try:
        schema, newest = current_and_newest(database)
        with database.read() as session:
            intact = session.scalar(text("PRAGMA quick_check")) if database.is_sqlite else "ok"
    except (SQLAlchemyError, sqlite3.Error, EarmarkError, KnowledgeError) as error:
        return Finding("database", Health.BROKEN, f"{kind}: {error}", "restore a backup, or mend EARMARK_DATABASE_URL")
    finally:
        database.close()
    if intact != "ok":
        return Finding("database", Health.BROKEN, f"{kind}: damaged: {intact}", "restore the newest backup")
    if schema is None:
        return Finding("database", Health.NOTE, f"{kind}: empty", "it is made at the first start")
    if schema != newest:
        return Finding(
            "database", Health.NOTE, f"{kind}: schema {schema}, this program has {newest}", "start the server"
        )
    return Finding("database", Health.WELL, f"{kind}, schema {schema}")


def _index(settings: Settings) -> Finding:
    """No more than a note: whoever opens a damaged one makes it anew."""
    try:
        manifest = check_current(settings.home / "index")
    except BaseDamagedError as error:
        way_out = "nothing: it is made anew from the database when it is next opened, or now by earmark index --rebuild"
        return Finding("index", Health.NOTE, f"damaged: {error}", way_out)
    except OSError as error:
        folder = settings.home / "index"
        return Finding("index", Health.BROKEN, f"{folder} cannot be read: {error.strerror}", "mend its rights")
    if manifest is None:
        return Finding("index", Health.NOTE, "none yet", "it is made with the first recording")
    return Finding("index", Health.WELL, f"{manifest.passages:,} passages")


def _recogniser(settings: Settings) -> Finding:
    if settings.recognizer is RecogniserName.REMOTE:
        if not settings.recognizer_url:
            return Finding("recogniser", Health.BROKEN, "remote, but no address", "set EARMARK_RECOGNIZER_URL")
        return Finding("recogniser", Health.WELL, f"remote: {settings.recognizer_url}")
    if settings.recognizer is RecogniserName.FUNASR:
        return _fun_asr(settings)
    return Finding(
        "recogniser",
        Health.NOTE,
        "pocketsphinx, the trial default: English only, about 4 words in 10 wrong on real speech",
        "put a script beside each recording, or set EARMARK_RECOGNIZER to funasr or remote",
    )


def _fun_asr(settings: Settings) -> Finding:
    """Folder, versions and device; the model itself is loaded by the engine alone."""
    from assistant.recognising.fun_asr.device import place
    from assistant.recognising.fun_asr.folder import read_folder

    try:
        read_folder(Path(recogniser_model(settings) or ""))
        placement = place(settings.recognizer_device, settings.recognizer_dtype)
    except KnowledgeError as error:
        return Finding("recogniser", Health.BROKEN, f"funasr: {error.detail}", error.way_out)
    if placement.device.type == "cpu":
        way_out = "a GPU makes it many times faster; PyTorch finds none here"
        return Finding("recogniser", Health.NOTE, f"funasr on {placement}", way_out)
    return Finding("recogniser", Health.WELL, f"funasr on {placement}")


def _aligner(settings: Settings) -> Finding:
    if settings.aligner is None:
        return Finding("aligner", Health.WELL, "none; words have times where the recogniser gives them")
    if settings.recognizer is RecogniserName.POCKETSPHINX:
        return Finding("aligner", Health.NOTE, "not used: pocketsphinx gives word times by itself", "unset aligner")
    if not (settings.aligner / "config.json").is_file():
        return Finding("aligner", Health.BROKEN, f"{settings.aligner}: no model folder", "name it in aligner")
    return Finding("aligner", Health.WELL, str(settings.aligner))


def _embedder(settings: Settings) -> Finding:
    try:
        folder = embedder_folder(settings)
    except KnowledgeError as error:
        return Finding("embedder", Health.BROKEN, error.detail, error.way_out)
    if settings.embedder == Settings.model_fields["embedder"].default:
        return Finding(
            "embedder", Health.NOTE, f"{settings.embedder}, the trial default: English only", "set EARMARK_EMBEDDER"
        )
    return Finding("embedder", Health.WELL, str(folder))


def _reranker(settings: Settings) -> Finding:
    if not settings.reranker:
        return Finding("reranker", Health.WELL, "none; passages are ranked without one")
    try:
        folder = reranker_folder(settings.reranker)
    except KnowledgeError as error:
        return Finding("reranker", Health.BROKEN, error.detail, error.way_out)
    return Finding("reranker", Health.WELL, str(folder))


def _verdict(settings: Settings) -> Finding:
    """By what it is decided whether a question is answered. Whose vectors the index holds is what its folder says."""
    try:
        own = read_own_verdict(own_verdict_file(settings))
    except EarmarkError as error:
        return Finding("verdict", Health.NOTE, f"what ships; {error.detail}", error.way_out)
    if own is None:
        return Finding("verdict", Health.WELL, "what ships")
    indexed = indexed_embedder(settings.home / "index")
    if indexed is not None and indexed != own.embedder_digest:
        return Finding(
            "verdict",
            Health.NOTE,
            f"what ships; the company's own ({own}) was fitted with another embedder",
            "`earmark bench calibrate --questions FILE --write` fits it anew",
        )
    return Finding("verdict", Health.WELL, f"the company's own, {own}")


def _engine(settings: Settings) -> Finding:
    if settings.engine_url:
        client = HttpEngineClient(settings.engine_url, settings.engine_key or "")
        where = settings.engine_url
    else:
        live = read_live_engine(settings.home)
        if live is None:
            return Finding("engine", Health.NOTE, "not running", "`earmark serve` starts it")
        client, where = HttpEngineClient(live.url, live.key), f"process {live.pid}"
    try:
        state = client.state()
    except EarmarkError as error:
        if error.reason:
            told = error.reason if settings.engine_url else f"{where}: {error.reason}"  # the reason has the address
            return Finding("engine", Health.BROKEN, told, "see whether the engine runs, and its log")
        return Finding("engine", Health.BROKEN, f"{where}: {error.detail}", error.way_out or "restart it")
    models = [model for model in (state.recogniser, state.embedder, state.reranker) if model is not None]
    down = [model for model in models if model.state == "down"]
    if down:
        return Finding("engine", Health.BROKEN, f"{where}: {down[0].name} is down: {down[0].detail}", "see its log")
    return Finding("engine", Health.WELL, f"{where}: {', '.join(map(_name_and_way, models))}")


def _name_and_way(model: ModelState) -> str:
    return f"{model.name} by {model.runs_by}" if model.runs_by else model.name


def _pages(_settings: Settings) -> Finding:
    if not is_built():
        return Finding("pages", Health.BROKEN, "the page's libraries are not installed", "run: make setup")
    return Finding("pages", Health.WELL, "built")
