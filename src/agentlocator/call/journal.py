"""The journal of a call: every event with its time, and the commands it led to, one JSON line each.

A journal replays: the same events at the same times through the same core give the same commands, bit for bit. The
events carry their audio; of audio in commands the journal keeps only a checksum, since the replay makes it anew.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from agentlocator.call.commands import AppendAudio, Command, PlayFrame, ScoreSpeech
from agentlocator.call.events import EVENTS, Event
from agentlocator.call.machine import Call
from agentlocator.call.policy import CallBrief

VERSION = 1


class Header(msgspec.Struct, frozen=True):
    """The first line: what the call was started with. `started_at` is the wall clock of its millisecond 0, ISO 8601."""

    brief: CallBrief
    started_at: str
    version: int = VERSION


class Entry(msgspec.Struct, frozen=True):
    """One event. `commands` are in the journal's own form, see `summarize`."""

    at_ms: int
    event: Event
    commands: tuple[msgspec.Raw, ...]


class _EntryLine(msgspec.Struct):
    t: int
    e: msgspec.Raw
    c: tuple[msgspec.Raw, ...] = ()


class Divergence(msgspec.Struct, frozen=True):
    """A place where the replay and the journal part: the line (1 is the header), both sides as JSON."""

    line: int
    at_ms: int
    recorded: tuple[str, ...]
    replayed: tuple[str, ...]


class JournalError(Exception):
    """The file is not a journal of this version; the sentence says what is wrong with which line."""


_encoder = msgspec.json.Encoder()
_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(_EntryLine)
_AUDIBLE = (PlayFrame, AppendAudio, ScoreSpeech)


def part(first: Path, number: int) -> Path:
    """Where a call's journal is, counted from 1: one that comes back from a transfer is another run of the core."""
    return first if number == 1 else first.with_name(f"{first.stem}.{number}{first.suffix}")


def write_header(brief: CallBrief, started_at: str) -> bytes:
    """The journal's first line."""
    return _encoder.encode(Header(brief=brief, started_at=started_at)) + b"\n"


def write_entry(at_ms: int, event: Event, commands: Iterable[Command]) -> bytes:
    """One further line."""
    summaries = b",".join(map(summarize, commands))
    return b'{"t":%d,"e":%b,"c":[%b]}\n' % (at_ms, _encoder.encode(event), summaries)


def summarize(command: Command) -> bytes:
    """A command as the journal keeps it: JSON, its audio replaced by length and CRC-32."""
    if isinstance(command, _AUDIBLE):
        name = type(command).__name__.encode()
        return b'{"command":"%b","bytes":%d,"crc32":%d}' % (name, len(command.audio), zlib.crc32(command.audio))
    return _encoder.encode(command)


def read(lines: Iterable[bytes]) -> tuple[Header, Iterator[Entry]]:
    """Parses a journal lazily. Raises `JournalError` for a header or, while iterating, a line that is not one.

    A last line that was cut short (the process died while writing it) ends the journal without an error.
    """
    numbered = enumerate(lines, start=1)
    _, first = next(numbered, (0, b""))
    try:
        header = _header.decode(first)
    except msgspec.MsgspecError as fault:
        raise JournalError(f"line 1 is not a journal's header: {fault}") from None
    if header.version != VERSION:
        raise JournalError(f"the journal has version {header.version}, this program reads version {VERSION}")
    return header, _entries(numbered)


def replay(
    lines: Iterable[bytes], observe: Callable[[Entry, list[Command]], None] | None = None
) -> tuple[int, list[Divergence]]:
    """Runs a recorded call again. Returns how many events it had and where the commands differ.

    `observe` sees each entry with the commands the replay made of it.
    """
    header, entries = read(lines)
    call = Call(header.brief)
    divergences: list[Divergence] = []
    count = 0
    for line, entry in enumerate(entries, start=2):
        commands = call.handle(entry.event, entry.at_ms)
        count += 1
        recorded = tuple(bytes(raw) for raw in entry.commands)
        replayed = tuple(summarize(command) for command in commands)
        if recorded != replayed:
            divergences.append(
                Divergence(
                    line,
                    entry.at_ms,
                    tuple(raw.decode() for raw in recorded),
                    tuple(raw.decode() for raw in replayed),
                )
            )
        if observe is not None:
            observe(entry, commands)
    return count, divergences


def _entries(numbered: Iterator[tuple[int, bytes]]) -> Iterator[Entry]:
    for number, line in numbered:
        if not line.endswith(b"\n"):
            return
        try:
            raw = _line.decode(line)
            yield Entry(raw.t, EVENTS.decode(raw.e), raw.c)
        except msgspec.MsgspecError as fault:
            raise JournalError(f"line {number} is not a journal entry: {fault}") from None
