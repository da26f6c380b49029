"""Makes the pages and the API out of a house and an engine. Apart from the rest, which most commands need alone."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import SQLAlchemyError

from assistant.access.caller import SignIn
from assistant.access.flow_key import flow_key
from assistant.engine.client import EngineClient
from assistant.learning.fsrs_recall import FsrsRecall
from earmark import __version__
from earmark.build import House, asking_over, digest_of_embedder, open_index, session_limits
from earmark.company_mail import mailing_of
from earmark.company_sign_in import oidc_settings, open_provider
from earmark.demo import example_questions
from earmark.forgetting import keeping_of
from earmark.listening import AsgiApplication
from earmark.settings import Settings
from knowledge.errors import KnowledgeError
from knowledge.finding.sounds import han_sounds
from knowledge.index.follower import IndexFollower
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingState
from web.app import create_app
from web.guard import Gate
from web.limits import RateLimits
from web.origins import read_frame_ancestors
from web.services import Company, WebServices

EXAMPLES = 4
MERGES_EVERY_S = 30.0
_LOG = structlog.get_logger()


@contextmanager
def open_web(house: House, engine: EngineClient) -> Iterator[AsgiApplication]:
    settings = house.settings
    with (
        open_index(house, embedder_digest=partial(digest_of_embedder, engine)) as index,
        _merged_now_and_then(index),
        _company(house) as company,
    ):
        asking = asking_over(house, engine, index)
        han_sounds("好")  # its dictionary is loaded by now, or the first Chinese question would wait for it
        yield create_app(
            WebServices(
                database=house.database,
                home=settings.home,
                asking=asking,
                engine=engine,
                engine_state=engine.state,
                version=__version__,
                max_upload_bytes=int(settings.max_upload_mb * 1e6),
                least_free_bytes=int(settings.least_free_mb * 1e6),
                examples=partial(_examples, house),
                sign_in=settings.sign_in,
                company=company,
                session_limits=session_limits(settings),
                gate=gate_of(settings),
                limits=rate_limits(settings),
                keeping=keeping_of(settings),
                deletions_beside=settings.deletions_beside,
                time_zone=ZoneInfo(settings.time_zone),
                mails=mailing_of(settings) is not None,
                recall=FsrsRecall(random.random),
            )
        )


@contextmanager
def _company(house: House) -> Iterator[Company | None]:
    """Where people sign in with the company's provider. Raises SettingsError naming what is missing."""
    settings = house.settings
    if settings.sign_in is not SignIn.OIDC:
        yield None
        return
    told = oidc_settings(settings, public_url=settings.public_url)
    with open_provider(told.config, told.mapping, house.database) as provider:
        yield Company(provider, told.config.issuer, told.redirect_uri, flow_key(settings.home / "keys"))


def gate_of(settings: Settings) -> Gate:
    """Under another name than loopback's the pages answer only those who sign in."""
    public = None if settings.sign_in is SignIn.NONE else settings.public_origin
    return Gate(public=public, frame_ancestors=read_frame_ancestors(settings.frame_ancestors))


def rate_limits(settings: Settings) -> RateLimits:
    return RateLimits(
        questions=settings.limit_questions_a_minute,
        voice=settings.limit_voice_a_minute,
        uploads=settings.limit_uploads_a_minute,
        requests=settings.limit_requests_a_minute,
        sign_ins=settings.limit_sign_ins_a_minute,
    )


@contextmanager
def _merged_now_and_then(index: IndexFollower) -> Iterator[None]:
    """A host that serves pages alone has no worker that would merge its index."""
    stop = threading.Event()

    def merge() -> None:
        while not stop.wait(MERGES_EVERY_S):
            try:
                index.maybe_compact()
            except (KnowledgeError, SQLAlchemyError, OSError) as error:
                _LOG.warning("merging put off", reason=f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=merge, name="merge", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5.0)


def _examples(house: House, courses: frozenset[str]) -> list[str]:
    with house.database.read() as session:
        found = recordings.list_recordings(session, courses)
    return example_questions({each.name for each in found if each.state is RecordingState.READY})[:EXAMPLES]
