"""How the assistant conducts itself on a business's calls: the few thresholds an owner may set, each within bounds.

What is written here is checked by the very policy that a call is run by; a value that is the usual one is not kept,
so that a better usual value reaches everybody. It keeps every other part of a business's policy as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, Final

import msgspec

from agentlocator.call.policy import CallPolicy, overridden
from agentlocator.db.schema import Business
from agentlocator.db.scope import Scope
from agentlocator.domain import businesses, schedules
from agentlocator.domain.text import clean

# Parts of a business's policy that concern no call.
OTHERS: Final = frozenset({"background", "spending", "whatsapp"})


class Setting(msgspec.Struct, frozen=True):
    """One field of the call policy that an owner sets: a number within bounds, a choice, or a sentence.

    A number is typed in `unit`s and kept in what the policy counts in. `path` is where the policy has it.
    """

    path: tuple[str, ...]
    least: int = 0
    most: int = 0
    unit: int = 1
    choices: tuple[str | int, ...] = ()
    longest: int = 0


SETTINGS: Final = {
    "yield_after": Setting(("floor", "commit_active_ms"), choices=(300, 320, 400, 500)),
    "end_of_turn": Setting(("turn_detection",), choices=("server_vad", "semantic_vad")),
    "turn_silence": Setting(("vad_silence_ms",), choices=(300, 400, 600, 900)),
    "eagerness": Setting(("vad_eagerness",), choices=("auto", "high", "medium", "low")),
    "dead_air": Setting(("dead_air_ms",), 3, 10, 1_000),
    "silence_prompt": Setting(("silence_prompt_ms",), 4, 30, 1_000),
    "longest_call": Setting(("max_call_ms",), 2, 45, 60_000),
    "token_ceiling": Setting(("max_output_tokens",), 100, 4_096),
    "notice": Setting(("notice",), longest=300),
}


def of_calls(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a business's policy that its calls are run by."""
    return {name: value for name, value in policy.items() if name not in OTHERS}


def read(policy: Mapping[str, Any]) -> dict[str, str]:
    """Each setting as it would be typed. Raises msgspec.ValidationError for a policy that no call can read."""
    in_force = msgspec.to_builtins(overridden(CallPolicy(), of_calls(policy)))
    return {name: _typed(setting, _at(in_force, setting.path)) for name, setting in SETTINGS.items()}


async def change(scope: Scope, typed: Mapping[str, str], *, actor: str, now: datetime) -> dict[str, str]:
    """Set what is typed, from the next call on. Answers the faults, setting → code; with any, nothing changes."""
    await schedules.take_turn(scope)
    row = await scope.get(Business, scope.business_id)
    assert row is not None, "a scope has its business"
    policy = deepcopy(row.policy)
    known = _known(policy)
    values: dict[str, str | int] = {}
    faults: dict[str, str] = {}
    for name, setting in SETTINGS.items():
        # What an operator set to a value of his own stays, as long as nobody sets it otherwise.
        if name in typed and typed[name] != known.get(name):
            values[name], fault = _value(setting, typed[name])
            if fault:
                faults[name] = fault
    if faults:
        return faults
    usual = msgspec.to_builtins(CallPolicy())
    for name, value in values.items():
        _put(policy, SETTINGS[name].path, value, _at(usual, SETTINGS[name].path))
    try:
        overridden(CallPolicy(), of_calls(policy))
    except msgspec.ValidationError:
        # What was kept before, and is not among the settings, spoils the whole.
        return {"": "unreadable"}
    await businesses.change(scope, policy=policy, actor=actor, now=now)
    return {}


def _known(policy: Mapping[str, Any]) -> dict[str, str]:
    try:
        return read(policy)
    except msgspec.ValidationError:
        return {}


def _value(setting: Setting, typed: str) -> tuple[str | int, str]:
    """What was typed as the policy has it, and what is wrong with it."""
    if setting.longest:
        sentence = clean(typed)
        return sentence, "too_long" if len(sentence) > setting.longest else ""
    if setting.choices:
        chosen = next((choice for choice in setting.choices if str(choice) == typed), None)
        return ("", "unknown") if chosen is None else (chosen, "")
    digits = clean(typed)
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 9):
        return 0, "no_number"
    number = int(digits)
    return number * setting.unit, "" if setting.least <= number <= setting.most else "out_of_range"


def _typed(setting: Setting, value: Any) -> str:
    number = isinstance(value, int) and not setting.choices
    return f"{value / setting.unit:g}" if number else str(value)


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        tree = tree[name]
    return tree


def _put(policy: dict[str, Any], path: tuple[str, ...], value: Any, usual: Any) -> None:
    *outer, last = path
    for name in outer:
        inner = policy.get(name)
        policy[name] = policy = inner if isinstance(inner, dict) else {}
    if value == usual:
        policy.pop(last, None)
    else:
        policy[last] = value
