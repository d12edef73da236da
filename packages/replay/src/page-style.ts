/** No colour alone tells anything: outcomes are words, the target is a ring with a cross. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--page:#f7f9fb;--text:#12161c;--muted:#4a5663;--line:#c8d0d9;--raised:#fff;--good:#1b5e20;--bad:#b3261e;--accent:#0b5cad;font:16px/1.5 system-ui,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){:root{--page:#12161c;--text:#f2f5f8;--muted:#a9b4c0;--line:#2c3540;--raised:#1c232c;--good:#8bd48f;--bad:#ff8a80;--accent:#4da3ff}}
*{box-sizing:border-box;margin:0}
body{background:var(--page);color:var(--text);max-inline-size:76rem;margin-inline:auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.4rem}h2{font-size:1.1rem}
.task{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--raised);border:1px solid var(--line);border-radius:6px;padding:.7rem;margin-block:.7rem}
dl.facts{display:flex;flex-wrap:wrap;gap:.2rem 1.5rem;color:var(--muted)}dl.facts div{display:flex;gap:.4rem}dl.facts dd{color:var(--text)}
.bar{position:sticky;inset-block-start:0;z-index:1;display:flex;gap:.6rem;align-items:center;flex-wrap:wrap;background:var(--page);border-block-end:1px solid var(--line);padding-block:.7rem;margin-block:1rem}
.bar[hidden]{display:none}.bar input{flex:1 1 12rem;accent-color:var(--accent)}.bar output{font-variant-numeric:tabular-nums;min-inline-size:7rem}
button{font:inherit;font-weight:600;padding:.3rem .9rem;border:1px solid var(--muted);border-radius:4px;background:var(--raised);color:var(--text);cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
section.step{border-block-start:1px solid var(--line);padding-block:1.2rem}
.one section.step:not(.shown){display:none}
.frame{position:relative;display:inline-block;margin-block:.7rem;max-inline-size:100%;border:1px solid var(--line);line-height:0}
.frame img{max-inline-size:100%;max-block-size:70vh;block-size:auto}

.ring{position:absolute;inset:0;inline-size:100%;block-size:100%;-webkit-print-color-adjust:exact;print-color-adjust:exact}
ul.actions{padding-inline-start:1.2rem}.actions strong{overflow-wrap:anywhere}
.outcome{color:var(--muted)}.confirmed,.done{color:var(--good)}.failed,.refused,.no_effect{color:var(--bad)}
blockquote{border-inline-start:4px solid var(--line);padding-inline-start:.8rem;margin-block:.5rem;font-style:italic;white-space:pre-wrap;overflow-wrap:anywhere}
.label,.took{color:var(--muted);font-size:.85rem}.note{font-weight:600;overflow-wrap:anywhere}
@media print{.bar{display:none!important}.one section.step{display:block!important}section.step{break-inside:avoid}.frame img{max-block-size:14cm}body{padding:0}}
`;
