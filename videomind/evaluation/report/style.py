"""How the page looks, in light and in dark."""

STYLE = """
:root { color-scheme: light dark;
  --paper: #fbfbfa; --card: #ffffff; --ink: #1c2733; --soft: #5f6d7b; --rule: #dfe4ea; --grid: #e9edf1;
  --accent: #c2410c;
  --good: #2b8a3e; --bad: #c92a2a; --note: #fff4e0; --truth: #2b8a3e;
  --run0: #e8590c; --run1: #1971c2; --run2: #7048e8; --run3: #0b7285; --run4: #a61e4d; --run5: #5c940d; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #12171d; --card: #1a2129; --ink: #e6ebf0; --soft: #98a6b4; --rule: #313b46; --grid: #28313a;
  --accent: #ff922b;
  --good: #69db7c; --bad: #ff8787; --note: #3a2e17; --truth: #69db7c;
  --run0: #ff922b; --run1: #4dabf7; --run2: #b197fc; --run3: #3bc9db; --run4: #f783ac; --run5: #a9e34b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system,
  "Segoe UI", Roboto,
  "Helvetica Neue", sans-serif; overflow-wrap: anywhere; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .2rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .6rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
p { margin: .3rem 0 .7rem; }
.soft, figcaption, footer { color: var(--soft); }
.chip { display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin-right: .4em; }
.scroll { overflow-x: auto; margin: .4rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .32rem .7rem; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: .2rem; position: sticky; left: 0;
  background: var(--paper); }
thead th { border-bottom: 1px solid var(--rule); font-weight: 600; vertical-align: bottom; }
th small, td small { display: block; color: var(--soft); font-weight: 400; font-size: .78rem; }
tr.variant td { color: var(--soft); font-size: .82rem; padding-top: .9rem; border-bottom-color: var(--rule);
  text-align: left; }
td.published { color: var(--soft); }
td.text, th.text { text-align: left; white-space: normal; min-width: 8rem; }
.more { color: var(--good); } .less { color: var(--bad); }
ul.notes { list-style: none; margin: .6rem 0; padding: .6rem .9rem; background: var(--note); border-radius: 6px;
  font-size: .92rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
figure { margin: 0; padding: .8rem .8rem .6rem; background: var(--card); border: 1px solid var(--rule);
  border-radius: 8px; }
figure b { display: block; font-size: .95rem; margin-bottom: .3rem; }
figcaption { font-size: .84rem; margin-top: .3rem; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 10.5px system-ui, sans-serif; }
svg .grid { stroke: var(--grid); } svg .guide { stroke: var(--soft); stroke-dasharray: 4 4; opacity: .7; }
svg polyline { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
svg .faint { opacity: .4; }
rect.run0, circle.run0, g.run0 { fill: var(--run0); } polyline.run0 { stroke: var(--run0); }
rect.run1, circle.run1, g.run1 { fill: var(--run1); } polyline.run1 { stroke: var(--run1); }
rect.run2, circle.run2, g.run2 { fill: var(--run2); } polyline.run2 { stroke: var(--run2); }
rect.run3, circle.run3, g.run3 { fill: var(--run3); } polyline.run3 { stroke: var(--run3); }
rect.run4, circle.run4, g.run4 { fill: var(--run4); } polyline.run4 { stroke: var(--run4); }
rect.run5, circle.run5, g.run5 { fill: var(--run5); } polyline.run5 { stroke: var(--run5); }
.chip.run0 { background: var(--run0); } .chip.run1 { background: var(--run1); }
  .chip.run2 { background: var(--run2); }
.chip.run3 { background: var(--run3); } .chip.run4 { background: var(--run4); }
  .chip.run5 { background: var(--run5); }
.failures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
.failure { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: .8rem;
  font-size: .9rem; }
.failure .question { font-weight: 600; margin: 0 0 .3rem; }
.failure p { margin: .15rem 0; }
.strip { display: block; width: 100%; border-radius: 4px; margin: .5rem 0 .3rem; }
.track { position: relative; height: 9px; background: var(--grid); border-radius: 3px; margin: 3px 0;
  overflow: hidden; }
.track i { position: absolute; top: 0; bottom: 0; min-width: 2px; border-radius: 2px; }
.track .truth, .chip.truth { background: var(--truth); }
.track .predicted, .chip.predicted { background: var(--accent); }
.key { font-size: .8rem; color: var(--soft); }
ul.plain { list-style: none; padding: 0; margin: .5rem 0; font-size: .9rem; }
details { margin: .8rem 0; } summary { cursor: pointer; font-weight: 600; }
pre { white-space: pre-wrap; font-size: .82rem; background: var(--card); border: 1px solid var(--rule);
  border-radius: 6px;
  padding: .6rem .8rem; margin: .3rem 0 .8rem; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: .88rem; }
@media print { .plots figure, .failure { break-inside: avoid; } }
"""
