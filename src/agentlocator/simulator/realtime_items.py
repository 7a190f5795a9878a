"""The simulated model's memory: the items of one conversation, and what they cost to read again. Pure.

An item's text is what the model knows of it: the words it made out, or those it is left with after a truncation.
"""

from collections.abc import Mapping
from typing import Any

from agentlocator.simulator.brain import Turn, Who
from agentlocator.simulator.realtime_session import Refusal, missing, wrong_value

CALLER_TOKEN_MS = 100
ASSISTANT_TOKEN_MS = 50
_TEXT_TOKEN_CHARS = 3


class Item:
    """One item: a message, a function call or a function call's output.

    `audio_ms` is the sound it holds (None: typed text); `words` are an assistant's, each with the ms at which it ends.
    """

    def __init__(
        self,
        item_id: str,
        who: Who,
        text: str = "",
        *,
        name: str = "",
        call_id: str = "",
        audio_ms: int | None = None,
        status: str = "completed",
    ) -> None:
        self.id = item_id
        self.who = who
        self.name = name
        self.call_id = call_id
        self.audio_ms = audio_ms
        self.status = status
        self.truncated = False
        self._text = text
        self._words: list[tuple[str, int]] = []

    @property
    def text(self) -> str:
        return " ".join(word for word, _ in self._words) if self._words else self._text

    def append_text(self, text: str) -> None:
        self._text += text

    def append_word(self, text: str, end_ms: int) -> None:
        if not self.truncated:
            self._words.append((text, end_ms))

    def truncate(self, audio_end_ms: int) -> None:
        """Forgets the sound from there on, and every word that had not ended by then."""
        self.truncated = True
        self.audio_ms = audio_end_ms
        self._words = [word for word in self._words if word[1] <= audio_end_ms]

    def turn(self) -> Turn:
        return Turn(self.who, self.text, self.name, self.call_id)

    def tokens(self) -> tuple[int, int]:
        """What it costs to read: text tokens, audio tokens."""
        if self.audio_ms is None:
            return text_tokens(self.text), 0
        if self.who == "caller":
            return 0, self.audio_ms // CALLER_TOKEN_MS
        return text_tokens(self.text), self.audio_ms // ASSISTANT_TOKEN_MS

    def view(self) -> dict[str, Any]:
        """The item as the wire shows it."""
        shown: dict[str, Any] = {"id": self.id, "object": "realtime.item"}
        if self.who == "tool_output":
            return shown | {"type": "function_call_output", "call_id": self.call_id, "output": self.text}
        shown["status"] = self.status
        if self.who == "tool_call":
            return shown | {
                "type": "function_call",
                "call_id": self.call_id,
                "name": self.name,
                "arguments": self.text,
            }
        return shown | {"type": "message", "role": _ROLES[self.who], "content": self._content()}

    def _content(self) -> list[dict[str, Any]]:
        if self.who == "caller":
            return [{"type": "input_audio", "transcript": None}]
        if self.who != "assistant":
            return [{"type": "input_text", "text": self.text}]
        if self.status == "in_progress":
            return []
        if self.audio_ms is None:
            return [{"type": "output_text", "text": self.text}]
        return [{"type": "output_audio", "transcript": self.text}]


class Items:
    """The conversation in its order."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def find(self, item_id: str) -> Item | None:
        return next((item for item in reversed(self._items) if item.id == item_id), None)

    def call(self, call_id: str) -> Item | None:
        """The function call of that call id."""
        return next((item for item in self._items if item.who == "tool_call" and item.call_id == call_id), None)

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Puts an item at the end, at the start (`after` is "root") or behind another; returns that other's id."""
        place = len(self._items)
        if after == "root":
            place = 0
        elif after is not None:
            place = next(place for place, other in enumerate(self._items) if other.id == after) + 1
        self._items.insert(place, item)
        return self._items[place - 1].id if place else None

    def remove(self, item: Item) -> None:
        self._items.remove(item)

    def turns(self) -> tuple[Turn, ...]:
        return tuple(item.turn() for item in self._items if item.text or item.who == "caller")

    def tokens(self) -> tuple[int, int]:
        """What the conversation costs to read: text tokens, audio tokens."""
        counted = [item.tokens() for item in self._items]
        return sum(text for text, _ in counted), sum(audio for _, audio in counted)


def text_tokens(text: str) -> int:
    """A rough count: Hebrew takes about a token for every three characters."""
    return (len(text) + _TEXT_TOKEN_CHARS - 1) // _TEXT_TOKEN_CHARS


def read_item(fields: object, fresh_id: str, items: Items) -> Item | Refusal:
    """The item of a `conversation.item.create`, or why the service refuses it."""
    if not isinstance(fields, dict):
        return missing("item")
    kind = fields.get("type")
    allowed = _FIELDS.get(kind) if isinstance(kind, str) else None
    if allowed is None:
        return missing("item.type") if kind is None else wrong_value("item.type", kind, ", ".join(_FIELDS))
    for name in fields:
        if name not in allowed and name not in ("id", "type", "object", "status"):
            return Refusal("unknown_parameter", f"Unknown parameter: 'item.{name}'.", f"item.{name}")
    for name in allowed:
        if name not in fields:
            return missing(f"item.{name}")
    for name in ("id", *allowed):
        if name != "content" and not isinstance(fields.get(name, ""), str):
            return Refusal("invalid_type", f"Invalid type for 'item.{name}': expected a string.", f"item.{name}")
    item_id = fields.get("id") or fresh_id
    if items.find(item_id) is not None:
        message = f"Error adding item: an item with id '{item_id}' already exists in the conversation."
        return Refusal("item_create_duplicate_item_id", message, "item.id")
    if kind == "message":
        return _read_message(fields, item_id)
    if kind == "function_call":
        call = {"name": fields["name"], "call_id": fields["call_id"]}
        return Item(item_id, "tool_call", fields["arguments"], **call)
    return _read_output(fields, item_id, items)


def _read_message(fields: Mapping[str, Any], item_id: str) -> Item | Refusal:
    role = fields["role"]
    if role not in _CONTENT:
        return wrong_value("item.role", role, ", ".join(_CONTENT))
    who, content_type = _CONTENT[role]
    parts = fields["content"]
    if not isinstance(parts, list) or not parts:
        return missing("item.content[0]")
    for place, part in enumerate(parts):
        path = f"item.content[{place}]"
        if not isinstance(part, dict):
            return Refusal("invalid_type", f"Invalid type for '{path}': expected an object.", path)
        if part.get("type") != content_type:
            return wrong_value(f"{path}.type", part.get("type"), f"'{content_type}'")
        if not isinstance(part.get("text"), str):
            return missing(f"{path}.text")
    return Item(item_id, who, " ".join(part["text"] for part in parts))


def _read_output(fields: Mapping[str, Any], item_id: str, items: Items) -> Item | Refusal:
    call = items.call(fields["call_id"])
    if call is None:
        message = f"Tool call ID '{fields['call_id']}' not found in conversation."
        return Refusal("invalid_tool_call_id", message, "item.call_id")
    return Item(item_id, "tool_output", fields["output"], name=call.name, call_id=call.call_id)


_FIELDS = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
}
_CONTENT: dict[str, tuple[Who, str]] = {
    "user": ("typed", "input_text"),
    "system": ("note", "input_text"),
    "assistant": ("assistant", "output_text"),
}
_ROLES: dict[Who, str] = {"caller": "user", "typed": "user", "note": "system", "assistant": "assistant"}
