"""Keys gathered into one entry: a number is typed digit by digit, and ends with `#`, a pause, or too many digits."""

from __future__ import annotations

from agentlocator.call.policy import CallPolicy


class Keypad:
    def __init__(self, policy: CallPolicy) -> None:
        self._gap_ms = policy.keypad_gap_ms
        self._max_digits = policy.keypad_max_digits
        self._digits = ""
        self.deadline_ms: int | None = None

    def press(self, digit: str, now_ms: int) -> str | None:
        """Takes one key; returns the entry if this key ended it. A lone `#` is an entry of its own."""
        if digit == "#" and self._digits:
            return self._take()
        self._digits += digit
        if digit == "#" or len(self._digits) >= self._max_digits:
            return self._take()
        self.deadline_ms = now_ms + self._gap_ms
        return None

    def expired(self, now_ms: int) -> str | None:
        """The entry, once nothing was pressed for the gap."""
        if self.deadline_ms is None or now_ms < self.deadline_ms:
            return None
        return self._take()

    def _take(self) -> str:
        digits, self._digits, self.deadline_ms = self._digits, "", None
        return digits
