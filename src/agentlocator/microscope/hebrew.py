"""The call's own words, as the people read them who look at a call. A word that is missing here is shown as it is."""

from __future__ import annotations

from typing import Final

SPEAKERS: Final = {"caller": "מתקשר", "assistant": "עוזרת", "keypad": "מקשים"}

VERDICTS: Final = {"pause": "השהיה", "commit": "קטיעה", "resume": "המשך"}

REASONS: Final = {
    "speech suspected": "חשד לדיבור",
    "continuous speech": "דיבור רציף",
    "keypad": "הקשה",
    "quiet": "שקט",
    "undecided": "לא הוכרע",
    "over": "המשפט כבר הסתיים",
}

WAYS: Final = {
    "sent": "נשמע למודל",
    "late": "נשמע באיחור (מרגע שהתחיל)",
    "silence": "שקט במקום רעש",
    "held": "מוחזק, העוזרת מדברת",
    "nobody": "אין מודל",
}

OUTCOMES: Final = {
    "": "ההקלטה נקטעה לפני סוף השיחה",
    "caller_hung_up": "המתקשר ניתק",
    "assistant_hung_up": "העוזרת סיימה",
    "transferred": "הועברה לאדם",
    "model_lost": "המודל אבד",
    "line_dead": "הקו מת",
    "line_unusable": "אי אפשר היה לדבר בקו",
    "never_connected": "לא התחברה",
    "server_stopping": "השרת נעצר",
    "max_length": "הגיעה לאורך המרבי",
    "ended_by_person": "אדם מהעסק סיים",
    "caller_silent": "המתקשר שתק",
}

STATUSES: Final = {
    "completed": "הושלמה",
    "cancelled": "בוטלה",
    "failed": "נכשלה",
    "incomplete": "נחתכה",
    "lost": "אבדה עם החיבור",
    "": "לא הסתיימה",
}
