"""The one place where the parts are put together. Everything heavy is made here, late, and closed again."""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from assistant.access.sessions import SessionLimits
from assistant.answering.ask import Asking
from assistant.answering.own_verdict import FILE_NAME, OwnVerdicts
from assistant.audit import checkpoints
from assistant.audit.checkpoints import CheckpointBook
from assistant.audit.keeping import AuditKeeper
from assistant.engine.client import EngineClient
from assistant.engine.http_client import HttpEngineClient
from assistant.engine.lanes import LaneLimits
from assistant.engine.spec import EmbedderSpec, EngineSpec, RecogniserSpec, RerankerSpec
from assistant.errors import EarmarkError
from assistant.hearing.heard import HearingLimits
from assistant.questions.sounds import keep_sound
from assistant.topics.rules import TopicRules
from earmark.company_mail import mailing_of
from earmark.forgetting import finish_deletions, keeping_of
from earmark.migrations import migrate
from earmark.models import FUN_ASR, model_folder
from earmark.settings import RecogniserName, Settings
from indexer.services import Services, WorkLimits
from knowledge import model_files
from knowledge.database import Database
from knowledge.finding.analysis import ANALYSIS_VERSION, analyse
from knowledge.index.follower import IndexFollower

ROOM_FOR_BATCHES = LaneLimits(index=512, index_bytes=512_000_000)


@dataclass(frozen=True, slots=True)
class House:
    """An opened home: its settings and its database, migrated."""

    settings: Settings
    database: Database


@contextmanager
def open_house(settings: Settings) -> Iterator[House]:
    """Open a home, making it where it is new. Raises NewerSchemaError."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database)
    try:
        migrate(database, settings.home)
        yield House(settings, database)
    finally:
        database.close()


def recogniser_model(settings: Settings) -> str | None:
    """A folder, or the name that a remote server knows; for funasr where absent the one that was pulled."""
    if settings.recognizer_model is None and settings.recognizer is RecogniserName.FUNASR:
        return str(model_folder(settings.home, FUN_ASR))
    return str(settings.recognizer_model) if settings.recognizer_model else None


def engine_spec(settings: Settings) -> EngineSpec:
    """What the engine of this home is to run."""
    return EngineSpec(
        recogniser=RecogniserSpec(
            name=settings.recognizer.value,
            model=recogniser_model(settings),
            url=settings.recognizer_url,
            key=settings.recognizer_key,
            device=settings.recognizer_device,
            dtype=settings.recognizer_dtype,
            digests=str(settings.home / "models" / "digests.json"),
            aligner=str(settings.aligner) if settings.aligner else None,
        ),
        embedder=EmbedderSpec(model=settings.embedder, exports=str(settings.home / "exported")),
        reranker=RerankerSpec(model=settings.reranker) if settings.reranker else None,
        children=settings.recognizer_children,
        limits=ROOM_FOR_BATCHES if settings.recognizer is RecogniserName.FUNASR else LaneLimits(),
        max_hours=settings.max_hours,
        max_upload_mb=settings.max_upload_mb,
    )


def embedder_folder(settings: Settings) -> Path:
    """The embedder's model folder. Raises WrongModel naming what is missing or changed."""
    return model_files.embedder_folder(settings.embedder)


@contextmanager
def open_engine(settings: Settings) -> Iterator[EngineClient]:
    """The engines named by a setting; else this home's live one; else one started for the call."""
    if settings.engine_url:
        with closing(HttpEngineClient(settings.engine_url, settings.engine_key or "")) as client:
            yield client
        return
    from assistant.engine.service import borrowed_engine  # a third of a second, where no engine is asked

    with borrowed_engine(settings.home, engine_spec(settings)) as client:
        yield client


@contextmanager
def open_reranking_engine(settings: Settings, reranker: Path) -> Iterator[EngineClient]:
    """An engine for the call, beside whatever runs: this home's embedder and that reranker. Raises WrongModel."""
    with open_trial_engine(settings, embedder=None, reranker=reranker) as client:
        yield client


@contextmanager
def open_trial_engine(settings: Settings, *, embedder: str | None, reranker: Path | None) -> Iterator[EngineClient]:
    """An engine for the call, beside whatever runs: that embedder, else this home's, and that reranker, else this
    home's; what hears is the trial one, for nothing is heard. Raises WrongModel for a folder that holds none."""
    from assistant.engine.service import borrowed_engine

    ranks = str(reranker) if reranker else settings.reranker
    spec = EngineSpec(
        embedder=EmbedderSpec(model=str(model_files.embedder_folder(embedder)) if embedder else settings.embedder),
        reranker=RerankerSpec(model=str(model_files.reranker_folder(str(ranks)))) if ranks else None,
        children=1,
    )
    with (
        tempfile.TemporaryDirectory(prefix="earmark-bench-") as nobodys_home,
        borrowed_engine(Path(nobodys_home), spec) as client,
    ):
        yield client


@contextmanager
def open_index(house: House, *, embedder_digest: Callable[[], str | None] | None = None) -> Iterator[IndexFollower]:
    """This host's index, following the database."""
    follower = IndexFollower(
        house.database,
        house.settings.home / "index",
        analyse=analyse,
        analysis_version=ANALYSIS_VERSION,
        embedder_digest=embedder_digest,
    )
    try:
        yield follower
    finally:
        follower.close()


@contextmanager
def open_asking(house: House, engine: EngineClient) -> Iterator[Asking]:
    with open_index(house, embedder_digest=partial(digest_of_embedder, engine)) as index:
        yield asking_over(house, engine, index)


def asking_over(house: House, engine: EngineClient, index: IndexFollower) -> Asking:
    settings = house.settings
    return Asking(
        house.database,
        engine,
        index,
        verdicts_for=OwnVerdicts(own_verdict_file(settings)),
        keep_sound=partial(keep_sound, settings.home) if settings.keep_question_sound_days else None,
    )


def own_verdict_file(settings: Settings) -> Path:
    """What `earmark bench calibrate` writes, where it was asked to."""
    return settings.home / FILE_NAME


@contextmanager
def open_worker(house: House, engine: EngineClient) -> Iterator[Services]:
    from earmark.proving import Prover  # with all that scores questions, which only a worker does

    with open_index(house, embedder_digest=partial(digest_of_embedder, engine)) as index:
        yield Services(
            database=house.database,
            home=house.settings.home,
            engine=engine,
            follower=index,
            limits=WorkLimits(
                hearing=HearingLimits(max_hours=house.settings.max_hours),
                recordings_at_once=house.settings.workers,
                least_free_mb=house.settings.least_free_mb,
            ),
            keeping=keeping_of(house.settings),
            session_limits=session_limits(house.settings),
            deletions_beside=house.settings.deletions_beside,
            topics=TopicRules(ZoneInfo(house.settings.time_zone), house.settings.fewest_people),
            finish_deletions=partial(finish_deletions, house.database, house.settings.home),
            mailing=mailing_of(house.settings),
            prove=Prover(house.database, engine, asking_over(house, engine, index)),
            audit=AuditKeeper(house.database, checkpoint_book(house.settings), house.settings.keep_audit_days),
        )


def checkpoint_book(settings: Settings) -> CheckpointBook:
    """Where this home signs for its audit log."""
    default = settings.home / "audit" / checkpoints.FILE_NAME
    file = settings.audit_checkpoints.expanduser() if settings.audit_checkpoints else default
    return CheckpointBook(settings.home, file)


def session_limits(settings: Settings) -> SessionLimits:
    return SessionLimits(
        idle=dt.timedelta(minutes=settings.session_idle_minutes), longest=dt.timedelta(days=settings.session_days)
    )


def digest_of_embedder(engine: EngineClient) -> str | None:
    """Which embedder answers now; None while none does: words and sounds still find."""
    try:
        embedder = engine.state().embedder
    except EarmarkError:
        return None
    return embedder.digest if embedder.state == "ready" else None
