"""How every process logs: one JSON line an event on stderr. No question text, no names, no secrets go in."""

import logging
import re
import sys

import structlog

_VALUES = re.compile(r"^(DETAIL|CONTEXT):.*(\n(?!Traceback|\S*Error|\[SQL).*)*?$", re.MULTILINE)
"""What PostgreSQL adds to an error: the row that it is about, with somebody's name in it."""


def without_values(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """A processor: tracebacks without what stood in rows."""
    for key in ("exception", "event"):
        if isinstance(event.get(key), str):
            event[key] = _VALUES.sub(r"\1: left out", event[key])
    return event


def configure_logging(level: int = logging.INFO) -> None:
    """Send structlog's and the libraries' events from `level` up to stderr as JSON lines."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_values,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpcore", "alembic", "sentence_transformers"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
