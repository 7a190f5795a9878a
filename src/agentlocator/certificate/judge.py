"""From evidence to a certificate: pure, and the same evidence always gives the same verdict.

What failed first is what is reported: a check that needed something which was not there is untried, and names it. So
a deployment with one fault shows one fault.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Final

import msgspec

from agentlocator.assistant.instructions import as_data
from agentlocator.audio.frames import FRAME_BYTES
from agentlocator.certificate.evidence import BUILT_IN, Evidence
from agentlocator.certificate.sentences import CHECKS, SECTIONS, Told
from agentlocator.certificate.verdicts import Certificate, Check, Section, Words
from agentlocator.domain import phones


class Limits(msgspec.Struct, frozen=True):
    """What is good enough. The defaults are the requirements' own."""

    frames: int = 500
    answer_from_ms: int = 500
    answer_to_ms: int = 1_500
    stop_ms: int = 200
    audible_ms: int = 2_000
    quietest_dbfs: float = -40.0
    loudest_dbfs: float = -6.0
    voiced: float = 0.25
    greeting_likeness: float = 0.7


LIMITS: Final = Limits()

Seen = tuple[bool, Words]
"""Whether it is as it should be, and what shows it."""


def judge(evidence: Evidence, limits: Limits = LIMITS) -> Certificate:
    """The certificate of one certification."""
    obstacle = next((key for key, stands in _gates(evidence, limits) if not stands), None)
    found = {key: look(evidence, limits) for key, look in _LOOKS.items()}
    sections = tuple(
        Section(number, title, tuple(_check(key, found[key], obstacle) for key in keys))
        for number, (title, keys) in SECTIONS.items()
    )
    return Certificate(sections, evidence)


# The stages that a call goes through. What needs a stage that was not reached cannot be tried.
_STAGES: Final = ("taken", "model_answers", "session_format", "greeting_by_model", "tx")
_NEEDS: Final = {
    "engines": 0,
    "model_alive": 0,
    "taken": 0,
    "taken_back": 0,
    "model_answers": 1,
    "no_recording": 1,
    "doors": 1,
    "whatsapp_silent": 1,
    "other_doors": 1,
    "lead": 1,
    "session_format": 2,
    "prompt_base": 3,
    "prompt_own": 3,
    "no_leaks": 3,
    "greeting_by_model": 3,
    "greeting_words": 4,
    "tx": 4,
}
_ALL_STAGES: Final = len(_STAGES)


def _gates(evidence: Evidence, limits: Limits) -> Iterator[tuple[str, bool]]:
    for key in _STAGES:
        yield key, _LOOKS[key](evidence, limits)[0]


def _check(key: str, seen: Seen, obstacle: str | None) -> Check:
    told = CHECKS[key]
    fine, shown = seen
    if obstacle is not None and key != obstacle and _NEEDS.get(key, _ALL_STAGES) > _STAGES.index(obstacle):
        return Check(key, told.title, "untried", shown, because=_because(obstacle))
    return Check(key, told.title, "passed" if fine else "failed", shown, None if fine else told.remedy)


def _because(obstacle: str) -> Words:
    told: Told = CHECKS[obstacle]
    return Words(f"לא נבדק, כי נכשל: {told.title.he}", f"Not tried, because this failed: {told.title.en}")


# 1. One engine.


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


# 2. The format.


def _session_format(evidence: Evidence, _limits: Limits) -> Seen:
    session = evidence.session
    formats = [_format(one, side) for one in (session.asked, session.got) if one for side in ("input", "output")]
    fine = session.usable and bool(formats) and all(one == "audio/pcmu" for one in formats)
    fine = fine and not any("format" in one for one in session.differences)
    shown = "; ".join((", ".join(dict.fromkeys(formats)) or "–", *session.differences))
    return fine, Words(f"קלט ופלט: {shown}", f"in and out: {shown}")


def _format(session: dict[str, object], side: str) -> str:
    audio = session.get("audio")
    part = audio.get(side) if isinstance(audio, dict) else None
    kind = part.get("format") if isinstance(part, dict) else None
    return str(kind.get("type")) if isinstance(kind, dict) else "none"


def _frames(evidence: Evidence, _limits: Limits) -> Seen:
    sizes = evidence.frames.sizes or evidence.frames.sent
    he = ", ".join(f"{count} מסגרות של {size} בתים" for size, count in sorted(sizes.items()))
    en = ", ".join(f"{count} frames of {size} bytes" for size, count in sorted(sizes.items()))
    return set(sizes) == {FRAME_BYTES}, Words(he or "אין מסגרות", en or "no frame")


def _untouched(evidence: Evidence, _limits: Limits) -> Seen:
    frames = evidence.frames
    wrong = "".join(f"; {one}" for one in frames.violations[:3])
    if frames.bit_exact:
        return not wrong, Words(f"זהה לבתים שהמודל הפיק{wrong}", f"bit for bit what the model produced{wrong}")
    return False, Words(f"שונה מהבתים שהמודל הפיק{wrong}", f"not the bytes that the model produced{wrong}")


# 3. The prompt.


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


# 4. Interruptions.


def _interrupted(evidence: Evidence, _limits: Limits) -> Seen:
    tried, taken = len(evidence.interruptions), sum(one.committed for one in evidence.interruptions)
    return tried == taken > 0, Words(f"{taken} מתוך {tried} קטיעות התקבלו", f"{taken} of {tried} interruptions taken")


def _stopped(evidence: Evidence, limits: Limits) -> Seen:
    stops = sorted(one.stop_ms for one in evidence.interruptions)
    if not stops:
        return False, Words("איש לא נקטע", "nobody was interrupted")
    p50, each = _percentile(stops, 50), ", ".join(map(str, stops))
    return p50 < limits.stop_ms, Words(
        f"חציון {p50} מילישניות מתחילת הדיבור של המתקשר, באוזנו ({each}); נדרש פחות מ-{limits.stop_ms}",
        f"p50 {p50} ms from the caller's first sound, in his ear ({each}); under {limits.stop_ms} wanted",
    )


def _heard_after(evidence: Evidence, _limits: Limits) -> Seen:
    tried, answered = len(evidence.interruptions), sum(one.answered for one in evidence.interruptions)
    return tried == answered > 0, Words(f"{answered} מתוך {tried} נענו", f"{answered} of {tried} answered")


def _noise(evidence: Evidence, _limits: Limits) -> Seen:
    if evidence.noise_stopped_it:
        return False, Words("שיעול קטע את המשפט", "a cough ended its sentence")
    return True, Words("שיעול באמצע משפט: המשפט נמשך", "a cough into its sentence: it went on")


# 5. The lead and the appointment.


def _lead(evidence: Evidence, _limits: Limits) -> Seen:
    lead = evidence.lead
    if lead is None:
        return False, Words("לא נוצר ליד", "no lead was made")
    shown = f"{lead.get('id')}, {phones.national(str(lead.get('phone') or ''))}"
    fine = lead.get("last_call_sid") == evidence.call_sid
    return fine, Words(
        f"ליד {shown}, שיחה אחרונה {lead.get('last_call_sid')}", f"lead {shown}, last call {lead.get('last_call_sid')}"
    )


def _lead_updated(evidence: Evidence, _limits: Limits) -> Seen:
    told = [tool for tool in evidence.tools if tool.name == "leads_upsert"]
    name = (evidence.lead or {}).get("name") or ""
    return any(tool.ok for tool in told) and bool(name), Words(
        f"leads_upsert {len(told)} פעמים, שם: {name or 'אין'}",
        f"leads_upsert {len(told)} times, name: {name or 'none'}",
    )


def _appointment(evidence: Evidence, _limits: Limits) -> Seen:
    visit = evidence.appointment
    if visit is None:
        tried = sum(tool.name == "calendar_create_appointment" for tool in evidence.tools)
        return False, Words(f"אין תור; היו {tried} ניסיונות לקבוע", f"no appointment; {tried} booking(s) tried")
    lead_id = (evidence.lead or {}).get("id")
    fine = visit.get("call_sid") == evidence.call_sid and visit.get("lead_id") == lead_id
    shown = f"{visit.get('id')}, {visit.get('starts_local')}"
    return fine, Words(
        f"תור {shown}, קשור לליד {visit.get('lead_id')} ולשיחה",
        f"appointment {shown}, of lead {visit.get('lead_id')} and call",
    )


def _taken_back(evidence: Evidence, _limits: Limits) -> Seen:
    left = ", ".join(evidence.left)
    return not left, Words(f"נשאר: {left}", f"left behind: {left}") if left else Words(
        "דבר לא נשאר", "nothing is left behind"
    )


# 6. Keys.


def _keys(evidence: Evidence, _limits: Limits) -> Seen:
    pressed, arrived = evidence.keys_pressed, evidence.keys_arrived
    return arrived == pressed != "", Words(
        f"הוקש {pressed or '–'}, הגיע {arrived or '–'}", f"pressed {pressed or '–'}, arrived {arrived or '–'}"
    )


def _keys_to_model(evidence: Evidence, _limits: Limits) -> Seen:
    texts = ", ".join(evidence.keys_to_model)
    fine = bool(evidence.keys_pressed) and evidence.keys_pressed in texts
    return fine, Words(f"input_text אל המודל: {texts or 'לא נמסר'}", f"input_text to the model: {texts or 'none'}")


# 7. The greeting.


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


def _no_recording(evidence: Evidence, _limits: Limits) -> Seen:
    verbs = ", ".join(evidence.answered.verbs)
    return not verbs, Words(f"TwiML לפני הזרם: {verbs or 'דבר'}", f"TwiML before the stream: {verbs or 'nothing'}")


# 8. The call itself.


def _taken(evidence: Evidence, _limits: Limits) -> Seen:
    answered = evidence.answered
    if answered.fault:
        return False, Words(answered.fault, answered.fault)
    return True, Words(
        f"HTTP {answered.status}, {answered.streams} זרמי מדיה",
        f"HTTP {answered.status}, {answered.streams} media stream(s)",
    )


def _doors(evidence: Evidence, _limits: Limits) -> Seen:
    let_in = "; ".join(f"{knock.name}: {knock.answer}" for knock in evidence.doors if not knock.refused)
    if let_in:
        return False, Words(let_in, let_in)
    tried = len(evidence.doors)
    return tried > 0, Words(f"{tried} זיופים, כולם נדחו", f"{tried} forgeries, all refused")


_LINES: Final = (
    ("[REALTIME] Connected", r"\[REALTIME\] Connected"),
    ("[REALTIME] Session configured: voice=", r"\[REALTIME\] Session configured: voice=\S+"),
    ("[REALTIME] got audio chunk … bytes=", r"\[REALTIME\] got audio chunk .*bytes=\d+"),
    ("[REALTIME] sending frame to Twilio", r"\[REALTIME\] sending frame to Twilio"),
    ("[REALTIME] AI said:", r"\[REALTIME\] AI said:"),
    ("WS_STOP … tx=", r"WS_STOP .*tx=\d+"),
)


def _log(evidence: Evidence, _limits: Limits) -> Seen:
    wanted = list(_LINES)
    if evidence.tools:
        wanted.append(("[REALTIME] tool called:", r"\[REALTIME\] tool called: \S+"))
    if any(one.committed for one in evidence.interruptions):
        wanted.append(("[REALTIME] BARGE-IN triggered", r"\[REALTIME\] BARGE-IN triggered"))
    text = "\n".join(evidence.log)
    missing = ", ".join(name for name, pattern in wanted if not re.search(pattern, text))
    if missing:
        return False, Words(f"חסר: {missing}", f"missing: {missing}")
    return True, Words(
        f"{len(evidence.log)} שורות, מכל {len(wanted)} הסוגים",
        f"{len(evidence.log)} lines, each of {len(wanted)} kinds",
    )


def _tx(evidence: Evidence, limits: Limits) -> Seen:
    arrived, tx = sum(evidence.frames.sizes.values()), evidence.tx or 0
    fine = tx > limits.frames and (arrived > 0 or evidence.about.caller != BUILT_IN)
    return fine, Words(
        f"tx={tx}, {arrived} מסגרות אצל המתקשר; נדרשות יותר מ-{limits.frames}",
        f"tx={tx}, {arrived} frames at the carrier; more than {limits.frames} wanted",
    )


def _latency(evidence: Evidence, limits: Limits) -> Seen:
    waits = sorted(_waits(evidence))
    if not waits:
        return False, Words("אף פנייה לא נענתה", "no turn was answered")
    p50, p95 = _percentile(waits, 50), _percentile(waits, 95)
    wanted = f"{limits.answer_from_ms}–{limits.answer_to_ms}"
    return limits.answer_from_ms <= p50 and p95 <= limits.answer_to_ms, Words(
        f"p50 {p50}, p95 {p95} מילישניות, {len(waits)} תשובות; נדרש {wanted}",
        f"p50 {p50}, p95 {p95} ms of {len(waits)} answers; {wanted} wanted",
    )


def _waits(evidence: Evidence) -> Iterator[int]:
    """Answers to what was said; a key is no sentence that somebody has to finish."""
    before = ""
    for turn in evidence.turns:
        if turn.speaker == "assistant" and turn.latency_ms is not None and before == "caller":
            yield turn.latency_ms
        before = turn.speaker


def _percentile(values: Sequence[int], percent: int) -> int:
    return values[max(0, math.ceil(len(values) * percent / 100) - 1)]


def _clear(evidence: Evidence, limits: Limits) -> Seen:
    sound = evidence.sound
    fine = (
        min(sound.caller_ms, sound.assistant_ms) >= limits.audible_ms
        and sound.caller_dbfs >= limits.quietest_dbfs
        and limits.quietest_dbfs <= sound.assistant_dbfs <= limits.loudest_dbfs
        and sound.assistant_voiced >= limits.voiced
    )
    caller, assistant = f"{sound.caller_ms / 1000:.1f}", f"{sound.assistant_ms / 1000:.1f}"
    return fine, Words(
        f"מתקשר {caller} שניות ({sound.caller_dbfs} dBFS), עוזרת {assistant} שניות ({sound.assistant_dbfs} dBFS), "
        f"{sound.assistant_voiced:.0%} ממנו קול אדם",
        f"caller {caller} s ({sound.caller_dbfs} dBFS), assistant {assistant} s ({sound.assistant_dbfs} dBFS), "
        f"{sound.assistant_voiced:.0%} of it a voice",
    )


def _alarms(evidence: Evidence, _limits: Limits) -> Seen:
    raised = "; ".join(evidence.alarms[:3])
    return not raised, Words(raised, raised) if raised else Words("אין", "none")


# 9. Writing.


def _whatsapp_silent(evidence: Evidence, _limits: Limits) -> Seen:
    written = evidence.written
    if written.during:
        sent = "; ".join(written.during[:3])
        return False, Words(f"נשלח: {sent}", f"sent: {sent}")
    transports = ", ".join(written.transports)
    return True, Words(
        f"דבר לא נשלח; ערוצים: {transports or 'אין'}; הודעה אחרי שיחה: {'פועלת' if written.hook_on else 'כבויה'}",
        f"nothing sent; transports: {transports or 'none'}; hook after a call: {'on' if written.hook_on else 'off'}",
    )


# 10. The others.


def _no_leaks(evidence: Evidence, _limits: Limits) -> Seen:
    strangers = evidence.strangers
    if strangers.leaks:
        found = "; ".join(strangers.leaks[:3])
        return False, Words(f"נמצא: {found}", f"found: {found}")
    return True, Words(
        f"חיפשנו {strangers.words} מילים של {strangers.others} עסקים אחרים, ואף אחת לא נמצאה",
        f"{strangers.words} words of {strangers.others} other business(es) looked for, none found",
    )


def _other_doors(evidence: Evidence, _limits: Limits) -> Seen:
    let_in = "; ".join(f"{knock.name}: {knock.answer}" for knock in evidence.strangers.doors if not knock.refused)
    if let_in:
        return False, Words(let_in, let_in)
    tried = len(evidence.strangers.doors)
    return True, Words(
        f"{tried} ניסיונות דרך מספרים של עסקים אחרים, דבר לא נמסר", f"{tried} tries through other numbers, nothing told"
    )


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text).split())


def _excerpt(text: str, length: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[:length]}…"


_LOOKS: Final[dict[str, Callable[[Evidence, Limits], Seen]]] = {
    "engines": _engines,
    "model_alive": _model_alive,
    "model_answers": _model_answers,
    "session_format": _session_format,
    "frames": _frames,
    "untouched": _untouched,
    "prompt_base": _prompt_base,
    "prompt_own": _prompt_own,
    "interrupted": _interrupted,
    "stopped": _stopped,
    "heard_after": _heard_after,
    "noise": _noise,
    "lead": _lead,
    "lead_updated": _lead_updated,
    "appointment": _appointment,
    "taken_back": _taken_back,
    "keys": _keys,
    "keys_to_model": _keys_to_model,
    "greeting_by_model": _greeting_by_model,
    "greeting_words": _greeting_words,
    "no_recording": _no_recording,
    "taken": _taken,
    "doors": _doors,
    "log": _log,
    "tx": _tx,
    "latency": _latency,
    "clear": _clear,
    "alarms": _alarms,
    "whatsapp_silent": _whatsapp_silent,
    "no_leaks": _no_leaks,
    "other_doors": _other_doors,
}
