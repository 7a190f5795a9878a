"""How a certificate looks, on a bright screen, a dark one and on paper. Logical properties only."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root{color-scheme:light dark;--paper:#f6f6f3;--card:#fff;--ink:#17211f;--soft:#56635f;--rule:#dfe4e1;--good:#1b6b3a;
--good-wash:#e1f2e7;--bad:#a3262a;--bad-wash:#fbe6e5;--wait:#8a4b00;--wait-wash:#fdeed8;--caller:#1c558f;
--assistant:#0f6b66}
@media (prefers-color-scheme:dark){:root{--paper:#101514;--card:#18201e;--ink:#e8efec;--soft:#9cada7;--rule:#2b3633;
--good:#7fd6a0;--good-wash:#16301f;--bad:#f6a09c;--bad-wash:#3d1c1c;--wait:#f3c07a;--wait-wash:#38270f;
--caller:#93c3f2;--assistant:#5cc4ba}}
*{box-sizing:border-box}
body{margin:0 auto;max-inline-size:60rem;padding:2rem 1.2rem;background:var(--paper);color:var(--ink);
font:16px/1.55 "Heebo","Assistant","Segoe UI","Noto Sans Hebrew","DejaVu Sans",system-ui,sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .2rem}h2{font-size:1.12rem;margin:0}h3{font-size:.95rem;margin:0}
p{margin:.3rem 0}.soft{color:var(--soft)}
header{display:grid;gap:.3rem;margin-block-end:1.4rem}
.seal{display:inline-block;justify-self:start;border:2px solid;border-radius:99px;padding:.15rem 1.1rem;font-weight:700}
.seal.passed{color:var(--good)}.seal.failed{color:var(--bad)}
.seal.passed{background:var(--good-wash)}.seal.failed{background:var(--bad-wash)}
nav ol{list-style:none;margin:0 0 1.6rem;padding:0;display:grid;gap:.4rem;
grid-template-columns:repeat(auto-fill,minmax(13.5rem,1fr))}
nav a{display:flex;gap:.55rem;align-items:baseline;padding:.5rem .8rem;background:var(--card);border-radius:10px;
border:1px solid var(--rule);color:inherit;text-decoration:none}
section{background:var(--card);border:1px solid var(--rule);border-radius:14px;padding:1rem 1.2rem;margin-block:1rem}
section.failed{border-color:var(--bad)}section>h2{display:flex;gap:.6rem;align-items:baseline;color:var(--ink)}
.sign{font-weight:700;flex:none}.sign.passed{color:var(--good)}
.sign.failed{color:var(--bad)}.sign.untried{color:var(--wait)}
.checks{list-style:none;margin:.7rem 0 0;padding:0;display:grid;gap:.65rem}
.checks li{display:grid;grid-template-columns:1.3rem minmax(0,1fr);gap:.1rem .5rem}
.checks p{grid-column:2;overflow-wrap:anywhere}
.shown{font-size:.9rem;color:var(--soft)}
.fix{background:var(--bad-wash);color:var(--bad);border-radius:9px;padding:.5rem .8rem}
.why{background:var(--wait-wash);color:var(--wait);border-radius:9px;padding:.4rem .8rem}
pre{direction:ltr;text-align:left;white-space:pre-wrap;overflow-wrap:anywhere;background:var(--paper);border-radius:9px;
padding:.7rem .9rem;font:.78rem/1.5 ui-monospace,"DejaVu Sans Mono",monospace;max-block-size:26rem;overflow:auto}
pre.words{direction:rtl;text-align:right;font-family:inherit;font-size:.88rem}
details{margin-block-start:.8rem}summary{cursor:pointer;color:var(--soft);min-block-size:2rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(14rem,1fr));gap:.7rem;margin-block-start:.8rem}
.card{border:1px solid var(--rule);border-radius:12px;padding:.8rem 1rem}
.card dl{margin:.4rem 0 0;display:grid;grid-template-columns:auto minmax(0,1fr);gap:.1rem .8rem}
dt{color:var(--soft);font-size:.88rem}dd{margin:0;overflow-wrap:anywhere}
.chip{display:inline-block;border-radius:99px;padding:.05rem .65rem;font-size:.85rem;color:var(--good);
background:var(--good-wash)}
.talk{list-style:none;padding:0;margin:.7rem 0 0;display:grid;gap:.4rem}
.talk li{display:grid;grid-template-columns:3.6rem minmax(0,1fr);gap:.6rem}
.talk time{color:var(--soft);font-size:.85rem}
.talk b{color:var(--caller)}.talk .assistant b{color:var(--assistant)}
figure{margin:.8rem 0 0}svg{display:block;inline-size:100%;block-size:auto;direction:ltr}
figcaption{font-size:.85rem;color:var(--soft)}
.caller-wave{fill:var(--caller)}.assistant-wave{fill:var(--assistant)}.axis{stroke:var(--rule)}
footer{margin-block-start:2rem;font-size:.85rem;color:var(--soft);overflow-wrap:anywhere}
@media print{body{max-inline-size:none;padding:0;background:#fff}section,nav{break-inside:avoid}
pre{max-block-size:none}}
"""
