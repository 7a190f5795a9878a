"""The log: one JSON record a line on stderr, secrets and personal numbers masked, written off the hot path.

Logging costs the caller one bounded queue's put: a thread masks, renders and writes. A full queue drops records and
counts them, and never waits. The lines an operator looks for in every good call are functions here, and none of
them can be a line per frame: `SpeechTally` logs the first of each response and counts the rest.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO

import structlog

_log = structlog.stdlib.get_logger("agentlocator.call")


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


def realtime_connected() -> None:
    _log.info("[REALTIME] Connected")


def session_configured(voice: str) -> None:
    _log.info(f"[REALTIME] Session configured: voice={voice}")


def ai_said(text: str) -> None:
    _log.info(f"[REALTIME] AI said: {text}")


def tool_called(name: str) -> None:
    _log.info(f"[REALTIME] tool called: {name}")


def barge_in(heard_ms: int, speech_ms: int) -> None:
    """`heard_ms`: how much of the assistant's sentence was heard; `speech_ms`: how long the caller had spoken."""
    _log.info(f"[REALTIME] BARGE-IN triggered heard_ms={heard_ms} speech_ms={speech_ms}")


def stream_stopped(tx: int, rx: int, *, model_spoke: bool) -> None:
    """The end of a call's stream: frames sent and received. Sound that never left is an alarm."""
    _log.info(f"WS_STOP tx={tx} rx={rx}")
    if model_spoke and tx == 0:
        _log.error("ALARM: the model spoke and no frame was sent to the carrier", alarm="silent_call")


class SpeechTally:
    """One call's speech on its way out: chunks from the model, frames to the carrier."""

    def __init__(self) -> None:
        self.chunks = 0
        self.frames = 0
        self._chunk_of: str | None = None
        self._frame_of: str | None = None

    def chunk(self, response_id: str, size: int) -> None:
        """Audio of `size` bytes came from the model."""
        self.chunks += 1
        if response_id != self._chunk_of:
            self._chunk_of = response_id
            _log.info(f"[REALTIME] got audio chunk response={response_id} bytes={size} chunks={self.chunks}")

    def frame(self, response_id: str) -> None:
        """A frame was sent to the carrier."""
        self.frames += 1
        if response_id != self._frame_of:
            self._frame_of = response_id
            _log.info(f"[REALTIME] sending frame to Twilio response={response_id} tx={self.frames}")


def milestones_of(path: Path, call_sid: str) -> list[str]:
    """A call's kept lines, the oldest first: when and what, as they stand in the log."""
    lines: list[str] = []
    for part in (path.with_suffix(".1"), path):
        if part.is_file():
            for line in part.read_text(encoding="utf-8").splitlines():
                if call_sid in line:
                    record = json.loads(line)
                    lines.append(f"{record['at']} {record['event']}")
    return lines


def mask(value: object, key: str = "") -> object:
    """The value as it may be written: secrets gone, phone numbers down to their last two digits, all depths."""
    if _SECRET_KEY.search(key) and isinstance(value, str | bytes):
        return "[secret]"
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, Mapping):
        return {str(name): mask(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(inner, key) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _masked_text(repr(value))


_Record = MutableMapping[str, Any]
_Render = Callable[[_Record], str]

_SAID: Final = "[REALTIME] AI said:"
_MILESTONES: Final = ("[REALTIME] ", "WS_STOP ", "ALARM")
_MILESTONE_BYTES: Final = 4_000_000

# A quarter of a minute of a very talkative server; then it is the writer's stream that is stuck.
_QUEUED_RECORDS: Final = 10_000

_SECRET_KEY: Final = re.compile(r"(?i)(secret|token|password|api_?key|authorization|cookie|signature)$")
_MASKS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 [secret]"),
    (re.compile(r"\b(?:sk|ek|whsec)[-_][\w-]{8,}"), "[secret]"),
    (re.compile(r"(://[^\s:/@]+):[^\s@/]+@"), r"\1:[secret]@"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"\+\d(?:[ -]?\d){4,12}[ -]?(\d\d)(?!\d)"), r"+…\1"),
    (re.compile(r"(?<![\w+])972\d{6,7}(\d\d)(?!\w)"), r"972…\1"),
    (re.compile(r"(?<![\w+])0\d{1,2}[ -]?\d{3}[ -]?\d{2}(\d\d)(?!\w)"), r"0…\1"),
    (re.compile(r"(?<!\w)\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}(?!\w)"), "[card]"),
    (re.compile(r"(?<![\w.])\d{9}(?![\w.]*\w)"), "[id]"),
)


def _masked_text(text: str) -> str:
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


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
                _keep_milestone(self._milestones, masked)


def _keep_milestone(path: Path, record: Mapping[str, Any]) -> None:
    event = str(record.get("event", ""))
    if not event.startswith(_MILESTONES):
        return
    # What was said belongs to the call's transcript, which is forgotten when the business wants it forgotten.
    if event.startswith(_SAID):
        event = f"{_SAID} ({len(event) - len(_SAID)} characters)"
    line = json.dumps({"at": record.get("at"), "call_id": record["call_id"], "event": event}, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _MILESTONE_BYTES:
        path.replace(path.with_suffix(".1"))
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


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
