"""How the page looks, on a bright screen, a dark one and on paper."""

from typing import Final

STYLE: Final = """
:root{color-scheme:light dark;--paper:#fbfaf8;--card:#fff;--ink:#1d2330;--soft:#69707f;--rule:#e3e1dc;
--caller:#2f6fde;--caller-soft:#e4edfd;--assistant:#0f8a6d;--assistant-soft:#dff3ec;--keypad-soft:#efe6fb;
--keypad:#7a47c2;
--pause:#c98a04;--commit:#d03a3a;--resume:#5d7f3a;--unheard:#a7a9b0;--fine:#1c8a4c;--fast:#2f6fde;--slow:#c9302c}
@media (prefers-color-scheme:dark){:root{--paper:#14171d;--card:#1c2028;--ink:#e7e9ee;--soft:#98a0b0;--rule:#2c323d;
--caller:#73a5ff;--caller-soft:#1d2c48;--assistant:#4fcfab;--assistant-soft:#153a31;--keypad-soft:#30244a;
--keypad:#bb97f5;
--pause:#f0b93a;--commit:#ff7a74;--resume:#a3cc76;--unheard:#6d7380;--fine:#57cf8a;--fast:#73a5ff;--slow:#ff7a74}}
*{box-sizing:border-box}
body{margin:0;padding:24px;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,"Segoe UI",Arial,"DejaVu Sans",sans-serif}
h1{font-size:22px;margin:0 0 2px}h2{font-size:17px;margin:30px 0 10px}
.about{color:var(--soft);margin:0 0 18px;overflow-wrap:anywhere}
.warning{background:var(--card);border-inline-start:4px solid var(--slow);padding:8px 14px;margin:0 0 16px}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:10px;margin-bottom:20px}
.tile{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:9px 13px;min-height:82px}
.tile h3{margin:0;font-size:12.5px;font-weight:500;color:var(--soft)}
.tile p{margin:1px 0 0;font-size:19px;font-weight:600;line-height:1.3;overflow-wrap:anywhere}
.tile small{color:var(--soft);font-size:11.5px}
.fine{--pace:var(--fine)}.fast{--pace:var(--fast)}.slow{--pace:var(--slow)}.opening{--pace:var(--soft)}
.tile.fine p,.tile.fast p,.tile.slow p,td.fine,td.fast,td.slow{color:var(--pace)}
.sheet{display:flex;direction:ltr;background:var(--card);border:1px solid var(--rule);border-radius:12px;
overflow:hidden}
.names{flex:none;width:128px;border-right:1px solid var(--rule);position:relative}
.names div{position:absolute;right:10px;left:4px;text-align:right;direction:rtl;font-size:12.5px;line-height:1.25;
padding-top:1px}
.names small{display:block;color:var(--soft);font-size:11px;direction:ltr;unicode-bidi:plaintext;text-align:right}
.scroll{overflow-x:auto;overflow-y:hidden;flex:1;position:relative}
#hair{position:absolute;top:0;bottom:0;width:1px;background:var(--soft);pointer-events:none;display:none}
#hair b{position:absolute;top:20px;left:5px;font-size:11px;background:var(--ink);color:var(--paper);border-radius:3px;
padding:0 4px}
svg{display:block;font:12px system-ui,"Segoe UI",Arial,"DejaVu Sans",sans-serif;fill:var(--ink)}
.axis text{fill:var(--soft);text-anchor:middle;font-size:11px}.tick{stroke:var(--rule);stroke-width:1}
.zero{stroke:var(--rule)}.frame{fill:none;stroke:var(--rule)}
text.limit{fill:var(--soft);font-size:9.5px}
path.limit{stroke:var(--pause);stroke-dasharray:2 4;stroke-opacity:.75;fill:none}
path.caller{fill:var(--caller)}path.assistant{fill:var(--assistant)}
.span{fill:none;stroke-width:3;stroke-opacity:.6}.span.caller{stroke:var(--caller)}
.span.assistant{stroke:var(--assistant)}
.span.keypad{stroke:var(--keypad)}
.unheard path{fill:var(--unheard);fill-opacity:.55}.unheard text{fill:var(--soft);font-size:11px}
.defs{position:absolute}#hatch path{stroke:var(--unheard);stroke-width:1.2;stroke-opacity:.6}
.way{fill:var(--rule)}.sent{fill:var(--caller)}.late{fill:var(--keypad)}.silence{fill:var(--rule)}
.held{fill:var(--pause);fill-opacity:.45}.nobody{fill:var(--commit);fill-opacity:.6}
.track{fill:none;stroke-width:1.4;stroke-linejoin:round}
.level{stroke:var(--caller)}.floor{stroke:var(--soft)}.speech{stroke:var(--commit)}.probability{stroke:var(--keypad)}
.voicing{stroke:var(--assistant);stroke-opacity:.85}.echo{stroke:var(--pause)}
.bubble{height:100%;overflow:hidden;border-radius:9px;padding:4px 10px;font-size:13px;line-height:18px;
overflow-wrap:anywhere;
unicode-bidi:isolate;color:var(--ink)}
.bubble.caller{background:var(--caller-soft)}.bubble.assistant{background:var(--assistant-soft)}
.bubble.keypad{background:var(--keypad-soft)}
s{color:var(--soft);text-decoration-color:var(--unheard)}
.wait path{fill:none;stroke:var(--pace);stroke-width:2}.wait text{fill:var(--pace);text-anchor:middle;font-weight:600}
.veil{fill:var(--pause);fill-opacity:.16}
path.verdict{stroke-width:1.5;fill:none}.verdict text{fill:var(--paper);font-size:11.5px;font-weight:600}
path.verdict.pause{stroke:var(--pause)}.verdict.pause rect{fill:var(--pause)}
path.verdict.commit{stroke:var(--commit)}.verdict.commit rect{fill:var(--commit)}
path.verdict.resume{stroke:var(--resume)}.verdict.resume rect{fill:var(--resume)}
.verdict{scroll-margin:45vh 40vw}
.verdict:target rect{stroke:var(--ink);stroke-width:2}
b.pause{color:var(--pause)}b.commit{color:var(--commit)}b.resume{color:var(--resume)}
.asked{stroke:var(--soft);stroke-dasharray:2 2;fill:none}.response{fill:var(--assistant);fill-opacity:.28}
.response.bad{fill:var(--commit)}.sounding{fill:var(--assistant)}.bar text{font-size:11.5px;fill:var(--soft)}
.tool.good{fill:var(--assistant)}.tool.bad{fill:var(--commit)}.bar text.good{fill:var(--ink)}
.bar text.bad{fill:var(--commit)}
.link .opening{fill:var(--pause)}.link .up{fill:var(--fine);fill-opacity:.45}.link .loss{fill:var(--commit)}
.link text{fill:var(--commit);font-size:11.5px}
.bar rect.alarm{fill:var(--commit)}.bar rect.key{fill:var(--keypad)}
.bar rect.alarm+text,.bar rect.key+text{fill:var(--paper);font-weight:600}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;color:var(--soft);font-size:12.5px;margin:10px 2px;padding:0;
list-style:none}
.legend i{display:inline-block;width:14px;height:10px;border-radius:2px;margin-inline-end:6px;background:var(--c);
opacity:var(--o,1)}
.legend i.hatched{background:repeating-linear-gradient(45deg,var(--unheard) 0 1px,transparent 1px 4px)}
table{border-collapse:collapse;background:var(--card);border:1px solid var(--rule);font-size:13.5px;max-width:100%}
td,th{padding:4px 11px;text-align:start;border-bottom:1px solid var(--rule);font-variant-numeric:tabular-nums;
vertical-align:top}
th{color:var(--soft);font-weight:500;font-size:12px}a{color:inherit}
.words{width:100%;max-width:900px}.words td{overflow-wrap:anywhere}
.words .when{white-space:nowrap;color:var(--soft);overflow-wrap:normal}
.words .when.fine,.words .when.fast,.words .when.slow{color:var(--pace)}
.who{white-space:nowrap;font-weight:600}.who.caller{color:var(--caller)}.who.assistant{color:var(--assistant)}
.who.keypad{color:var(--keypad)}
.paper{display:none}
@media (max-width:900px){.tiles{grid-template-columns:repeat(2,1fr)}}
@media print{@page{size:A4 landscape;margin:10mm}
body{padding:0;font-size:12px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.scroll{display:none}.sheet{display:none}.paper{display:block;direction:ltr}
.paper svg{width:100%;height:auto;break-inside:avoid;border-bottom:1px solid var(--rule);margin-bottom:6mm}
.tiles{grid-template-columns:repeat(6,1fr);gap:4px}.tile{min-height:0}h2{break-after:avoid}}
"""
