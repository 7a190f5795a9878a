"""The simulated OpenAI Realtime service: one connection, as a machine.

Text frames go in, text frames come out, time is an argument. It speaks the GA dialect alone and complains like the
real service. What it understands of the caller comes only from the words hidden in the sound it was really sent;
it never looks at anything else of the call.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pybase64

from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES
from agentlocator.simulator.brain import Act, Brain, Conversation, Speak
from agentlocator.simulator.hidden_words import Listener
from agentlocator.simulator.peer import Close, Out, Send
from agentlocator.simulator.realtime_faults import Fault, FaultPlan
from agentlocator.simulator.realtime_items import Item, Items, read_item, text_tokens
from agentlocator.simulator.realtime_response import Event, Pace, Response
from agentlocator.simulator.realtime_session import (
    MODELS,
    PCMU,
    Refusal,
    default_session,
    merge_update,
    missing,
    refuse_response,
    refuse_update,
    unknown_fields,
    wrong_value,
)
from agentlocator.simulator.realtime_vad import ServerVad, SpeechStarted, SpeechStopped
from agentlocator.simulator.speech import Voice

SESSION_MS = 60 * 60_000
_EPOCH_S = 1_795_000_000


class Upgrade(msgspec.Struct, frozen=True):
    """What the service sees of a WebSocket handshake: `model` from the query, two headers, `beta` if it is sent."""

    model: str = "gpt-realtime-2.1"
    authorization: str = ""
    beta: str = ""
    path: str = "/v1/realtime"


class RealtimeServer:
    """One connection.

    `connected`, `receive` and `timer` return what leaves for the client; `next_ms` says when `timer` is due.
    The public attributes are evidence for tests: what it refused, heard, produced and was sent.
    """

    def __init__(
        self,
        brain: Brain,
        rng: random.Random,
        faults: Sequence[Fault] | FaultPlan = (),
        *,
        voice: Voice,
        upgrade: Upgrade | None = None,
        pace: Pace | None = None,
        keep_audio: bool = False,
        unworded: str = "",
    ) -> None:
        self.voice = voice
        self.rng = rng
        self.pace = pace or Pace()
        self.faults = faults if isinstance(faults, FaultPlan) else FaultPlan(faults, rng)
        self.upgrade = upgrade or Upgrade()
        self.closed = False
        self.errors: list[str | None] = []
        """The code of every `error` sent."""
        self.received_types: list[str] = []
        """The type of every client event but the appends."""
        self.heard_texts: list[str] = []
        """What was understood of each of the caller's turns."""
        self.responses: list[Response] = []
        self.unintelligible_bytes = 0
        """Sound that came while the session did not yet expect µ-law."""
        self.received_audio: bytearray | None = bytearray() if keep_audio else None
        self._brain = brain
        self._ids = itertools.count(1)
        self.session = default_session(
            self.fresh_id("sess"), self.upgrade.model, expires_at=_EPOCH_S + SESSION_MS // 1000
        )
        self.items = Items()
        self._outs: list[Out] = []
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._now_ms = 0
        self._listener = Listener()
        self._vad = self._detection()
        self._sound_ms = 0.0
        self._buffer_from_ms = 0.0
        self._turn_item_id = ""
        self._words: list[str] = []
        self._unworded = unworded
        self._unfinished = ""
        self._cached = (0, 0)
        self._idle_at_ms: int | None = None
        self._has_spoken = False
        self._handlers: dict[str, Callable[[Event], Refusal | None]] = {
            "session.update": self._update_session,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit_by_hand,
            "input_audio_buffer.clear": self._clear_buffer,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve_item,
            "conversation.item.truncate": self._truncate_item,
            "conversation.item.delete": self._delete_item,
            "response.create": self._create_response,
            "response.cancel": self._cancel_response,
        }

    @property
    def damaged(self) -> int:
        """Pieces of the caller's sound whose hidden words did not survive bit by bit."""
        return self._listener.damaged

    @property
    def active(self) -> Response | None:
        """The response that is writing to the conversation."""
        for response in reversed(self.responses):
            if response.in_conversation:
                return response if response.status == "in_progress" else None
        return None

    def connected(self, now_ms: int) -> list[Out]:
        """The handshake is done: admits the client, or refuses it with an `error` and close 4000."""
        self._now_ms = now_ms
        refusal = self._refuse_client()
        if refusal is not None:
            self._complain(refusal, None)
            self.hang_up(4000, refusal.message)
            return self._take()
        self.emit({"type": "session.created", "session": self.session})
        self._at(now_ms + SESSION_MS, self._expire)
        return self._take()

    def receive(self, text: str, now_ms: int) -> list[Out]:
        """Takes one client event."""
        if self.closed:
            return []
        self._now_ms = now_ms
        try:
            event = msgspec.json.decode(text)
        except msgspec.DecodeError:
            self._complain(Refusal("invalid_event", "The message is not valid JSON."), None)
            return self._take()
        refusal = self._handle(event)
        if refusal is not None:
            self._complain(refusal, event.get("event_id") if isinstance(event, dict) else None)
        return self._take()

    def next_ms(self) -> int | None:
        """When `timer` wants to be called."""
        return self._due[0][0] if self._due and not self.closed else None

    def timer(self, now_ms: int) -> list[Out]:
        """Does all that is due by now."""
        while self._due and self._due[0][0] <= now_ms and not self.closed:
            at_ms, _, act = heapq.heappop(self._due)
            self._now_ms = max(self._now_ms, at_ms)
            act(now_ms)
        return self._take()

    def emit(self, event: Event) -> None:
        """Sends one server event, numbered."""
        if not self.closed:
            numbered = {"event_id": f"event_{next(self._ids)}", **event}
            self._outs.append(Send(msgspec.json.encode(numbered).decode()))

    def hang_up(self, code: int, reason: str = "") -> None:
        """Closes the connection; nothing follows."""
        if not self.closed:
            self._outs.append(Close(code, reason))
            self.closed = True

    def fresh_id(self, kind: str) -> str:
        return f"{kind}_{self.rng.getrandbits(48):012x}{next(self._ids):04d}"

    def remember(self, item: Item) -> str | None:
        """Puts an item at the end of the conversation; returns the id of the one before it."""
        return self.items.add(item)

    def _refuse_client(self) -> Refusal | None:
        fault = self.faults.find("error_after_upgrade")
        if fault is not None:
            code = fault.code or "server_error"
            return Refusal(code, f"The session was refused: {code}.", type="server_error")
        if self.upgrade.beta:
            message = "The beta Realtime API is no longer available: leave out the OpenAI-Beta header."
            return Refusal("beta_api_shape_disabled", message)
        if not self.upgrade.model:
            return missing("model")
        if self.upgrade.model not in MODELS:
            return Refusal("model_not_found", f"The model '{self.upgrade.model}' does not exist.", "model")
        return None

    def _handle(self, event: object) -> Refusal | None:
        if not isinstance(event, dict):
            return Refusal("invalid_event", "An event must be a JSON object.")
        kind = event.get("type")
        if kind is None:
            return missing("type")
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if handler is None:
            return wrong_value("type", kind, ", ".join(f"'{name}'" for name in self._handlers))
        if handler == self._append:
            return self._append(event)
        self.received_types.append(kind)
        allowed, required = _FIELDS[kind]
        refusal = unknown_fields(event, allowed)
        if refusal is not None:
            return refusal
        absent = next((name for name in required if name not in event), None)
        return missing(absent) if absent else handler(event)

    def _complain(self, refusal: Refusal, event_id: object) -> None:
        self.errors.append(refusal.code)
        self.emit({"type": "error", "error": {**msgspec.structs.asdict(refusal), "event_id": event_id}})

    def _take(self) -> list[Out]:
        outs, self._outs = self._outs, []
        return outs

    def _at(self, at_ms: int, act: Callable[[int], None]) -> None:
        heapq.heappush(self._due, (at_ms, next(self._ids), act))

    def _expire(self, _now_ms: int) -> None:
        message = "Your session hit the maximum duration of 60 minutes."
        self._complain(Refusal("session_expired", message), None)
        self.hang_up(1001, message)

    def _update_session(self, event: Event) -> Refusal | None:
        refusal = refuse_update(event["session"], self.session, self._has_spoken)
        if refusal is not None:
            return refusal
        detection = self.session["audio"]["input"]["turn_detection"]
        self.session = merge_update(self.session, event["session"])
        if self.faults.find("wrong_echo") is not None:
            for side in ("input", "output"):
                self.session["audio"][side]["format"] = {"type": "audio/pcm", "rate": 24000}
        if self.session["audio"]["input"]["turn_detection"] != detection:
            self._vad = self._detection()
        if self.faults.find("never_updated") is None:
            self.emit({"type": "session.updated", "session": self.session})
        return None

    def _detection(self) -> ServerVad | None:
        settings = self._turn_detection()
        return ServerVad(settings) if settings else None

    def _turn_detection(self) -> Mapping[str, Any]:
        return self.session["audio"]["input"]["turn_detection"] or {}

    def _append(self, event: Event) -> Refusal | None:
        try:
            audio = pybase64.b64decode(event["audio"], validate=True)
        except KeyError:
            return missing("audio")
        except (ValueError, TypeError):
            return Refusal("invalid_value", "Invalid 'audio'. Expected base64-encoded audio bytes.", "audio")
        if self.received_audio is not None:
            self.received_audio += audio
        if self.session["audio"]["input"]["format"]["type"] != PCMU:
            self._mishear(audio)
        elif len(audio) == FRAME_BYTES:
            self._hear(audio)
        else:
            for start in range(0, len(audio), FRAME_BYTES):
                self._hear(audio[start : start + FRAME_BYTES])
        return None

    def _hear(self, frame: bytes) -> None:
        self._sound_ms += len(frame) / BYTES_PER_MS
        for heard in self._listener.hear(frame):
            self._words.append(heard.text)
        if self._vad is not None:
            self._turn(self._vad.hear(frame, int(self._sound_ms)))

    def _mishear(self, audio: bytes) -> None:
        """Telephone sound taken for 24 kHz PCM: a sixth of its length, loud wherever it is not silence, no words."""
        self.unintelligible_bytes += len(audio)
        self._sound_ms += len(audio) / _PCM_BYTES_PER_MS
        if self._vad is None:
            return
        samples = np.frombuffer(audio[: len(audio) // 2 * 2], "<i2").astype(np.float32)
        loud = bool(samples.size) and float(np.abs(samples).mean()) > _LOUD_PCM
        self._turn(self._vad.judge(loud, int(self._sound_ms)))

    def _turn(self, change: SpeechStarted | SpeechStopped | None) -> None:
        if isinstance(change, SpeechStarted):
            self._begin_turn(change.audio_start_ms)
        elif isinstance(change, SpeechStopped):
            self._end_turn(change.audio_end_ms)

    def _begin_turn(self, audio_start_ms: int) -> None:
        self._idle_at_ms = None
        self._turn_item_id = self.fresh_id("item")
        self._buffer_from_ms = audio_start_ms
        started = {"audio_start_ms": audio_start_ms, "item_id": self._turn_item_id}
        self.emit({"type": "input_audio_buffer.speech_started", **started})
        active = self.active
        if active is not None and self._turn_detection()["interrupt_response"]:
            self._end_response(active, "turn_detected")

    def _end_turn(self, audio_end_ms: int) -> None:
        stopped = {"audio_end_ms": audio_end_ms, "item_id": self._turn_item_id}
        self.emit({"type": "input_audio_buffer.speech_stopped", **stopped})
        self._commit(self._turn_item_id)
        if self._turn_detection()["create_response"]:
            refusal = self._respond({})
            if refusal is not None:
                self._complain(refusal, None)

    def _commit_by_hand(self, _event: Event) -> Refusal | None:
        buffered_ms = self._sound_ms - self._buffer_from_ms
        if buffered_ms < _LEAST_COMMIT_MS:
            message = (
                "Error committing input audio buffer: buffer too small. "
                f"Expected at least {_LEAST_COMMIT_MS}ms of audio, but buffer only has {buffered_ms:.2f}ms of audio."
            )
            return Refusal("input_audio_buffer_commit_empty", message)
        if self._vad is not None:
            self._vad.reset()
        self._commit(self.fresh_id("item"))
        return None

    def _commit(self, item_id: str) -> None:
        text = " ".join(self._words) or self._unworded
        self._words.clear()
        self.heard_texts.append(text)
        item = Item(item_id, "caller", text, audio_ms=int(self._sound_ms - self._buffer_from_ms))
        self._buffer_from_ms = self._sound_ms
        previous = self.remember(item)
        self.emit({"type": "input_audio_buffer.committed", "previous_item_id": previous, "item_id": item_id})
        self._announce(item, previous)
        if self.session["audio"]["input"]["transcription"] is not None:
            self._at(self._now_ms + self.pace.transcription_ms, partial(self._transcribe, item))

    def _transcribe(self, item: Item, _now_ms: int) -> None:
        ids = {"item_id": item.id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription"
        if item.text:
            self.emit({"type": f"{kind}.delta", **ids, "delta": item.text})
        usage = {"type": "duration", "seconds": (item.audio_ms or 0) / 1000}
        self.emit({"type": f"{kind}.completed", **ids, "transcript": item.text, "usage": usage})

    def _clear_buffer(self, _event: Event) -> Refusal | None:
        self._words.clear()
        self._buffer_from_ms = self._sound_ms
        if self._vad is not None:
            self._vad.reset()
        self.emit({"type": "input_audio_buffer.cleared"})
        return None

    def _create_item(self, event: Event) -> Refusal | None:
        after = event.get("previous_item_id")
        if after not in (None, "root") and self.items.find(after) is None:
            message = f"Previous item with id '{after}' not found in conversation."
            return Refusal("item_create_invalid_previous_item_id", message, "previous_item_id")
        item = read_item(event["item"], self.fresh_id("item"), self.items)
        if isinstance(item, Refusal):
            return item
        self._idle_at_ms = None
        self._announce(item, self.items.add(item, after))
        return None

    def _announce(self, item: Item, previous: str | None) -> None:
        for kind in ("added", "done"):
            shown = {"previous_item_id": previous, "item": item.view()}
            self.emit({"type": f"conversation.item.{kind}", **shown})

    def _retrieve_item(self, event: Event) -> Refusal | None:
        item = self.items.find(event["item_id"])
        if item is None:
            return _no_item("retrieve", event["item_id"])
        self.emit({"type": "conversation.item.retrieved", "item": item.view()})
        return None

    def _delete_item(self, event: Event) -> Refusal | None:
        item = self.items.find(event["item_id"])
        if item is None:
            return _no_item("delete", event["item_id"])
        self.items.remove(item)
        self.emit({"type": "conversation.item.deleted", "item_id": item.id})
        return None

    def _truncate_item(self, event: Event) -> Refusal | None:
        item = self.items.find(event["item_id"])
        if item is None:
            return _no_item("truncate", event["item_id"])
        end_ms = event["audio_end_ms"]
        if isinstance(end_ms, bool) or not isinstance(end_ms, int) or end_ms < 0:
            return wrong_value("audio_end_ms", end_ms, "integers from 0")
        if item.who != "assistant" or item.audio_ms is None:
            return Refusal("invalid_value", "Only assistant audio can be truncated.", "item_id")
        if event["content_index"] != 0:
            return wrong_value("content_index", event["content_index"], "0")
        if end_ms > item.audio_ms:
            return Refusal(None, f"Audio content of {item.audio_ms}ms is already shorter than {end_ms}ms")
        item.truncate(end_ms)
        ids = {"item_id": item.id, "content_index": 0, "audio_end_ms": end_ms}
        self.emit({"type": "conversation.item.truncated", **ids})
        return None

    def _create_response(self, event: Event) -> Refusal | None:
        options = event.get("response")
        return self._respond(options if options is not None else {})

    def _respond(self, options: Any) -> Refusal | None:
        refusal = refuse_response(options, self.session, self._has_spoken)
        if refusal is not None:
            return refusal
        in_conversation = options.get("conversation", "auto") == "auto"
        active = self.active
        if active is not None and in_conversation:
            message = (
                f"Conversation already has an active response in progress: {active.id}. "
                "Wait until the response is finished before creating a new one."
            )
            return Refusal("conversation_already_has_active_response", message)
        self._idle_at_ms = None
        response = Response(
            self,
            number=len(self.responses) + 1,
            acts=self._think(options),
            settings=_overridden(self.session, options),
            read=self._reading(options),
            metadata=options.get("metadata"),
            in_conversation=in_conversation,
            now_ms=self._now_ms,
        )
        self.responses.append(response)
        self._go_on(response, self._now_ms)
        return None

    def _think(self, options: Mapping[str, Any]) -> list[Act]:
        told = str(options.get("instructions") or "")
        heard = Conversation(
            turns=self.items.turns(),
            instructions=self.session["instructions"],
            request=told.removeprefix(self.session["instructions"]).strip(),
            tools=tuple(options.get("tools") or self.session["tools"]),
            unfinished=self._unfinished,
        )
        acts = self._brain.reply(heard)
        forbidden = options.get("tool_choice", self.session["tool_choice"]) == "none"
        return [act for act in acts if isinstance(act, Speak)] if forbidden else acts

    def _reading(self, options: Mapping[str, Any]) -> dict[str, int]:
        """What the response reads, in tokens; whatever the response before it read is cached by now."""
        told = str(options.get("instructions") or self.session["instructions"])
        text, audio = self.items.tokens()
        text += text_tokens(told) + sum(text_tokens(str(tool)) for tool in self.session["tools"])
        cached_text, cached_audio = min(self._cached[0], text), min(self._cached[1], audio)
        self._cached = (text // _CACHE_BLOCK * _CACHE_BLOCK, audio // _CACHE_BLOCK * _CACHE_BLOCK)
        return {"text": text, "audio": audio, "cached_text": cached_text, "cached_audio": cached_audio}

    def _go_on(self, response: Response, now_ms: int) -> None:
        if response.status != "in_progress":
            return
        for at_ms in response.steps:
            if at_ms is None or self.closed:
                return
            if at_ms > now_ms:
                return self._at(at_ms, partial(self._go_on, response))
        self._response_over(response, now_ms)

    def _response_over(self, response: Response, now_ms: int) -> None:
        self._has_spoken = self._has_spoken or response.spoke
        self._unfinished = response.unfinished
        idle_ms = self._turn_detection().get("idle_timeout_ms")
        if idle_ms and response.in_conversation and response.status == "completed":
            played_at_ms = (response.first_audio_at_ms or now_ms) + response.audio_ms
            self._idle_at_ms = max(now_ms, played_at_ms) + idle_ms
            self._at(self._idle_at_ms, self._idle)

    def _idle(self, now_ms: int) -> None:
        """Nobody spoke for long: an empty turn is committed and the model asks."""
        if self._idle_at_ms is None or now_ms < self._idle_at_ms:
            return
        self._idle_at_ms = None
        item_id = self.fresh_id("item")
        sound_ms = int(self._sound_ms)
        span = {"audio_start_ms": int(self._buffer_from_ms), "audio_end_ms": sound_ms, "item_id": item_id}
        self.emit({"type": "input_audio_buffer.timeout_triggered", **span})
        self._commit(item_id)
        self._respond({})

    def _cancel_response(self, event: Event) -> Refusal | None:
        wanted = event.get("response_id")
        running = [r for r in self.responses if r.status == "in_progress" and wanted in (None, r.id)]
        if wanted is None:
            running = [response for response in running if response.in_conversation]
        if not running:
            return Refusal("response_cancel_not_active", "Cancellation failed: no active response found")
        self._end_response(running[-1], "client_cancelled")
        return None

    def _end_response(self, response: Response, reason: str) -> None:
        response.cancel(reason)
        self._response_over(response, self._now_ms)


_PCM_BYTES_PER_MS = 48
_LOUD_PCM = 600.0
_LEAST_COMMIT_MS = 100
_CACHE_BLOCK = 64


def _accepts(*required: str, optional: tuple[str, ...] = ()) -> tuple[frozenset[str], tuple[str, ...]]:
    return frozenset(("type", "event_id", *required, *optional)), required


_FIELDS = {
    "session.update": _accepts("session"),
    "input_audio_buffer.commit": _accepts(),
    "input_audio_buffer.clear": _accepts(),
    "conversation.item.create": _accepts("item", optional=("previous_item_id",)),
    "conversation.item.retrieve": _accepts("item_id"),
    "conversation.item.truncate": _accepts("item_id", "content_index", "audio_end_ms"),
    "conversation.item.delete": _accepts("item_id"),
    "response.create": _accepts(optional=("response",)),
    "response.cancel": _accepts(optional=("response_id",)),
}


def _overridden(session: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The session's settings with a response's own over them."""
    output = {**session["audio"]["output"], **((options.get("audio") or {}).get("output") or {})}
    return {**session, **options, "audio": {"output": output}}


def _no_item(verb: str, item_id: object) -> Refusal:
    code = f"item_{verb}_invalid_item_id"
    return Refusal(code, f"Error with item_id: item '{item_id}' not found in conversation.", "item_id")
