"""What is well and what is not on this machine, in plain words, each with what to do. Opens no model."""

import datetime as dt
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from assistant.access import people
from assistant.access.caller import SignIn
from assistant.answering.own_verdict import read_own_verdict
from assistant.audit.chain import read_time
from assistant.audit.checkpoints import CheckpointBook, check_newest, last_sight
from assistant.audit.log import head
from assistant.audit.reading import rows_from
from assistant.audit.signing_key import is_for_its_owner_alone
from assistant.engine.client import ModelState
from assistant.engine.http_client import HttpEngineClient
from assistant.engine.live import read_live_engine
from assistant.errors import EarmarkError
from assistant.notices.sending import count_mails
from earmark.build import checkpoint_book, embedder_folder, own_verdict_file, recogniser_model
from earmark.certificates import WARN_DAYS, LocalFiles, names_of
from earmark.company_mail import mailing_of, smtp_server
from earmark.company_sign_in import claim_mapping, open_provider, provider_config
from earmark.listening import tls_context
from earmark.migrations import current_and_newest
from earmark.settings import RecogniserName, Settings
from knowledge.database import Database, utc_now
from knowledge.errors import KnowledgeError
from knowledge.index.manifest import BaseDamagedError, check_current, indexed_embedder
from knowledge.model_files import reranker_folder
from web.build_static import is_built

CHECKPOINT_IS_LATE = dt.timedelta(minutes=15)
CHECKPOINTS_LOOKED_AT = 100
MAIL_IS_LATE = dt.timedelta(hours=1)
MAILS_LOOKED_AT = dt.timedelta(days=7)


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
        _audit,
        _index,
        _recogniser,
        _aligner,
        _embedder,
        _reranker,
        _verdict,
        _engine,
        _sign_in,
        _provider,
        _mail,
        _pages,
        _certificate,
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


def _audit(settings: Settings) -> Finding:
    """Whether the newest rows of the audit log hold, and are signed for."""
    book = checkpoint_book(settings)
    if not is_for_its_owner_alone(book.key_folder):
        detail = f"{book.key_folder}: other users of this machine can read the signing key"
        return Finding("audit log", Health.BROKEN, detail, f"chmod -R go= {book.key_folder}")
    database = Database(settings.database)
    try:
        schema, newest = current_and_newest(database)
        if schema != newest:
            return Finding("audit log", Health.NOTE, "none yet", "it is made at the first start")
        findings = check_newest(database, book, sights=CHECKPOINTS_LOOKED_AT)
        waiting_since = _unsigned_since(database, book)
    except (SQLAlchemyError, sqlite3.Error, EarmarkError, KnowledgeError, OSError) as error:
        return Finding("audit log", Health.BROKEN, f"cannot be checked: {error}", "mend what it names")
    finally:
        database.close()
    if findings:
        return Finding("audit log", Health.BROKEN, f"bent: {findings[0]}", "see all of it with: earmark audit verify")
    if waiting_since is not None and utc_now() - waiting_since > CHECKPOINT_IS_LATE:
        detail = f"no checkpoint of what came since {waiting_since:%Y-%m-%d %H:%M} UTC"
        return Finding(
            "audit log", Health.NOTE, detail, "a worker makes them: see its log; or: earmark audit checkpoint"
        )
    return Finding("audit log", Health.WELL, f"its newest rows hold; checkpoints in {book.file}")


def _unsigned_since(database: Database, book: CheckpointBook) -> dt.datetime | None:
    """When the first row was written that no checkpoint holds yet; None where all are held."""
    last = last_sight(book.newest())
    with database.read() as session:
        if head(session).seq == (last.seq if last else 0):
            return None
        first = next(rows_from(session, last.seq + 1 if last else 1), None)
    return None if first is None else read_time(first.at)


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


def _sign_in(settings: Settings) -> Finding:
    """Whether people sign in, and somebody can let them. A home made new from a backup brings its accounts and not its
    settings: closed courses would stand open to everybody on the machine."""
    database = Database(settings.database)
    try:
        schema, newest = current_and_newest(database)
        if schema == newest:
            with database.read() as session:
                everybody, admins = people.count_people(session), people.count_admins(session)
        else:
            everybody = admins = 0
    except (SQLAlchemyError, sqlite3.Error, EarmarkError, KnowledgeError) as error:
        return Finding("sign-in", Health.BROKEN, f"accounts cannot be read: {error}", "mend the database")
    finally:
        database.close()
    accounts = f"{everybody:,} {'account' if everybody == 1 else 'accounts'}"
    if settings.sign_in is SignIn.NONE:
        if everybody:
            detail = f"{accounts}, but nobody signs in: everybody on this machine hears everything"
            return Finding("sign-in", Health.NOTE, detail, "set EARMARK_SIGN_IN to local or oidc")
        return Finding("sign-in", Health.WELL, "none; on this machine alone")
    if settings.sign_in is SignIn.LOCAL and not admins:
        way_out = "earmark users add NAME --role admin"
        return Finding("sign-in", Health.NOTE, f"local: {accounts}, none an admin who may sign in", way_out)
    return Finding("sign-in", Health.WELL, f"{settings.sign_in.value}: {accounts}")


def _provider(settings: Settings) -> Finding:
    """Whether the company's sign-in answers, and could let anybody in."""
    if settings.sign_in is not SignIn.OIDC:
        return Finding("provider", Health.WELL, "none; nobody signs in by one")
    database = Database(settings.database)
    try:
        with open_provider(provider_config(settings), claim_mapping(settings), database) as provider:
            probed = provider.probe(now=utc_now())
    except EarmarkError as error:
        way_out = "see whether it can be reached from here, and its settings" if error.reason else error.way_out
        return Finding("provider", Health.BROKEN, error.reason or error.detail, way_out)
    finally:
        database.close()
    if not probed.ends_sessions:
        detail = f"{settings.oidc_issuer}: has no page to sign out"
        return Finding("provider", Health.NOTE, detail, "who signs out of Earmark stays signed in there")
    return Finding("provider", Health.WELL, f"{settings.oidc_issuer}, signing keys: {probed.keys}")


def _mail(settings: Settings) -> Finding:
    """Whether those who asked can be told by mail, and whether they are."""
    try:
        server, mailing = smtp_server(settings), mailing_of(settings)
        if server is None or mailing is None:
            return Finding("mail", Health.WELL, "none; who asked is told on their page")
        server.check()
    except EarmarkError as error:
        return Finding("mail", Health.BROKEN, error.reason or error.detail, error.way_out)
    if settings.sign_in is SignIn.NONE:
        detail = f"{server}, but nobody signs in, so that nobody has a mail address"
        return Finding("mail", Health.NOTE, detail, "set EARMARK_SIGN_IN to oidc")
    return _mails_of(settings, str(server))


def _mails_of(settings: Settings, server: str) -> Finding:
    """What became of the mails of the last days."""
    database, now = Database(settings.database), utc_now()
    try:
        schema, newest = current_and_newest(database)
        if schema != newest:
            return Finding("mail", Health.WELL, server)
        with database.read() as session:
            counts = count_mails(session, since=now - MAILS_LOOKED_AT)
    except (SQLAlchemyError, sqlite3.Error, EarmarkError, KnowledgeError) as error:
        return Finding("mail", Health.BROKEN, f"mails cannot be counted: {error}", "mend the database")
    finally:
        database.close()
    if counts.waiting_since is not None and now - counts.waiting_since > MAIL_IS_LATE:
        detail = f"{server}; {counts.waiting} waiting, the oldest since {counts.waiting_since:%Y-%m-%d %H:%M} UTC"
        return Finding("mail", Health.NOTE, detail, "a worker sends them: see its log")
    if counts.given_up:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in counts.given_up.items())
        detail = f"{server}; given up in the last {MAILS_LOOKED_AT.days} days: {reasons}"
        return Finding("mail", Health.NOTE, detail, "mend the addresses at the provider; pages tell them all the same")
    return Finding("mail", Health.WELL, server)


def _pages(_settings: Settings) -> Finding:
    if not is_built():
        return Finding("pages", Health.BROKEN, "the page's libraries are not installed", "run: make setup")
    return Finding("pages", Health.WELL, "built")


def _certificate(settings: Settings) -> Finding:
    """The one that is set; else that of this home, which `serve --tls` uses."""
    ours = LocalFiles(settings.home)
    path, key = settings.tls_cert or ours.certificate, settings.tls_key if settings.tls_cert else ours.key
    if not settings.tls_cert and not path.exists():
        return Finding("certificate", Health.WELL, "none; HTTP, on this machine or behind a proxy")
    renew = "`earmark certs local` renews it" if path == ours.certificate else "renew it where it was made"
    try:
        tls_context(path, key)
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        others = bool((key or path).stat().st_mode & 0o077)
    except EarmarkError as error:
        return Finding("certificate", Health.BROKEN, error.detail, error.way_out)
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    until = f"valid until {certificate.not_valid_after_utc:%Y-%m-%d}"
    if left < timedelta(0):
        return Finding("certificate", Health.BROKEN, f"{path}: ended, it was {until}", f"{renew}; restart the server")
    if left < timedelta(days=WARN_DAYS):
        return Finding("certificate", Health.NOTE, f"{path}: {until}, {left.days} days", f"{renew}; restart the server")
    if others:
        return Finding("certificate", Health.NOTE, f"{key or path}: other users may read the key", "chmod 600")
    public = settings.public_origin
    if public is not None and not names_of(certificate).covers(public.host):
        return Finding("certificate", Health.NOTE, f"{path}: not for {public.host}", "make one for that name")
    return Finding("certificate", Health.WELL, f"{path}: {until}")
