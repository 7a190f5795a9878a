"""From a `CallPicture` to one HTML page that needs nothing else: no network, and no script to be read.

Pure. Never looks at a journal: what is not in the picture is not on the page.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from agentlocator.microscope import tables
from agentlocator.microscope.hebrew import WAYS
from agentlocator.microscope.picture import CallPicture
from agentlocator.microscope.scale import MARGIN_PX, Scale, scale_for
from agentlocator.microscope.style import STYLE
from agentlocator.microscope.timeline import Timeline, draw
from agentlocator.microscope.writing import escaped

_PAPER_PX = 1_260.0
_MOST_PAPER_ROWS = 60

# Outside of the drawings, since paper hides the one that scrolls and still needs it.
_HATCH: Final = (
    '<svg class="defs" width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="6" height="6" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V6"/></pattern></defs></svg>'
)

# The time under the pointer, and nothing else.
_SCRIPT: Final = """
const box=document.querySelector('.scroll'),hair=document.getElementById('hair'),read=hair.firstElementChild;
box.addEventListener('pointermove',e=>{const x=e.clientX-box.getBoundingClientRect().left+box.scrollLeft;
const s=(x-+box.dataset.margin)/+box.dataset.scale;hair.style.display=s<0?'none':'block';hair.style.left=x+'px';
read.textContent=Math.floor(s/60)+':'+(s%60).toFixed(2).padStart(5,'0')});
box.addEventListener('pointerleave',()=>{hair.style.display='none'});
"""


def render(picture: CallPicture, px_per_s: float | None = None) -> str:
    """The page, a complete HTML document. `px_per_s` is the time axis's scale; a long call is drawn narrower anyway."""
    scale = scale_for(picture.summary.duration_ms, px_per_s)
    timeline = draw(picture, scale)
    sid = escaped(picture.call_sid, 64)
    return "".join(
        [
            f'<!doctype html><html lang="he" dir="rtl"><head><meta charset="utf-8"><title>שיחה {sid}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
            '<meta name="viewport" content="width=device-width"><style>',
            STYLE,
            "</style></head><body>",
            f"<h1>שיחה תחת מיקרוסקופ</h1>{_about(picture, sid)}{_warning(picture)}",
            tables.summary(picture),
            _sheet(timeline, scale),
            _legend(),
            f"<h2>החלטות</h2>{tables.decisions(picture)}",
            f"<h2>השיחה כפי שנשמעה</h2>{tables.conversation(picture)}",
            f"<script>{_SCRIPT}</script></body></html>",
        ]
    )


def _policy() -> str:
    """No script runs but our own, even if a caller's words should find a way onto the page as markup."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _about(picture: CallPicture, sid: str) -> str:
    started = escaped(picture.started_at, 40)
    return (
        f'<p class="about"><bdi dir="ltr">{sid}</bdi> · <bdi dir="ltr">{started}</bdi> · '
        f'<bdi dir="ltr">{picture.events:,}</bdi> אירועים</p>'
    )


def _warning(picture: CallPicture) -> str:
    if not picture.divergences:
        return ""
    return (
        f'<p class="warning">ב־<bdi>{picture.divergences:,}</bdi> אירועים התוכנה של היום פועלת אחרת מכפי שהוקלט. '
        "מה שמצויר כאן הוא מה שהייתה עושה היום.</p>"
    )


def _sheet(timeline: Timeline, scale: Scale) -> str:
    """The drawing to scroll through, and the same in rows for paper."""
    names = "".join(
        f'<div style="top:{top:.0f}px">{name}<small>{unit}</small></div>' for top, name, unit in timeline.names
    )
    words = "".join(bubble.svg for bubble in timeline.bubbles)
    height = timeline.height
    return (
        f'{_HATCH}<div class="sheet"><div class="names" style="height:{height:.0f}px">{names}</div>'
        f'<div class="scroll" tabindex="0" data-scale="{scale.px_per_s:g}" data-margin="{MARGIN_PX:g}">'
        f'<svg width="{scale.width:.0f}" height="{height:.0f}" role="img" aria-label="ציר הזמן של השיחה">'
        f'<g id="drawing">{timeline.svg}</g>{words}</svg><div id="hair"><b></b></div></div></div>'
        f'<div class="paper">{_paper_rows(timeline, scale)}</div>'
    )


def _paper_rows(timeline: Timeline, scale: Scale) -> str:
    """A page of paper does not scroll: the drawing again, a piece in each row."""
    rows = min(_MOST_PAPER_ROWS, int(scale.x(scale.duration_ms) // _PAPER_PX) + 1)
    step = max(_PAPER_PX, scale.x(scale.duration_ms) / rows)
    return "".join(_paper_row(timeline, row * step, step) for row in range(rows))


def _paper_row(timeline: Timeline, left: float, width: float) -> str:
    seen = [b.svg for b in timeline.bubbles if b.left < left + width and b.left + b.width > left]
    return f'<svg viewBox="{left:.0f} 0 {width:.0f} {timeline.height:.0f}"><use href="#drawing"/>{"".join(seen)}</svg>'


def _legend() -> str:
    colours = {
        "sent": "var(--caller)",
        "late": "var(--keypad)",
        "silence": "var(--rule)",
        "held": "var(--pause);--o:.45",
        "nobody": "var(--commit);--o:.6",
    }
    entries = [f'<li><i style="--c:{colours[way]}"></i>{name}</li>' for way, name in WAYS.items()]
    entries += [
        '<li><i class="hatched"></i>נוצר ולא נשמע</li>',
        '<li><i style="--c:var(--caller)"></i>עוצמה</li>',
        '<li><i style="--c:var(--soft)"></i>רצפת רעש</li>',
        '<li><i style="--c:var(--commit)"></i>עדות לדיבור</li>',
        '<li><i style="--c:var(--keypad)"></i>הסתברות</li>',
        '<li><i style="--c:var(--assistant)"></i>קוליות</li>',
        "<li>קו מקווקו: הסף שממנו מחליטים</li>",
    ]
    return f'<ul class="legend">{"".join(entries)}</ul>'
