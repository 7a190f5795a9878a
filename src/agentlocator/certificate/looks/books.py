"""Sections 5, 8 and 9: what the call wrote down, for the business and in the log, and that it wrote to nobody."""

from __future__ import annotations

import re
from typing import Final

from agentlocator.certificate.evidence import Evidence
from agentlocator.certificate.looks import Limits, Look, Seen
from agentlocator.certificate.verdicts import Words
from agentlocator.domain import phones


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


def _alarms(evidence: Evidence, _limits: Limits) -> Seen:
    raised = "; ".join(evidence.alarms[:3])
    return not raised, Words(raised, raised) if raised else Words("אין", "none")


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


LOOKS: Final[dict[str, Look]] = {
    "lead": _lead,
    "lead_updated": _lead_updated,
    "appointment": _appointment,
    "taken_back": _taken_back,
    "log": _log,
    "alarms": _alarms,
    "whatsapp_silent": _whatsapp_silent,
}
