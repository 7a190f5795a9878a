"""The log: one JSON record a line on stderr, masked, written off the hot path.

Logging costs the caller one bounded queue's put: a thread masks, renders and writes. A full queue drops records and
counts them, and never waits.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO

import structlog

from agentlocator.telemetry import milestones as kept
from agentlocator.telemetry.masking import mask


class Log:
    """A configured log, until `close` has written its last record."""

    def __init__(self, writer: _Writer, handler: logging.Handler) -> None:
        self._writer = writer
        self._handler = handler

    def close(self) -> None:
        """Writes what is queued and stops. Safe to call twice."""
        logging.getLogger().removeHandler(self._handler)
        self._writer.close()


def configure(
    *,
    level: str = "info",
    console: bool = False,
    stream: TextIO | None = None,
    secrets: Iterable[str] = (),
    milestones: Path | None = None,
) -> Log:
    """Sends structlog's and the standard library's records to `stream` (stderr), until the result is closed.

    `console` asks for readable lines instead of JSON; it is granted only on a terminal. Masking applies to both;
    `secrets` are the deployment's own, masked wherever they turn up. `milestones` is a file that keeps the lines
    which every good call has, without the words that were said, so that a call's log can be shown later.
    """
    out = stream if stream is not None else sys.stderr
    writer = _Writer(out, _renderer(console and out.isatty()), secrets, milestones)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    handler = _StandardLibrary(writer)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(threshold)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            # The traceback must be made where the exception is.
            structlog.processors.format_exc_info,
            writer.take,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    return Log(writer, handler)


@contextlib.contextmanager
def call_bound(call_sid: str) -> Iterator[None]:
    """Every record made inside, and in tasks started inside, carries `call_id`."""
    with structlog.contextvars.bound_contextvars(call_id=call_sid):
        yield


_Record = MutableMapping[str, Any]
_Render = Callable[[_Record], str]

# A quarter of a minute of a very talkative server; then it is the writer's stream that is stuck.
_QUEUED_RECORDS: Final = 10_000


class _Writer:
    """A bounded queue and the one thread that empties it."""

    def __init__(self, stream: TextIO, render: _Render, secrets: Iterable[str], milestones: Path | None) -> None:
        self._milestones = milestones
        self._stream = stream
        self._render = render
        self._secrets = [secret for secret in secrets if secret]
        self._queue: queue.Queue[_Record | None] = queue.Queue(_QUEUED_RECORDS)
        self._dropped = 0
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def take(self, _logger: object, _method: str, record: _Record) -> str:
        """structlog's last processor: hands the record over, and logs nothing itself."""
        self.put(record)
        raise structlog.DropEvent

    def put(self, record: _Record) -> None:
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            with self._counting:
                self._dropped += 1

    def close(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (record := self._queue.get()) is not None:
            self._write(record)
            if self._queue.empty():
                self._own_up()
        self._own_up()

    def _own_up(self) -> None:
        with self._counting:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            self._write({"event": "log records were dropped", "level": "warning", "dropped": dropped})

    def _write(self, record: _Record) -> None:
        # A log that dies of one record, or of a full disk, would take every later record with it.
        with contextlib.suppress(Exception):
            masked = {name: mask(value, name) for name, value in record.items()}
            line = self._render(masked)
            for secret in self._secrets:
                line = line.replace(secret, "[secret]")
            self._stream.write(line + "\n")
            self._stream.flush()
            if self._milestones is not None and "call_id" in masked:
                kept.keep(self._milestones, masked)


class _StandardLibrary(logging.Handler):
    """What libraries log, on the same way out."""

    def __init__(self, writer: _Writer) -> None:
        super().__init__()
        self._writer = writer
        self._stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
            if record.exc_info:
                text = f"{text}\n{logging.Formatter().formatException(record.exc_info)}"
        except Exception:
            self.handleError(record)
            return
        fields = {"event": text, "logger": record.name, "level": record.levelname.lower()}
        self._writer.put(self._stamp(None, "", {**structlog.contextvars.get_contextvars(), **fields}))


def _renderer(console: bool) -> _Render:
    if console:
        plain = structlog.dev.ConsoleRenderer()
        return lambda record: str(plain(None, "", record))
    # One record stays one line whatever a caller's name contains: JSON escapes it.
    as_json = structlog.processors.JSONRenderer(ensure_ascii=False)
    return lambda record: str(as_json(None, "", record))
