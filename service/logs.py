"""Logs are events with fields: a dotted name (`delivery.accepted`, `edition.started`) and facts; addresses only masked."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Literal, cast


@contextmanager
def _without(module: str) -> Iterator[None]:
    """As if it were not installed."""
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    held = modules.get(module)
    modules[module] = None  # an import then says that there is none
    try:
        yield
    finally:
        del modules[module]
        if held is not None:
            modules[module] = held


# structlog would take rich, and with it 8 MB of every process, for coloured tracebacks that our formatter never shows.
with _without("rich"):
    import structlog

LogFormat = Literal["console", "json"]


def configure(*, form: LogFormat, level: str = "INFO") -> None:
    """Send our events and those of libraries through one formatter to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in (
        "alembic",
        "uvicorn",
        "apscheduler",
        "aiosmtplib",
        "mail.log",
        "pgqueuer",
        "trafilatura",
        "htmldate",
        "courlan",
    ):
        logging.getLogger(noisy).setLevel("WARNING")


def get(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
