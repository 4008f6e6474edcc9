"""How the page looks, in light and in dark."""

RUN_COLOURS = ("#f76707", "#228be6", "#845ef7", "#1098ad", "#e64980", "#66a80f")
"""Of the runs, on light and on dark paper; runs beyond these take them again from the first."""
SOFT = "#7b8794"
"""Of what stands back in a picture, on either paper."""

STYLE = """
:root { color-scheme: light dark;
  --paper: #fbfbfa; --card: #ffffff; --ink: #1c2733; --soft: #5f6d7b; --rule: #dfe4ea; --grid: #e9edf1;
  --accent: #c2410c;
  --good: #2b8a3e; --bad: #c92a2a; --note: #fff4e0; --truth: #2b8a3e; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #12171d; --card: #1a2129; --ink: #e6ebf0; --soft: #98a6b4; --rule: #313b46; --grid: #28313a;
  --accent: #ff922b;
  --good: #69db7c; --bad: #ff8787; --note: #3a2e17; --truth: #69db7c; } }
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
.more { color: var(--good); } .less { color: var(--bad); }
ul.notes { list-style: none; margin: .6rem 0; padding: .6rem .9rem; background: var(--note); border-radius: 6px;
  font-size: .92rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
figure { margin: 0; padding: .8rem .8rem .6rem; background: var(--card); border: 1px solid var(--rule);
  border-radius: 8px; }
figure b { display: block; font-size: .95rem; margin-bottom: .3rem; }
figcaption { font-size: .84rem; margin-top: .3rem; }
figure img { width: 100%; height: auto; display: block; }
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


def run_colour(number: int) -> str:
    """The colour of a run, counted from 0."""
    return RUN_COLOURS[number % len(RUN_COLOURS)]
