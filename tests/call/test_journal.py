"""A recorded call runs again to the same commands, and says where it does not."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest

from agentlocator.call import journal
from agentlocator.call.commands import Command, PlayFrame
from agentlocator.call.events import (
    CallerHungUp,
    DigitPressed,
    ModelDisconnected,
    ResponseFinished,
    ResponseStarted,
    ToolFinished,
    ToolRequested,
)
from agentlocator.call.journal import JournalError
from call.playbook import Line, answering, greeted


def booked() -> Line:
    line = greeted().caller_turn().hears(ResponseStarted("r2"), ToolRequested("r2", "t1", "leads_upsert", "{}"))
    line.hears(ToolFinished("t1", '{"ok":true}'), ResponseFinished("r2", "completed")).answers("נרשם", 900).after(1_200)
    return line.hears(CallerHungUp("stop"))


def interrupted() -> Line:
    return answering(5_000).caller_interrupts().after(500).hears(CallerHungUp("stop"))


def typed() -> Line:
    return greeted().hears(DigitPressed("4"), DigitPressed("2")).after(2_000).answers("תודה", 400).after(500)


def dropped() -> Line:
    return answering(3_000).hears(ModelDisconnected("reset")).after(20_000)


PLAYS: list[Callable[[], Line]] = [booked, interrupted, typed, dropped]


@pytest.mark.parametrize("play", PLAYS)
def test_a_recorded_call_replays_to_the_same_commands(play: Callable[[], Line]) -> None:
    line = play()
    events, divergences = journal.replay(line.lines)
    assert events == len(line.lines) - 1
    assert divergences == []


def test_the_replay_makes_the_sound_anew_bit_for_bit() -> None:
    line = interrupted()
    commands: list[Command] = []
    journal.replay(line.lines, lambda _entry, done: commands.extend(done))
    assert b"".join(command.audio for command in commands if isinstance(command, PlayFrame)) == line.played
    assert commands == [command for _, command in line.history]


def test_the_header_says_with_what_the_call_was_started() -> None:
    header, entries = journal.read(booked().lines)
    assert header.brief == Line().brief
    assert (header.started_at, header.version) == ("2026-11-22T08:00:00+02:00", journal.VERSION)
    first = next(entries)
    assert first.at_ms == 0
    assert type(first.event).__name__ == "CallOffered"


def test_of_commands_the_journal_keeps_no_sound() -> None:
    frame = PlayFrame(b"\x01" * 160, "r1")
    assert journal.summarize(frame) == b'{"command":"PlayFrame","bytes":160,"crc32":%d}' % zlib.crc32(frame.audio)


def test_a_last_line_that_was_cut_short_ends_the_journal() -> None:
    lines = booked().lines
    events, divergences = journal.replay([*lines[:-1], lines[-1][:20]])
    assert (events, divergences) == (len(lines) - 2, [])


def test_a_line_in_the_middle_that_is_no_entry_is_named() -> None:
    lines = booked().lines
    lines[3] = b"{}\n"
    with pytest.raises(JournalError, match="line 4 "):
        journal.replay(lines)


@pytest.mark.parametrize("first", [[], [b"\n"], [b"not a journal\n"], [b'{"t":0,"e":{},"c":[]}\n']])
def test_a_file_without_a_header_is_not_a_journal(first: list[bytes]) -> None:
    with pytest.raises(JournalError, match="line 1"):
        journal.read(first)


def test_a_journal_of_another_version_is_refused_by_its_number() -> None:
    lines = booked().lines
    other = lines[0].replace(b'"version":%d' % journal.VERSION, b'"version":99')
    assert other != lines[0]
    with pytest.raises(JournalError, match="version 99"):
        journal.read([other, *lines[1:]])


def test_an_altered_command_is_found_where_it_is() -> None:
    lines = booked().lines
    number, line = next((n, text) for n, text in enumerate(lines, start=1) if b'"InvokeTool"' in text)
    event, commands = line.split(b'"c":')
    lines[number - 1] = event + b'"c":' + commands.replace(b"leads_upsert", b"leads_search")
    (divergence,) = journal.replay(lines)[1]
    assert divergence.line == number
    assert any("leads_search" in command for command in divergence.recorded)
    assert any("leads_upsert" in command for command in divergence.replayed)


def test_an_altered_sound_is_found_by_its_checksum() -> None:
    lines = booked().lines
    number = next(n for n, text in enumerate(lines, start=1) if b'"PlayFrame"' in text)
    lines[number - 1] = lines[number - 1].replace(b'"crc32":', b'"crc32":1', 1)
    assert [divergence.line for divergence in journal.replay(lines)[1]] == [number]
