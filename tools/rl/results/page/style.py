"""The report's style sheet: light and dark, and as wide as the window is."""

STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1d2329; --soft: #57606a; --line: #d5dae0; --box: #f5f7f9;
  --bad: #b3261e; --good: #1a7f37; --hit: #dff3e4; --miss: #fbe3e1; --mark: #ffe08a; --link: #0a58ca;
  --c0: #0a6cbd; --c1: #c2410c; --c2: #15803d; --c3: #7e22ce; --c4: #a16207; --c5: #0e7490; --c6: #be185d;
  --c7: #4d5560; }
@media (prefers-color-scheme: dark) { :root { --back: #14181c; --text: #dde3ea; --soft: #99a3ae; --line: #384049;
  --box: #1d2329; --bad: #ff8a80; --good: #6fdc8c; --hit: #173b23; --miss: #4a1f1c; --mark: #6b5200; --link: #79b8ff;
  --c0: #58a6ff; --c1: #ff9d5c; --c2: #56d364; --c3: #c79bff; --c4: #e3b341; --c5: #39c5cf; --c6: #ff7eb6;
  --c7: #aab4be; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 0 auto; padding: 1rem; color: var(--text);
  background: var(--back); overflow-wrap: anywhere; }
h1, h2, h3 { font-weight: 600; line-height: 1.2; } h1 { margin: .3rem 0 .8rem; }
h1 .soft { font-size: .55em; font-weight: 400; }
h2 { margin: 2rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; } h3 { margin: 1.1rem 0 .3rem; }
pre { background: var(--box); padding: .6rem .8rem; overflow-x: auto; overflow-wrap: normal; margin: .4rem 0;
  border-radius: 6px; }
pre, code, .mono { font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.soft { color: var(--soft); } .bad { color: var(--bad); } .good { color: var(--good); }
.wide { overflow-x: auto; } table { border-collapse: collapse; min-width: 60%; }
td, th { padding: .15rem .7rem .15rem 0; text-align: left; vertical-align: baseline; overflow-wrap: normal; }
th { color: var(--soft); font-weight: 500; } td.n, th.n { text-align: right; white-space: nowrap; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: .1rem 1.2rem;
  margin: 0; } .facts div { display: flex; gap: .6rem; } .facts dt { color: var(--soft); min-width: 6.2rem; }
.facts dd { margin: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: .6rem; margin: 1rem 0; }
.figures div { background: var(--box); border-radius: 6px; padding: .5rem .7rem; }
.figures strong { display: block; font-size: 1.25rem; line-height: 1.3; font-weight: 600; white-space: nowrap; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: 0 .8rem; }
details[open] { padding-bottom: .6rem; } summary { cursor: pointer; padding: .45rem 0; }
summary .what { font-weight: 600; } summary span { margin-right: .9rem; display: inline-block; max-width: 100%; }
.again { display: flex; flex-wrap: wrap; gap: .2rem .6rem; align-items: baseline; } .again code { user-select: all; }
mark { background: var(--mark); color: inherit; display: inline-block; min-width: 100%; }
.source span { display: inline-block; min-width: 100%; }
.key span { padding: .1rem .5rem; margin-right: .6rem; border-radius: 3px; display: inline-block; }
.hit { background: var(--hit); } .miss { background: var(--miss); }
.part { background: linear-gradient(90deg, var(--hit), var(--miss)); } .crashed { outline: 1px solid var(--bad); }
del { color: var(--soft); text-decoration: line-through; } .kept { font-weight: 600; }
.bar { display: inline-block; width: 7rem; height: .6rem; background: var(--line); border-radius: 3px;
  overflow: hidden; } .bar span { display: block; height: 100%; background: var(--c2); }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font-size: 12px; }
@media (max-width: 640px) { svg text { font-size: 21px; } body { padding: .6rem; } details { padding: 0 .5rem; }
  pre.stack { white-space: pre-wrap; overflow-wrap: anywhere; } }
.grid { stroke: var(--line); stroke-width: 1; }
.resumed { stroke: var(--soft); stroke-dasharray: 2 4; } .axis { stroke: var(--soft); stroke-width: 1; }
polygon { stroke: none; opacity: .8; } polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .35rem; }
.scale { accent-color: var(--c0); } .scale + label { margin-right: 1rem; }
.log { display: none; } #to-log:checked ~ .chart .log { display: block; }
#to-log:checked ~ .chart .linear { display: none; }
""" + "\n".join(f".s{n} {{ stroke: var(--c{n}); }} .f{n} {{ fill: var(--c{n}); background: var(--c{n}); }}"
                for n in range(8)) + "\n"
