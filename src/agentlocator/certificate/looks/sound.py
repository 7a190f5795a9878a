"""Sections 2 and 8: the sound, from the format agreed on to what each side could hear."""

from __future__ import annotations

from typing import Final

from agentlocator.audio.frames import FRAME_BYTES
from agentlocator.certificate.evidence import BUILT_IN, Evidence
from agentlocator.certificate.looks import Limits, Look, Seen
from agentlocator.certificate.verdicts import Words


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


def _tx(evidence: Evidence, limits: Limits) -> Seen:
    arrived, tx = sum(evidence.frames.sizes.values()), evidence.tx or 0
    fine = tx > limits.frames and (arrived > 0 or evidence.about.caller != BUILT_IN)
    return fine, Words(
        f"tx={tx}, {arrived} מסגרות אצל המתקשר; נדרשות יותר מ-{limits.frames}",
        f"tx={tx}, {arrived} frames at the carrier; more than {limits.frames} wanted",
    )


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


LOOKS: Final[dict[str, Look]] = {
    "session_format": _session_format,
    "frames": _frames,
    "untouched": _untouched,
    "tx": _tx,
    "clear": _clear,
}
