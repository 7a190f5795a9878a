"""The audience of the calls that run in this process: people of a business who watch, listen, and may step in.

It shows each business its own calls and no other's. A call never waits for who watches it: what is seen is the newest
state, however slowly it is read, and a listener who does not keep up misses sound.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from agentlocator import telemetry
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.call.sight import Glimpse, Sight
from agentlocator.voice.session import CallSession
from agentlocator.voice.switchboard import Switchboard

# What precedes each piece of sound: whose it is, or that what is queued of the assistant's will not be heard.
CALLER: Final = b"\x00"
ASSISTANT: Final = b"\x01"
CLEARED: Final = b"\x02"
# A second and a half of both sides.
MOST_HEARD: Final = 150


class Following:
    """One reader of a business's calls. `closed` once nothing more will come."""

    def __init__(self) -> None:
        self.closed = False
        self._shown: dict[_Stage, int] = {}
        self._changed: dict[_Stage, None] = {}
        self._news = asyncio.Event()

    async def news(self, within_s: float) -> list[Glimpse]:
        """What has changed since the last time, as soon as there is any; nothing when there is none by then."""
        try:
            async with asyncio.timeout(within_s):
                await self._news.wait()
        except TimeoutError:
            return []
        self._news.clear()
        changed, self._changed = self._changed, {}
        return [self._glimpse(stage) for stage in changed]

    def note(self, stage: _Stage) -> None:
        self._changed[stage] = None
        self._news.set()

    def close(self) -> None:
        self.closed = True
        self._news.set()

    def _glimpse(self, stage: _Stage) -> Glimpse:
        shown = self._shown.pop(stage, 0)
        if not stage.sight.over:
            self._shown[stage] = stage.sight.version
        return stage.sight.glimpse(stage.call_sid, stage.session.now_ms, shown)


class Ear:
    """One listener to a call's both sides: pieces of 161 bytes, the first of which says whose the other 160 are."""

    def __init__(self) -> None:
        self.closed = False
        self._heard: deque[bytes] = deque(maxlen=MOST_HEARD)
        self._sound = asyncio.Event()

    async def sound(self, within_s: float) -> bytes:
        """What has been heard since the last time, as soon as there is any; nothing when there is none by then."""
        try:
            async with asyncio.timeout(within_s):
                await self._sound.wait()
        except TimeoutError:
            return b""
        self._sound.clear()
        heard = b"".join(self._heard)
        self._heard.clear()
        return heard

    def hear(self, event: on.Event, commands: list[do.Command]) -> None:
        if isinstance(event, on.CallerAudio):
            self._heard.append(CALLER + event.audio)
        for command in commands:
            if isinstance(command, do.PlayFrame):
                self._heard.append(ASSISTANT + command.audio)
            elif isinstance(command, do.ClearPlayout):
                self._heard.append(CLEARED + bytes(160))
        if self._heard:
            self._sound.set()

    def close(self) -> None:
        self.closed = True
        self._sound.set()


class Audience:
    """Whoever watches the calls of a switchboard."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._stages: dict[int, dict[str, _Stage]] = {}
        self._followers: dict[int, list[Following]] = {}
        self._closed = False
        switchboard.on_call.append(self._attend)

    @contextmanager
    def follow(self, business_id: int) -> Iterator[Following]:
        """A business's calls, those that run already first."""
        following = Following()
        for stage in self._stages.get(business_id, {}).values():
            # A call whose session broke down never said that it is over.
            if not stage.session.written.is_set():
                following.note(stage)
        followers = self._followers.setdefault(business_id, [])
        followers.append(following)
        if self._closed:
            following.close()
        try:
            yield following
        finally:
            followers.remove(following)
            if not followers:
                self._followers.pop(business_id, None)

    @contextmanager
    def listen(self, business_id: int, call_sid: str) -> Iterator[Ear | None]:
        """The sound of a call; None when it does not run."""
        stage = self._stage(business_id, call_sid)
        if stage is None:
            yield None
            return
        ear = Ear()
        stage.ears.append(ear)
        try:
            yield ear
        finally:
            stage.ears.remove(ear)

    def runs(self, business_id: int, call_sid: str) -> bool:
        return self._stage(business_id, call_sid) is not None

    def end(self, business_id: int, call_sid: str) -> bool:
        """Ends a call at once; False when it does not run."""
        return self._step_in(business_id, call_sid, on.PersonEndedCall())

    def put_through(self, business_id: int, call_sid: str, label: str) -> bool:
        """Hands a call to one of the business's own numbers; False when it does not run, or has no such number."""
        stage = self._stage(business_id, call_sid)
        if stage is None or not stage.session.call.live or label not in stage.session.brief.transfer_targets:
            return False
        return self._step_in(business_id, call_sid, on.PersonTookOver(label))

    def close(self) -> None:
        """The process is leaving: whoever watches is sent home."""
        self._closed = True
        for followers in self._followers.values():
            for following in followers:
                following.close()
        for stages in self._stages.values():
            for stage in stages.values():
                stage.close()

    def _stage(self, business_id: int, call_sid: str) -> _Stage | None:
        return self._stages.get(business_id, {}).get(call_sid)

    def _step_in(self, business_id: int, call_sid: str, event: on.Event) -> bool:
        stage = self._stage(business_id, call_sid)
        if stage is None:
            return False
        with telemetry.call_bound(call_sid):
            stage.session.take(event)
        return True

    def _attend(self, session: CallSession, business_id: int) -> None:
        stage = _Stage(session)
        self._stages.setdefault(business_id, {})[stage.call_sid] = stage

        def watch(_at_ms: int, event: on.Event, commands: list[do.Command]) -> None:
            for ear in stage.ears:
                ear.hear(event, commands)
            if stage.sight.see(event, commands):
                self._show(business_id, stage)

        session.watchers.append(watch)
        self._show(business_id, stage)

    def _show(self, business_id: int, stage: _Stage) -> None:
        for following in self._followers.get(business_id, ()):
            following.note(stage)
        if stage.sight.over:
            stage.close()
            stages = self._stages[business_id]
            if stages.get(stage.call_sid) is stage:
                del stages[stage.call_sid]


class _Stage:
    """One call that is watched."""

    def __init__(self, session: CallSession) -> None:
        self.call_sid = session.brief.call_sid
        self.session = session
        self.sight = Sight()
        self.ears: list[Ear] = []

    def close(self) -> None:
        for ear in self.ears:
            ear.close()
