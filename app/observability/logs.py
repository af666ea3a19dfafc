"""Log lines on stderr: JSON for machines, plain text on a terminal, of every logger in the process."""

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from structlog.stdlib import ProcessorFormatter
    from structlog.typing import Processor

LogFormat = Literal["auto", "json", "text"]
LogLevel = Literal["debug", "info", "warning", "error"]

# Threads that a request's work is handed to inherit it.
current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)

# A password in an address, and a key in a header: of other people's messages, ours hold none.
_SECRET = re.compile(r"(://[^:/@\s]*:)[^@\s]+(?=@)|(\b[Bb]earer\s+)[^\s\"'\\]+")
_SERVER = ("uvicorn", "uvicorn.error", "uvicorn.asgi")


def configure_logging(level: LogLevel, log_format: LogFormat) -> None:
    """Send the lines of every logger to stderr, uvicorn's too, whatever was configured before.

    uvicorn's access log is switched off: it writes query strings, and the request lines say the same.

    Args:
        level: The least of our own lines that are written; of libraries', warnings at the least.
        log_format: How they look.
    """
    handler = _StderrHandler()
    handler.setFormatter(_Lines(_choose_format(log_format)))
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if not isinstance(other, _StderrHandler)]
    root.addHandler(handler)
    least = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(least, logging.WARNING))
    logging.getLogger("app").setLevel(least)
    for name in _SERVER:
        server = logging.getLogger(name)
        server.handlers, server.propagate = [], True
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False


def _choose_format(log_format: LogFormat) -> LogFormat:
    if log_format != "auto":
        return log_format
    return "text" if sys.stderr.isatty() else "json"


def mask_secrets(text: str) -> str:
    """``text`` without passwords in addresses and without bearer keys."""
    return _SECRET.sub(r"\1\2***", text)


class _StderrHandler(logging.Handler):
    """As ``StreamHandler``, but to what stderr is at the time: it outlives whoever replaced it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
        except Exception:  # as every handler does: a line that cannot be written stops nobody's work
            self.handleError(record)


class _Lines(logging.Formatter):
    """One line a record, by structlog."""

    def __init__(self, log_format: LogFormat) -> None:
        super().__init__()
        self._log_format = log_format

    def format(self, record: logging.LogRecord) -> str:
        return mask_secrets(self._by_structlog.format(record))

    @cached_property
    def _by_structlog(self) -> "ProcessorFormatter":
        # It takes 35 ms to import: when the first line is due, so that a quiet start does not wait for it.
        from structlog.processors import TimeStamper
        from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name

        return ProcessorFormatter(
            foreign_pre_chain=[
                TimeStamper(fmt="iso", utc=True),
                add_log_level,
                add_logger_name,
                ExtraAdder(),
                _add_request,
            ],
            processors=[ProcessorFormatter.remove_processors_meta, *_renderers(self._log_format)],
        )


def _renderers(log_format: LogFormat) -> "list[Processor]":
    from structlog.dev import ConsoleRenderer, plain_traceback
    from structlog.processors import ExceptionRenderer, JSONRenderer
    from structlog.tracebacks import ExceptionDictTransformer

    if log_format == "text":
        return [ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)]
    # Without local variables: they hold what callers sent and what the database was asked.
    return [ExceptionRenderer(ExceptionDictTransformer(show_locals=False)), JSONRenderer()]


def _add_request(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("color_message", None)  # uvicorn's own, of its coloured lines
    request_id = current_request_id.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event
