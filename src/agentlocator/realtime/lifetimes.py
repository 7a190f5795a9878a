"""Until when a Realtime model answers, as its maker announced. It guesses nothing: an unknown end is None."""

from __future__ import annotations

import datetime as dt
from typing import Final

AS_OF: Final = dt.date(2026, 11, 21)

_ENDS: Final = {
    "gpt-4o-realtime-preview": dt.date(2026, 5, 7),
    "gpt-4o-mini-realtime-preview": dt.date(2026, 5, 7),
    "gpt-realtime-mini-2025-10-06": dt.date(2026, 7, 23),
    "gpt-realtime": dt.date(2027, 1, 20),
    "gpt-realtime-2025-08-28": dt.date(2027, 1, 20),
    "gpt-realtime-mini": dt.date(2027, 1, 20),
    "gpt-realtime-mini-2025-12-15": dt.date(2027, 1, 20),
}


def announced_end(model: str) -> dt.date | None:
    """The day on which the model is switched off."""
    preview = next((name for name in _ENDS if name.endswith("-preview") and model.startswith(f"{name}-")), model)
    return _ENDS.get(preview)
