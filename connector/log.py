"""Logs: structured, one line per batch at info; no secrets, since none is ever handed to them."""

import logging
import sys

import structlog

from connector.model.visible import visible, visible_lines
from connector.settings.sections import LogSettings

_NOISY = ("httpx", "httpcore", "uvicorn", "kombu", "amqp", "alembic", "celery.app.trace", "celery.worker.strategy")


def configure(settings: LogSettings, *, brief: bool = False) -> None:
    """Sets up logging of this process: lines for people on a terminal, JSON elsewhere, as `format` says.

    brief: for a command that shows its work itself; only warnings and worse, unless the settings ask for debug.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    if brief and level == logging.INFO:
        level = logging.WARNING
    for_people = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if for_people else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    stages: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        *([_visible] if for_people else []),  # JSON escapes by itself
        renderer,
    ]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=stages, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _visible(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Escapes what a terminal would obey in users' data, so that it is shown. A traceback keeps its lines."""
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    return visible_lines(value) if name == "exception" else visible(value)
