"""Logs are events with fields: a dotted name (`edition.started`, `relay.problem`) and facts; addresses only masked.

Whoever logs masks what it knows to be an address. What others say (a relay's reply, a database's error, a traceback) may name a
reader too, so everything that looks like an address is masked once more on its way out. So is the secret in a relay's address for events.
"""

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Literal, cast

from service import addresses


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
# Also `user:password@host` of a URL, and an address in an encoded one (%40). Both parts are bounded, or a long text costs its square.
_ADDRESS = re.compile(
    r"(?:\"[^\"\n]{1,64}\"|[^\s<>\"'(),;=\[\]{}|/@]{1,128})(?:@|%40)(?:[^\W_](?:[\w-]{0,62}\.?){1,8}|\[[0-9a-fA-F:.]{2,60}\])"
)
# A reader inside another address's local part, as many senders write their return paths: bounce-anna=example.org@lists.example.net.
_INNER = re.compile(r"[^\s<>\"'(),;=\[\]{}|/@]{1,128}=[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?=@|%40)")
_HOOK = re.compile(r"(/hooks/[^/\s\"']{1,200}/)[^/\s?#\"']{1,200}")


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
                without_addresses,
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


def without_addresses(_logger: object, _method: str, event: structlog.typing.EventDict) -> dict[str, Any]:
    """The last processor before the line is written: no field, name or traceback leaves with a whole address."""
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        if "/hooks/" in value:
            value = _HOOK.sub(r"\1…", value)
        if "@" in value or "%40" in value:
            return _ADDRESS.sub(_mask, _INNER.sub(lambda found: f"{found.group()[:1]}***", value))
        return value
    if isinstance(value, Mapping):
        return {_masked(key): _masked(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else _masked(str(value))


def _mask(found: re.Match[str]) -> str:
    return addresses.masked(found.group().replace("%40", "@"))
