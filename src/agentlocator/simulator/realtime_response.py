"""One response of the simulated model while it is being generated: items, sound, words and calls, in their order.

A response knows when its next piece is due and what it looks like on the wire. It never decides what to say, and
never when it may start or must stop: the server does.
"""

import random
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
import pybase64

from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES
from agentlocator.audio.g711 import decode
from agentlocator.simulator.brain import Act, CallTool, Speak, Who
from agentlocator.simulator.hidden_words import Word
from agentlocator.simulator.realtime_faults import FaultPlan
from agentlocator.simulator.realtime_items import ASSISTANT_TOKEN_MS, Item, text_tokens
from agentlocator.simulator.realtime_session import PCMU
from agentlocator.simulator.speech import Voice

Event = dict[str, Any]
_PCM_BYTES_PER_MS = 48


class Pace(msgspec.Struct, frozen=True):
    """How fast the model is: its thinking time, how much faster than real time it speaks, how late it transcribes."""

    think_ms: int = 350
    speed: float = 5.0
    transcription_ms: int = 250


class Surroundings(Protocol):
    """What a response needs of its server."""

    voice: Voice
    pace: Pace
    rng: random.Random
    faults: FaultPlan

    def emit(self, event: Event) -> None: ...
    def hang_up(self, code: int, reason: str) -> None: ...
    def fresh_id(self, kind: str) -> str: ...
    def remember(self, item: Item) -> str | None: ...


class Response:
    """A response from `response.created` to `response.done`.

    `steps` yields the times (ms) at which it wants to go on, or None when it hangs for ever; it is over when
    `status` is no longer "in_progress". `number` counts the responses of a connection from 1; `settings` are the
    session's with the response's own put over them; `read` is its input in tokens, text and audio.
    """

    def __init__(
        self,
        server: Surroundings,
        *,
        number: int,
        acts: Sequence[Act],
        settings: Mapping[str, Any],
        read: Mapping[str, int],
        metadata: Mapping[str, str] | None,
        in_conversation: bool,
        now_ms: int,
    ) -> None:
        self.id = server.fresh_id("resp")
        self.number = number
        self.status = "in_progress"
        self.in_conversation = in_conversation
        self.unfinished = ""
        self.audio_ms = 0
        self.first_audio_at_ms: int | None = None
        self._server = server
        self._acts = list(acts)
        self._settings = settings
        self._read = read
        self._metadata = metadata
        self._text_tokens = 0
        self._details: Event | None = None
        self._items: list[Item] = []
        self._created_ms = now_ms
        self._reached_ms = now_ms
        self._late_ms = 0
        self._drop = server.faults.find("drop", number)
        self._stall = server.faults.find("stall", number)
        self._incomplete = server.faults.find("incomplete", number)
        self._close_item: Callable[[bool], None] | None = None
        self.steps = self._generate()

    @property
    def output_tokens(self) -> int:
        """Tokens generated so far; a cancelled response is paid for up to there."""
        return self._text_tokens + self.audio_ms // ASSISTANT_TOKEN_MS

    @property
    def spoke(self) -> bool:
        return self.first_audio_at_ms is not None

    def cancel(self, reason: str) -> None:
        """Ends it at once: `turn_detected` or `client_cancelled`."""
        self._generation_over()
        self._finish("cancelled", {"type": "cancelled", "reason": reason})

    def _generate(self) -> Iterator[int | None]:
        server = self._server
        server.emit({"type": "response.created", "response": self._view()})
        server.emit(_rate_limits(self._ceiling()))
        at_ms = self._created_ms + server.pace.think_ms
        slow = server.faults.find("slow_first_token", self.number)
        yield from self._until(at_ms + (slow.lasting_ms if slow else 0))
        failed = server.faults.find("failed", self.number)
        if failed is not None:
            return self._fail(failed.code or "server_error", with_event=bool(failed.status))
        at_ms += slow.lasting_ms if slow else 0
        for place, act in enumerate(self._acts):
            if isinstance(act, Speak):
                at_ms = yield from self._speak(act.text, at_ms)
            else:
                at_ms = yield from self._call(act, at_ms)
            if self._details is not None:
                rest = [later.text for later in self._acts[place + 1 :] if isinstance(later, Speak)]
                self.unfinished = " ".join([self.unfinished, *rest]).strip()
                return self._finish("incomplete", self._details)
        if self._drop is not None:
            yield from self._until(max(at_ms, self._created_ms + self._drop.after_ms))
        self._finish("completed", None)

    def _until(self, at_ms: int) -> Iterator[int | None]:
        """Waits until then, or for as long as a fault wants."""
        if self._stall is not None and at_ms >= self._created_ms + self._stall.after_ms:
            if not self._stall.lasting_ms:
                yield None
            self._late_ms += self._stall.lasting_ms
            self._stall = None
        if self._drop is not None and at_ms >= self._created_ms + self._drop.after_ms:
            yield self._created_ms + self._drop.after_ms
            self._server.hang_up(self._drop.status or 1006, self._drop.code)
            yield None
        self._reached_ms = at_ms + self._late_ms
        yield self._reached_ms

    def _speak(self, text: str, at_ms: int) -> "Generation":
        if self._settings["output_modalities"] == ["text"]:
            return (yield from self._write(text, at_ms))
        uttered = self._server.voice.say(text, "assistant")
        audio, bytes_per_ms = self._encoded(uttered.audio)
        item, ids = self._open("assistant", audio_ms=0)
        self._open_part(ids, {"type": "audio", "transcript": ""})
        self._close_item = lambda whole: self._close_speech(item, ids, whole)
        words = uttered.words
        start_ms, position, spoken = at_ms, 0, 0
        while position < len(audio):
            end = min(len(audio), position + self._piece_bytes() * bytes_per_ms // BYTES_PER_MS)
            yield from self._until(start_ms + int(position / (bytes_per_ms * self._server.pace.speed)))
            until_ms = end // bytes_per_ms
            if self._must_stop(until_ms):
                self.unfinished = " ".join(word.text for word in words[spoken:])
                break
            while spoken < len(words) and words[spoken].start_ms < until_ms:
                self._say_word(item, ids, words[spoken], first=spoken == 0)
                spoken += 1
            self._send_audio(ids, audio[position:end])
            self.audio_ms += until_ms - position // bytes_per_ms
            if not item.truncated:
                item.audio_ms = until_ms
            position = end
        self._generation_over(whole=position >= len(audio))
        return start_ms + int(position / (bytes_per_ms * self._server.pace.speed))

    def _say_word(self, item: Item, ids: Event, word: Word, first: bool) -> None:
        item.append_word(word.text, word.end_ms)
        delta = word.text if first else f" {word.text}"
        self._text_tokens += text_tokens(delta)
        self._server.emit({"type": "response.output_audio_transcript.delta", **ids, "delta": delta})

    def _send_audio(self, ids: Event, audio: bytes) -> None:
        if self.first_audio_at_ms is None:
            self.first_audio_at_ms = self._reached_ms
        delta = pybase64.b64encode(audio).decode()
        self._server.emit({"type": "response.output_audio.delta", **ids, "delta": delta})

    def _close_speech(self, item: Item, ids: Event, whole: bool) -> None:
        emit = self._server.emit
        item.status = "completed" if whole else "incomplete"
        emit({"type": "response.output_audio.done", **ids})
        emit({"type": "response.output_audio_transcript.done", **ids, "transcript": item.text})
        part = {"type": "audio", "transcript": item.text}
        emit({"type": "response.content_part.done", **ids, "part": part})
        self._close(item, ids)

    def _write(self, text: str, at_ms: int) -> "Generation":
        item, ids = self._open("assistant")
        self._open_part(ids, {"type": "text", "text": ""})
        self._close_item = lambda whole: self._close_writing(item, ids, whole)
        for place, word in enumerate(text.split()):
            yield from self._until(at_ms)
            delta = f" {word}" if place else word
            item.append_text(delta)
            self._text_tokens += text_tokens(delta)
            self._server.emit({"type": "response.output_text.delta", **ids, "delta": delta})
            at_ms += _WORD_MS
        self._generation_over(whole=True)
        return at_ms

    def _close_writing(self, item: Item, ids: Event, whole: bool) -> None:
        emit = self._server.emit
        item.status = "completed" if whole else "incomplete"
        emit({"type": "response.output_text.done", **ids, "text": item.text})
        emit({"type": "response.content_part.done", **ids, "part": {"type": "text", "text": item.text}})
        self._close(item, ids)

    def _call(self, act: CallTool, at_ms: int) -> "Generation":
        server = self._server
        arguments = msgspec.json.encode(act.arguments).decode()
        cut = server.faults.find("cut_arguments", self.number) is not None
        if cut:
            arguments = arguments[: max(1, len(arguments) // 2)]
        yield from self._until(at_ms)
        item, ids = self._open("tool_call", name=act.name, call_id=server.fresh_id("call"))
        ids = {name: ids[name] for name in ("response_id", "item_id", "output_index")} | {"call_id": item.call_id}
        twice = server.faults.find("duplicate_function_call", self.number) is not None
        self._close_item = lambda whole: self._close_call(item, ids, whole, twice)
        for start in range(0, len(arguments), _ARGUMENT_PIECE):
            yield from self._until(at_ms)
            piece = arguments[start : start + _ARGUMENT_PIECE]
            item.append_text(piece)
            self._text_tokens += text_tokens(piece)
            server.emit({"type": "response.function_call_arguments.delta", **ids, "delta": piece})
            at_ms += _WORD_MS
        yield from self._until(at_ms)
        if cut:
            self._details = _stopped("max_output_tokens")
        self._generation_over(whole=not cut)
        return at_ms

    def _close_call(self, item: Item, ids: Event, whole: bool, twice: bool) -> None:
        item.status = "completed" if whole else "incomplete"
        done = {"type": "response.function_call_arguments.done", **ids, "arguments": item.text, "name": item.name}
        for _ in range(2 if twice else 1):
            self._server.emit(done)
            self._close(item, ids)

    def _open(self, who: Who, **fields: Any) -> tuple[Item, Event]:
        """A new output item, announced; with the ids that its events carry."""
        server = self._server
        item = Item(server.fresh_id("item"), who, status="in_progress", **fields)
        self._items.append(item)
        index = len(self._items) - 1
        added = {"response_id": self.id, "output_index": index, "item": item.view()}
        server.emit({"type": "response.output_item.added", **added})
        if self.in_conversation:
            previous = server.remember(item)
            server.emit({"type": "conversation.item.added", "previous_item_id": previous, "item": item.view()})
        return item, {"response_id": self.id, "item_id": item.id, "output_index": index, "content_index": 0}

    def _open_part(self, ids: Event, part: Event) -> None:
        self._server.emit({"type": "response.content_part.added", **ids, "part": part})

    def _close(self, item: Item, ids: Event) -> None:
        if self.in_conversation:
            self._server.emit({"type": "conversation.item.done", "item": item.view()})
        done = {"response_id": self.id, "output_index": ids["output_index"], "item": item.view()}
        self._server.emit({"type": "response.output_item.done", **done})

    def _generation_over(self, whole: bool = False) -> None:
        """Closes the item that is being generated, if there is one."""
        close, self._close_item = self._close_item, None
        if close is not None:
            close(whole)

    def _must_stop(self, until_ms: int) -> bool:
        """Would generating this item up to there pass a limit? Then the response ends `incomplete`."""
        if self._incomplete is not None and until_ms >= self._incomplete.after_ms:
            self._details = _stopped(self._incomplete.code or "max_output_tokens")
        elif self.output_tokens >= self._ceiling():
            self._details = _stopped("max_output_tokens")
        return self._details is not None

    def _ceiling(self) -> int:
        ceiling = self._settings["max_output_tokens"]
        return _UNLIMITED_TOKENS if ceiling == "inf" else int(ceiling)

    def _encoded(self, audio: bytes) -> tuple[bytes, int]:
        """The sound in the session's output format, and how many of its bytes are a millisecond."""
        if self._settings["audio"]["output"]["format"]["type"] == PCMU:
            return audio, BYTES_PER_MS
        return np.repeat(decode(audio), 3).astype("<i2").tobytes(), _PCM_BYTES_PER_MS

    def _piece_bytes(self) -> int:
        """How much sound comes at once: bursts of any size, and never whole frames."""
        size = self._server.rng.randrange(700, 4200)
        return size + 2 if size % FRAME_BYTES == 0 else size

    def _fail(self, code: str, with_event: bool) -> None:
        error = {"type": "server_error", "code": code, "message": f"The response failed: {code}."}
        if with_event:
            self._server.emit({"type": "error", "error": {**error, "param": None, "event_id": None}})
        self._finish("failed", {"type": "failed", "error": error})

    def _finish(self, status: str, details: Event | None) -> None:
        self.status = status
        self._details = details
        self._server.emit({"type": "response.done", "response": self._view()})

    def _view(self) -> Event:
        over = self.status != "in_progress"
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self._details,
            "output": [item.view() for item in self._items],
            "conversation_id": "conv_1" if self.in_conversation else None,
            "output_modalities": self._settings["output_modalities"],
            "max_output_tokens": self._settings["max_output_tokens"],
            "audio": {"output": {name: self._settings["audio"]["output"][name] for name in ("format", "voice")}},
            "usage": self._usage() if over else None,
            "metadata": self._metadata,
        }

    def _usage(self) -> Event:
        read = self._read
        audio_tokens = self.audio_ms // ASSISTANT_TOKEN_MS
        input_tokens = read["text"] + read["audio"]
        return {
            "total_tokens": input_tokens + self._text_tokens + audio_tokens,
            "input_tokens": input_tokens,
            "output_tokens": self._text_tokens + audio_tokens,
            "input_token_details": {
                "text_tokens": read["text"],
                "audio_tokens": read["audio"],
                "image_tokens": 0,
                "cached_tokens": read["cached_text"] + read["cached_audio"],
                "cached_tokens_details": {
                    "text_tokens": read["cached_text"],
                    "audio_tokens": read["cached_audio"],
                    "image_tokens": 0,
                },
            },
            "output_token_details": {"text_tokens": self._text_tokens, "audio_tokens": audio_tokens},
        }


Generation = Generator[int | None, None, int]
_WORD_MS = 12
_ARGUMENT_PIECE = 24
_UNLIMITED_TOKENS = 4096


def _stopped(reason: str) -> Event:
    return {"type": "incomplete", "reason": reason}


def _rate_limits(reserved: int) -> Event:
    limits = [
        {"name": "requests", "limit": 20_000, "remaining": 19_999, "reset_seconds": 0.003},
        {"name": "tokens", "limit": 15_000_000, "remaining": 15_000_000 - reserved, "reset_seconds": 0.01},
    ]
    return {"type": "rate_limits.updated", "rate_limits": limits}
