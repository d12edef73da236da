/** No colour alone tells anything: outcomes are words, the target is a ring with a cross. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--page:#f4f6f8;--text:#12161c;--muted:#4a5663;--line:#d3dae1;--field:#77838f;--raised:#fff;--good:#1f6b2c;--bad:#b3261e;--wait:#8a5200;--accent:#0b5cad;font:15px/1.45 system-ui,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){:root{--page:#12161c;--text:#f2f5f8;--muted:#a9b4c0;--line:#2b343f;--raised:#1b222b;--good:#7fd38a;--bad:#ff8a80;--wait:#ffb224;--accent:#4da3ff}}
@media (prefers-contrast:more){:root{--muted:var(--text);--line:var(--text)}}
*{box-sizing:border-box;margin:0}
body{background:var(--page);color:var(--text);max-inline-size:84rem;margin-inline:auto;padding:1.4rem 1.2rem 3rem}
header{display:grid;gap:.6rem}
h1{font-size:1.45rem;line-height:1.25}h1.long{font-size:1.05rem;font-weight:600;line-height:1.4}h2{font-size:1.2rem;line-height:1.25}
.state{display:inline-flex;align-items:center;gap:.5rem;padding:.12rem .7rem;border:1.5px solid currentColor;border-radius:99px;font-size:.93rem;font-weight:700}
.state::before{content:"";inline-size:.6rem;block-size:.6rem;border-radius:50%;background:currentColor}
.state-succeeded{color:var(--good)}.state-failed,.state-timed_out,.state-cancelled{color:var(--bad)}.state-awaiting_human{color:var(--wait)}.state-running,.state-queued{color:var(--accent)}
.task{white-space:pre-wrap;overflow-wrap:anywhere}.summary{font-size:1.05rem}
dl.facts{display:flex;flex-wrap:wrap;gap:.5rem 1.8rem;padding:.8rem 1rem;border:1px solid var(--line);border-radius:10px;background:var(--raised)}
dl.facts dt{color:var(--muted);font-size:.84rem}dl.facts dd{font-weight:600;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.bar{position:sticky;inset-block-start:0;z-index:1;display:flex;gap:.6rem;align-items:center;flex-wrap:wrap;background:var(--page);border-block-end:1px solid var(--line);padding-block:.7rem;margin-block-start:.6rem}
.bar[hidden]{display:none}.bar input{flex:1 1 12rem;accent-color:var(--accent)}.bar output{font-variant-numeric:tabular-nums;min-inline-size:7rem}
button{font:inherit;font-weight:600;min-block-size:2.3rem;padding:.2rem 1rem;border:1px solid var(--field);border-radius:8px;background:var(--raised);color:var(--text);cursor:pointer}
button:hover{border-color:var(--text)}button[aria-pressed=true]{border-width:2px;border-color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
section.step{display:grid;grid-template-columns:minmax(0,1fr) 21rem;gap:1.4rem;align-items:start;padding-block:1.2rem;border-block-end:1px solid var(--line);scroll-margin-block-start:4rem}
.story{order:2;display:grid;gap:.6rem}
.one section.step{border:0}.one section.step:not(.shown){display:none}
.frame{position:relative;justify-self:center;max-inline-size:100%;border:1px solid var(--line);border-radius:10px;overflow:hidden;line-height:0}
.frame img{max-inline-size:100%;max-block-size:74vh;block-size:auto;inline-size:auto}
.ring{position:absolute;inset:0;inline-size:100%;block-size:100%;-webkit-print-color-adjust:exact;print-color-adjust:exact}
ul.actions{padding:0;list-style:none;display:grid;gap:.5rem}
.actions li{padding:.6rem .8rem;border:1px solid var(--line);border-radius:10px;background:var(--raised);overflow-wrap:anywhere}
.actions strong{display:block;font-size:1.05rem}
.outcome{color:var(--muted);font-weight:600}.confirmed,.done{color:var(--good)}.failed,.refused,.no_effect{color:var(--bad)}
blockquote{border-inline-start:3px solid var(--line);padding-inline-start:.7rem;font-style:italic;white-space:pre-wrap;overflow-wrap:anywhere}
.label,.took{color:var(--muted);font-size:.87rem}.note{font-weight:600;overflow-wrap:anywhere}
@media (max-width:60rem){section.step{grid-template-columns:minmax(0,1fr)}.story{order:0}}
@media (forced-colors:active){.state::before{background:CanvasText}}
@media print{:root{color-scheme:light;--page:#fff;--text:#000;--muted:#333;--line:#999;--raised:#fff;--good:#1f6b2c;--bad:#b3261e;font-size:11px}.bar{display:none!important}.one section.step,section.step{display:grid!important;grid-template-columns:minmax(0,1fr) 6cm;break-inside:avoid;border-block-end:1px solid var(--line)}.frame img{max-block-size:9cm}.story{order:2}body{padding:0;max-inline-size:none}}
`;
