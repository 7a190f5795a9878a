"""Sections 1, 3 and 7: the one engine, what it was told, and that it is the one who greets."""

from __future__ import annotations

import difflib
import re
from datetime import date
from typing import Final

from agentlocator.assistant.instructions import as_data
from agentlocator.certificate.evidence import Evidence
from agentlocator.certificate.looks import Limits, Look, Seen
from agentlocator.certificate.verdicts import Words


def _engines(evidence: Evidence, _limits: Limits) -> Seen:
    found = "; ".join(evidence.other_engines)
    if found:
        return False, Words(f"נמצא: {found}", f"found: {found}")
    parts = "audio, call, realtime, twilio, voice"
    return True, Words(
        f"ENABLE_STREAMING_STT=false; אין ייבוא של שירות אחר ב-{parts}",
        f"ENABLE_STREAMING_STT=false; no import in {parts}",
    )


def _model_alive(evidence: Evidence, _limits: Limits) -> Seen:
    about = evidence.about
    if not about.model_ends_on:
        return True, Words(f"{about.model}: לא הוכרז מועד סגירה", f"{about.model}: no shutdown date announced")
    days = (date.fromisoformat(about.model_ends_on) - date.fromisoformat(about.today)).days
    return days > 0, Words(
        f"{about.model}: נסגר ב-{about.model_ends_on}, {days} ימים מ-{about.today}",
        f"{about.model}: off on {about.model_ends_on}, {days} days from {about.today}",
    )


def _model_answers(evidence: Evidence, _limits: Limits) -> Seen:
    session, about = evidence.session, evidence.about
    if session.confirmed:
        return True, Words(
            f"{about.model} ב-{about.model_host}: {session.connections} חיבורים, השיחה אושרה",
            f"{about.model} at {about.model_host}: {session.connections} connection(s), session confirmed",
        )
    why = "; ".join((*session.errors, *dict.fromkeys(session.lost))) or "session.updated never came"
    return False, Words(
        f"{about.model} ב-{about.model_host}: {session.connections} חיבורים, בלי אישור; {why}",
        f"{about.model} at {about.model_host}: {session.connections} connection(s), not confirmed; {why}",
    )


def _prompt_base(evidence: Evidence, _limits: Limits) -> Seen:
    sent, wanted = _sent_prompt(evidence), evidence.expected_prompt
    if sent == wanted:
        return True, Words(
            f"{len(sent)} תווים, כללי הבסיס והגדרות העסק, כפי שהוגדרו",
            f"{len(sent)} characters, base rules and the business's settings, as configured",
        )
    place = next((n for n, (a, b) in enumerate(zip(sent, wanted, strict=False)) if a != b), min(len(sent), len(wanted)))
    there = _excerpt(wanted[place:])
    return False, Words(
        f"נשלחו {len(sent)} תווים, הוגדרו {len(wanted)}; הם נפרדים בתו {place}: “{there}”",
        f"sent {len(sent)} characters, configured {len(wanted)}; they part at character {place}: “{there}”",
    )


def _prompt_own(evidence: Evidence, _limits: Limits) -> Seen:
    own = as_data(evidence.custom_prompt).strip()
    if not own:
        return True, Words("לעסק אין טקסט משלו", "the business has no text of its own")
    return own in _sent_prompt(evidence), Words(
        f"הטקסט של העסק, {len(own)} תווים: {_excerpt(own)}",
        f"the business's own {len(own)} characters: {_excerpt(own)}",
    )


def _sent_prompt(evidence: Evidence) -> str:
    session = evidence.session.got or evidence.session.asked
    return str(session.get("instructions", ""))


def _greeting_by_model(evidence: Evidence, _limits: Limits) -> Seen:
    seconds = evidence.frames.produced_ms / 1000
    fine = seconds > 0 and evidence.greeted_by_model
    if not fine:
        return False, Words(
            f"המודל לא פתח; {seconds:.1f} שניות דיבור בשיחה", f"it did not; {seconds:.1f} s of speech in the call"
        )
    return True, Words(
        f"המודל דיבר ראשון; {seconds:.1f} שניות דיבור בשיחה",
        f"the model spoke first; {seconds:.1f} s of speech in the call",
    )


def _greeting_words(evidence: Evidence, limits: Limits) -> Seen:
    said, wanted = _bare(evidence.greeted), _bare(evidence.greeting)
    likeness = difflib.SequenceMatcher(None, wanted, said[: len(wanted) + 20], autojunk=False).ratio()
    shown = f"“{_excerpt(evidence.greeted)}”"
    return likeness >= limits.greeting_likeness, Words(shown, shown)


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text).split())


def _no_recording(evidence: Evidence, _limits: Limits) -> Seen:
    verbs = ", ".join(evidence.answered.verbs)
    return not verbs, Words(f"TwiML לפני הזרם: {verbs or 'דבר'}", f"TwiML before the stream: {verbs or 'nothing'}")


def _excerpt(text: str, length: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[:length]}…"


LOOKS: Final[dict[str, Look]] = {
    "engines": _engines,
    "model_alive": _model_alive,
    "model_answers": _model_answers,
    "prompt_base": _prompt_base,
    "prompt_own": _prompt_own,
    "greeting_by_model": _greeting_by_model,
    "greeting_words": _greeting_words,
    "no_recording": _no_recording,
}
