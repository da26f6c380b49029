"""What operators watch: requests, answers, jobs. Labels hold routes and verdicts, never what somebody asked."""

import time
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.answering.answer import Answer
from assistant.jobs.job import JobState
from assistant.jobs.tables import JobRow
from knowledge.database import Database
from knowledge.recordings.tables import RecordingRow, RecordingState
from web.limits import Cost, Whose
from web.rules import told_route

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ANSWER_BUCKETS_S = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)


class Metrics:
    """One registry an application, so that two of them in one process do not share counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "earmark_requests", "Requests by route and status.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "earmark_request_seconds", "Time to the end of a reply, by route.", ["route"], registry=self.registry
        )
        self.answers = Counter(
            "earmark_answers", "Answers by verdict and kind of question.", ["verdict", "spoken"], registry=self.registry
        )
        self.answer_seconds = Histogram(
            "earmark_answer_seconds",
            "Question in to answer out.",
            ["spoken"],
            buckets=_ANSWER_BUCKETS_S,
            registry=self.registry,
        )
        self.judgements = Counter(
            "earmark_judgements",
            "What askers said of answers, and moments heard to their end.",
            ["said"],
            registry=self.registry,
        )
        self.refusals = Counter(
            "earmark_limited",
            "Requests refused by a limit, by what they cost and whose limit it was.",
            ["cost", "whose"],
            registry=self.registry,
        )
        self.jobs = Gauge("earmark_jobs", "Indexing jobs by state.", ["state"], registry=self.registry)
        self.recordings = Gauge("earmark_recordings", "Recordings that can be asked.", registry=self.registry)
        self.hours = Gauge("earmark_recorded_hours", "Hours of recordings that can be asked.", registry=self.registry)

    def count_refusal(self, cost: Cost, whose: Whose) -> None:
        self.refusals.labels(cost.value, whose).inc()

    def exposition(self, database: Database) -> Response:
        with database.read() as session:
            ready = select(func.count(), func.coalesce(func.sum(RecordingRow.duration_s), 0.0)).where(
                RecordingRow.state == RecordingState.READY
            )
            recordings, seconds = session.execute(ready).one()
            counted = session.execute(select(JobRow.state, func.count()).group_by(JobRow.state))
            by_state = {row[0]: row[1] for row in counted}
        self.recordings.set(recordings)
        self.hours.set((seconds or 0.0) / 3600)
        for state in JobState:
            self.jobs.labels(state.value).set(by_state.get(state, 0))
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)


def count_answer(request: Request, answer: Answer) -> None:
    metrics: Metrics = request.app.state.metrics
    spoken = "yes" if answer.question.duration_s is not None else "no"
    metrics.answers.labels(answer.verdict.value, spoken).inc()
    metrics.answer_seconds.labels(spoken).observe(answer.timings.total / 1000)


def count_judgement(request: Request, said: str) -> None:
    """`said`: a `Judgement`, or that one was taken back."""
    metrics: Metrics = request.app.state.metrics
    metrics.judgements.labels(said).inc()


class Measured:
    """ASGI middleware: counts each request under its route's pattern, so that ids never become labels, and
    under a method that there is."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = scope.get("route")
            name = told_route(route.path) if isinstance(route, Route) else "other"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(method, name, str(status)).inc()
            self._metrics.seconds.labels(name).observe(time.perf_counter() - started)
