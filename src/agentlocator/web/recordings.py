"""The latest calls somebody looked at, as pictures and as sound: made of their journals on request, and forgotten soon.

One at a time and off the event loop, because a replay works hard. Nothing is kept on disk, so that what a business's
retention deleted is gone everywhere; a journal that is no longer there has no recording.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec
import structlog

from agentlocator.audio.stereo import stereo_wav
from agentlocator.call.journal import JournalError
from agentlocator.microscope import read_recording
from agentlocator.microscope.picture import CallPicture

_log = structlog.stdlib.get_logger(__name__)

# A longer one is half an hour's call and more: it is for downloading.
MAX_JOURNAL_BYTES: Final = 64 * 1024 * 1024
# Three calls of half an hour, or thirty usual ones.
MAX_KEPT_BYTES: Final = 160 * 1024 * 1024


class Replay(msgspec.Struct, frozen=True):
    """A call to look at, and its stereo WAV file."""

    picture: CallPicture
    wav: bytes


class Recordings:
    """Replays by journal; the one that was asked for longest ago goes first."""

    def __init__(self, most_bytes: int = MAX_KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: dict[tuple[str, int, int], Replay] = {}
        self._one_at_a_time = asyncio.Lock()

    async def of(self, journal: Path) -> Replay | None:
        """A journal's call; None for one that is not there, too long, or not readable."""
        async with self._one_at_a_time:
            key = _state(journal)
            if key is None:
                return None
            replay = self._kept.pop(key, None)
            if replay is None and key[2] <= MAX_JOURNAL_BYTES:
                replay = await asyncio.to_thread(_replay, journal)
            if replay is not None:
                self._keep(key, replay)
            return replay

    def _keep(self, key: tuple[str, int, int], replay: Replay) -> None:
        self._kept[key] = replay
        while len(self._kept) > 1 and sum(len(one.wav) for one in self._kept.values()) > self._most_bytes:
            del self._kept[next(iter(self._kept))]


def _state(journal: Path) -> tuple[str, int, int] | None:
    """What tells one state of a file from another."""
    try:
        state = journal.stat()
    except OSError:
        return None
    return str(journal), state.st_mtime_ns, state.st_size


def _replay(journal: Path) -> Replay | None:
    try:
        with journal.open("rb") as lines:
            recording = read_recording(lines)
    except (JournalError, OSError) as fault:
        _log.warning("a journal cannot be read", detail=str(fault))
        return None
    return Replay(recording.picture, stereo_wav(recording.caller, recording.assistant))
