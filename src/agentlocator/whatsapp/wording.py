"""The sentences that are written without a model. Pure; neutral as to who writes and who reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agentlocator.whatsapp.messages import Kind

STOPPED: Final = "ההודעות הופסקו. כדי לחדש אפשר לכתוב: התחל"
STARTED: Final = "ההודעות חודשו. במה אפשר לעזור?"
FAILED: Final = "משהו השתבש כרגע. ההודעה סומנה לצוות, ויחזרו לכאן."
LIMIT: Final = "השיחה עוברת לצוות, ויחזרו לכאן."

NAMES: Final[Mapping[Kind, str]] = {
    "image": "תמונה",
    "audio": "הודעה קולית",
    "video": "סרטון",
    "document": "קובץ",
    "sticker": "מדבקה",
    "location": "מיקום",
    "contacts": "איש קשר",
    "reaction": "תגובה",
    "unsupported": "הודעה מסוג שלא נתמך כאן",
}


def shown(kind: Kind, text: str) -> str:
    """How a message stands in the thread: its words, and in brackets what else it was."""
    if kind == "text":
        return text
    return f"[{NAMES[kind]}] {text}".strip()


def cannot_open(kind: str) -> str:
    """The honest answer to what nobody here can open."""
    name = next((name for known, name in NAMES.items() if known == kind), NAMES["unsupported"])
    return f"{name}: אי אפשר לפתוח כאן, כאן קוראים רק טקסט. אפשר לכתוב במילים במה מדובר? ההודעה סומנה גם לצוות."
