"""The certificate as a page: Hebrew, right to left, self-contained, to be read, printed and kept. Pure.

Whatever a caller or a model said is hostile text to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any, Final

from agentlocator.certificate.evidence import Evidence, Spoken
from agentlocator.certificate.style import STYLE
from agentlocator.certificate.verdicts import Certificate, Check, Section
from agentlocator.certificate.wave import waveform
from agentlocator.domain import localtime, phones

_SIGNS: Final = {"passed": "✓", "failed": "✗", "untried": "–"}
_SPOKEN: Final = {"passed": "עבר", "failed": "נכשל", "untried": "לא נבדק"}
_SPEAKERS: Final = {"caller": "מתקשר", "assistant": "עוזרת", "keypad": "הקשה"}


def render(certificate: Certificate, signature: str) -> str:
    """The whole page. `signature` is the document's."""
    evidence = certificate.evidence
    about = evidence.about
    return (
        '<!doctype html><html lang="he" dir="rtl"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>תעודת מוכנות · {escape(about.business)}</title><style>{STYLE}</style></head><body>"
        f"{_head(certificate)}{_contents(certificate.sections)}"
        f"{''.join(_section(section, evidence) for section in certificate.sections)}"
        f"{_foot(evidence, signature)}</body></html>"
    )


def _head(certificate: Certificate) -> str:
    about = certificate.evidence.about
    state = "passed" if certificate.passed else "failed"
    verdict = "כל עשרת הסעיפים עברו" if certificate.passed else f"לא עבר: {_failed(certificate)}"
    made = localtime.to_wall(datetime.fromisoformat(about.at), about.timezone)
    facts = " · ".join(
        (
            f"<bdi>{escape(phones.national(about.number))}</bdi>",
            f'<time datetime="{escape(about.at)}"><bdi>{made:%d.%m.%Y, %H:%M}</bdi></time>',
            f"גרסה <bdi>{escape(about.version)}</bdi>",
            f"<bdi>{escape(about.model)}</bdi>",
        )
    )
    return (
        f'<header><p class="soft">תעודת מוכנות</p><h1 dir="auto">{escape(about.business)}</h1>'
        f'<p class="soft">{facts}</p><span class="seal {state}">{escape(verdict)}</span></header>'
    )


def _failed(certificate: Certificate) -> str:
    names = [section.title.he for section in certificate.sections if section.verdict == "failed"]
    return ", ".join(names) or "יש סעיפים שלא נבדקו"


def _contents(sections: Iterable[Section]) -> str:
    rows = "".join(
        f'<li><a href="#s{section.number}">{_sign(section.verdict)}<span>{section.number}. {section.title.he}</span>'
        "</a></li>"
        for section in sections
    )
    return f'<nav aria-label="סעיפים"><ol>{rows}</ol></nav>'


def _section(section: Section, evidence: Evidence) -> str:
    checks = "".join(_check(check) for check in section.checks)
    extra = _EXTRAS.get(section.number)
    return (
        f'<section id="s{section.number}" class="{section.verdict}"><h2>{_sign(section.verdict)}'
        f'<span>{section.number}. {section.title.he}</span></h2><ul class="checks">{checks}</ul>'
        f"{extra(evidence) if extra else ''}</section>"
    )


def _check(check: Check) -> str:
    remedy = f'<p class="fix"><b>מה עושים:</b> {escape(check.remedy.he)}</p>' if check.remedy else ""
    because = f'<p class="why">{escape(check.because.he)}</p>' if check.because else ""
    shown = "" if check.because else f'<p class="shown">{_isolated(check.evidence.he)}</p>'
    return f"<li>{_sign(check.verdict)}<h3>{check.title.he}</h3>{shown}{remedy}{because}</li>"


def _isolated(text: str) -> str:
    """A sentence in its own direction: a Hebrew one may begin with a name in Latin letters."""
    direction = "rtl" if any("א" <= letter <= "ת" for letter in text) else "ltr"
    return f'<bdi dir="{direction}">{escape(text)}</bdi>'


def _sign(verdict: str) -> str:
    return f'<span class="sign {verdict}" role="img" aria-label="{_SPOKEN[verdict]}">{_SIGNS[verdict]}</span>'


def _prompt(evidence: Evidence) -> str:
    session = evidence.session.got or evidence.session.asked
    return _folded("ההנחיות כפי שנשלחו", str(session.get("instructions", "")), "words")


def _folded(title: str, text: str, kind: str = "") -> str:
    """Something long, closed until somebody opens it; nothing where there is nothing."""
    if not text:
        return ""
    return f'<details><summary>{title}</summary><pre class="{kind}">{escape(text)}</pre></details>'


def _cards(evidence: Evidence) -> str:
    """The lead's and the appointment's cards, as the dashboard has them."""
    lead, visit = evidence.lead, evidence.appointment
    cards = ""
    if lead is not None:
        last = str(lead.get("last_call_at") or "")
        cards += _card(
            "ליד",
            str(lead.get("name") or "ללא שם"),
            {
                "טלפון": phones.national(str(lead.get("phone") or "")),
                "מקור": "שיחה" if lead.get("source") == "call" else str(lead.get("source")),
                "שיחה אחרונה": f"{localtime.to_wall(datetime.fromisoformat(last), evidence.about.timezone):%d.%m %H:%M}"
                if last
                else "",
                "מזהה שיחה": str(lead.get("last_call_sid") or ""),
            },
        )
    if visit is not None:
        starts = datetime.fromisoformat(str(visit["starts_local"]))
        cards += _card(
            "תור",
            f"{starts:%d.%m.%Y בשעה %H:%M}",
            {
                "מצב": "נקבע" if visit.get("status") == "booked" else str(visit.get("status")),
                "ליד": str(visit.get("lead_id")),
                "נקבע על ידי": "העוזרת" if visit.get("booked_by") == "assistant" else str(visit.get("booked_by")),
                "מזהה שיחה": str(visit.get("call_sid") or ""),
            },
        )
    return f'<div class="cards">{cards}</div>' if cards else ""


def _card(kind: str, title: str, facts: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{name}</dt><dd><bdi>{escape(value)}</bdi></dd>" for name, value in facts.items() if value)
    return f'<div class="card"><span class="chip">{kind}</span><h3 dir="auto">{escape(title)}</h3><dl>{rows}</dl></div>'


def _call(evidence: Evidence) -> str:
    sound = evidence.sound
    picture = ""
    if sound.caller_peaks or sound.assistant_peaks:
        picture = (
            f"<figure>{waveform(sound.caller_peaks, sound.assistant_peaks)}"
            "<figcaption>צורת הגל של השיחה, משמאל לימין: המתקשר למעלה, העוזרת למטה.</figcaption></figure>"
        )
    turns = "".join(_turn(turn) for turn in evidence.turns)
    talk = f'<details><summary>מה נאמר</summary><ol class="talk">{turns}</ol></details>' if turns else ""
    doors = "\n".join(f"{knock.name}: {knock.answer}" for knock in evidence.doors)
    return picture + talk + _folded("יומן השרת", "\n".join(evidence.log)) + _folded("ניסיונות זיוף", doors)


def _turn(turn: Spoken) -> str:
    who = _SPEAKERS.get(turn.speaker, "")
    return (
        f'<li class="{escape(turn.speaker)}"><time><bdi>{turn.at_ms / 1000:.1f}</bdi> שנ׳</time><span><b>{who}</b> '
        f"<bdi>{escape(turn.text)}</bdi>{_latency(turn.latency_ms)}</span></li>"
    )


def _latency(latency_ms: int | None) -> str:
    return "" if latency_ms is None else f' <small class="soft"><bdi>{latency_ms} ms</bdi></small>'


def _tools(evidence: Evidence) -> str:
    rows = "\n".join(f"{tool.at_ms} ms  {tool.name} {tool.arguments} → {tool.output}" for tool in evidence.tools)
    return _cards(evidence) + _folded("הכלים שהופעלו", rows)


def _foot(evidence: Evidence, signature: str) -> str:
    about = evidence.about
    facts: dict[str, Any] = {
        "שיחה": evidence.call_sid,
        "יומן השיחה": evidence.journal,
        "המתקשר": about.caller,
        "שרת": about.url,
        "חתימה": signature,
    }
    rows = "".join(f"<p>{name}: <bdi>{escape(str(value))}</bdi></p>" for name, value in facts.items() if value)
    return f"<footer>{rows}</footer>"


_EXTRAS: Final = {3: _prompt, 5: _tools, 8: _call}
