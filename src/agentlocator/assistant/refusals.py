"""What is said when a time cannot be had: why, in a few words, and the nearest times that can. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentlocator.assistant import hebrew
from agentlocator.assistant.tool import ToolReply
from agentlocator.domain.availability import Code, Refusal, Slot

REASONS: dict[Code, str] = {
    "invalid_date": "התאריך הזה לא קיים.",
    "invalid_time": "לא הצלחתי להבין את השעה.",
    "invalid_duration": "אי אפשר לקבוע תור באורך הזה.",
    "invalid_notes": "ההערה ארוכה מדי.",
    "skipped_time": "השעה הזאת לא קיימת באותו יום, בגלל המעבר לשעון קיץ.",
    "date_in_past": "המועד הזה כבר עבר.",
    "too_soon": "זה קרוב מדי בשביל לקבוע.",
    "too_far_ahead": "היומן עוד לא פתוח למועד הזה.",
    "closed": "באותו יום סגור.",
    "outside_hours": "השעה הזאת מחוץ לשעות הפעילות.",
    "not_on_grid": "אין תור שמתחיל בדיוק בשעה הזאת.",
    "day_full": "אותו יום כבר מלא.",
    "slot_unavailable": "השעה הזאת כבר תפוסה.",
    "unknown_service": "אין אצלנו שירות כזה.",
    "unknown_appointment": "לא מצאתי תור כזה.",
    "not_bookable": "את התור הזה כבר אי אפשר לשנות.",
    "hold_expired": "השעה כבר לא שמורה.",
}


def refused(refusal: Refusal) -> ToolReply:
    """The reply to a time that cannot be had."""
    return ToolReply(
        f"{REASONS[refusal.code]} {offer(refusal.nearest)}".strip(),
        ok=False,
        code=refusal.code,
        data={"slots": shown(refusal.nearest)},
    )


def offer(slots: Sequence[Slot]) -> str:
    """The free times in words; nothing when there are none."""
    return f"הפנוי הקרוב: {hebrew.spoken_slots([slot.wall for slot in slots])}." if slots else ""


def shown(slots: Sequence[Slot]) -> list[dict[str, Any]]:
    """The free times as the model names them back."""
    return [{"start": f"{slot.wall:%Y-%m-%dT%H:%M}", "spoken": hebrew.spoken_slot(slot.wall)} for slot in slots]
