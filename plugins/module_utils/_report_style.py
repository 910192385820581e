# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""The style sheet of the readiness page. Pure."""

from __future__ import annotations

# A colour of text, the one of its bar, and the one behind it; a test holds each text to a contrast of 4.5 to 1.
LIGHT = {
    "bg": "#f5f6f8", "card": "#ffffff", "ink": "#18202c", "muted": "#556072", "line": "#dfe3e9", "track": "#e9ecf1",
    "code": "#f1f3f6", "accent": "#1d5bbf", "accent-soft": "#e6effc",
    "ok": "#08694a", "ok-bar": "#149a6c", "ok-soft": "#e2f4ec",
    "wait": "#7a5600", "wait-bar": "#dba520", "wait-soft": "#fbf1d6",
    "lost": "#97440a", "lost-bar": "#e2792b", "lost-soft": "#fdeadb",
    "bad": "#ae231d", "bad-bar": "#d5433a", "bad-soft": "#fce8e6",
    "out": "#566071", "out-bar": "#b3bbc6", "out-soft": "#eceff3",
}  # fmt: skip
DARK = {
    "bg": "#0e131a", "card": "#161d27", "ink": "#e8edf4", "muted": "#a5b1c2", "line": "#2a3442", "track": "#242e3b",
    "code": "#0f151d", "accent": "#8abaff", "accent-soft": "#1b2d47",
    "ok": "#6ddcae", "ok-bar": "#2fae80", "ok-soft": "#133328",
    "wait": "#f0c75e", "wait-bar": "#cf9c22", "wait-soft": "#382d10",
    "lost": "#ffb37a", "lost-bar": "#d9752c", "lost-soft": "#3b2513",
    "bad": "#ff9d95", "bad-bar": "#e0564d", "bad-soft": "#401d1b",
    "out": "#aab4c3", "out-bar": "#5d6a7b", "out-soft": "#242d39",
}  # fmt: skip

_RULES = """
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; background: var(--bg); }
body {
  margin: 0; background: var(--bg); color: var(--ink); overflow-wrap: anywhere;
  font: 15px/1.5 Inter, system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
}
main, .top, footer { max-width: 1140px; margin: 0 auto; padding: 0 24px; }
h1 { font-size: 26px; line-height: 1.2; letter-spacing: -0.015em; margin: 0; font-weight: 680; }
h2 { font-size: 18px; letter-spacing: -0.01em; margin: 0; font-weight: 650; }
h3, h4 { font-size: 15px; margin: 0; font-weight: 600; }
p { margin: 0; }
code { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
svg.icon { width: 1em; height: 1em; flex: none; fill: none; stroke: currentColor; stroke-width: 2;
  vertical-align: -0.13em; stroke-linecap: round; stroke-linejoin: round; }
[hidden] { display: none !important; }
.hidden, caption { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.skip { position: absolute; left: 24px; top: -60px; z-index: 2; padding: 8px 14px; background: var(--card);
  color: var(--accent); border-radius: 0 0 8px 8px; }
.skip:focus { top: 0; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.muted { color: var(--muted); }
.whole { white-space: nowrap; }
.num { font-variant-numeric: tabular-nums; white-space: nowrap; }

.top { display: flex; gap: 16px; align-items: flex-start; justify-content: space-between; padding-top: 32px; }
.top p { color: var(--muted); margin-top: 6px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 22px 24px; min-width: 0; }
section { margin-top: 20px; }
.head { display: flex; flex-wrap: wrap; gap: 2px 16px; align-items: baseline; justify-content: space-between;
  margin-bottom: 14px; }
.grid { display: grid; gap: 20px; grid-template-columns: minmax(0, 1fr); margin-top: 24px; }
.grid.two { grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr); }
.grid section { margin: 0; }
.alert { border-left: 4px solid var(--bad-bar); }
.alert h2 { color: var(--bad); }
.alert ul { margin: 8px 0 0; padding-left: 20px; }

.big { font-size: 68px; line-height: 1; font-weight: 720; letter-spacing: -0.04em; font-variant-numeric: tabular-nums;
  margin: 10px 0 6px; }
.big small { font-size: 0.5em; font-weight: 600; letter-spacing: -0.01em; color: var(--muted); margin-left: 0.06em; }
.bar { display: block; width: 100%; height: 10px; border-radius: 5px; overflow: hidden; background: var(--track); }
.hero .bar { height: 14px; border-radius: 7px; margin: 18px 0 14px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 20px; margin: 0; padding: 0; }
.legend li { display: inline-flex; gap: 7px; align-items: center; }
.legend b { font-variant-numeric: tabular-nums; }
.managed { --c: var(--ok); --f: var(--ok-bar); --s: var(--ok-soft); }
.pending, .warning { --c: var(--wait); --f: var(--wait-bar); --s: var(--wait-soft); }
.connection_lost { --c: var(--lost); --f: var(--lost-bar); --s: var(--lost-soft); }
.not_managed, .blocking { --c: var(--bad); --f: var(--bad-bar); --s: var(--bad-soft); }
.out_of_scope { --c: var(--out); --f: var(--out-bar); --s: var(--out-soft); }
.info { --c: var(--accent); --f: var(--accent); --s: var(--accent-soft); }
rect { fill: var(--f); }
rect.before { fill: var(--out-bar); }
.legend .icon { color: var(--c); }
.chip { display: inline-flex; gap: 6px; align-items: center; padding: 2px 9px 2px 7px; border-radius: 999px;
  font-size: 13px; font-weight: 550; color: var(--c); background: var(--s); white-space: nowrap; }

.trend { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 10px 14px; align-items: center; }
.trend b { font-variant-numeric: tabular-nums; }
.delta { font-size: 30px; line-height: 1.1; font-weight: 680; letter-spacing: -0.02em; margin: 10px 0 16px;
  font-variant-numeric: tabular-nums; color: var(--c); }
.delta span { font-size: 15px; font-weight: 400; letter-spacing: 0; color: var(--muted); }
.moves { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 24px; margin-top: 16px;
  align-items: start; }
.moves > * { border-top: 1px solid var(--line); padding: 7px 0; }
.moves b { float: right; font-variant-numeric: tabular-nums; }
.moves summary b { color: var(--c, inherit); }
.moves ul { list-style: none; margin: 6px 0 2px; padding: 0; max-height: 240px; overflow: auto; font-size: 13px; }
summary { cursor: pointer; }

table { border-collapse: collapse; width: 100%; text-align: left; }
th { font-weight: 550; }
thead th { color: var(--muted); font-size: 13px; padding: 0 12px 8px 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
tbody th, tbody td { padding: 10px 12px 10px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
tr > :last-child { padding-right: 0; }
.regions td.chart { width: 38%; vertical-align: middle; padding-right: 20px; }
.regions .right { text-align: right; }
.regions td.share { font-weight: 650; }
.notes { list-style: none; margin: 4px 0 0; padding: 0; font-size: 13px; color: var(--muted); font-weight: 400; }
.notes .icon, .why .icon { color: var(--c); }
details.rest { margin-top: 12px; padding-top: 12px; border-top: 1px solid var(--line); }
details.rest p { margin-top: 6px; }

.reasons { list-style: none; margin: 0; padding: 0; }
.group + .group { margin-top: 22px; padding-top: 18px; border-top: 1px solid var(--line); }
.group > h3 { margin-bottom: 12px; }
.group h3 span { font-weight: 400; color: var(--muted); margin-left: 6px; }
.group summary h3 { display: inline; }
.group summary + .reasons { margin-top: 14px; }
.reasons > li { display: grid; grid-template-columns: 104px minmax(0, 1fr) auto; gap: 4px 16px; padding: 14px 0;
  border-top: 1px solid var(--line); }
.reasons > li:first-child { border-top: 0; padding-top: 0; }
.reasons > li:last-child { padding-bottom: 0; }
.reasons > li > button { align-self: start; }
.count { font-size: 26px; line-height: 1.1; white-space: nowrap; font-weight: 680; letter-spacing: -0.02em;
  font-variant-numeric: tabular-nums; }
.count .bar { height: 4px; margin-top: 8px; }
.title { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; }
.fix { display: flex; gap: 8px; align-items: flex-start; margin-top: 8px; }
.fix code { flex: 1 1 auto; min-width: 0; padding: 6px 10px; background: var(--code); border: 1px solid var(--line);
  border-radius: 8px; white-space: pre-wrap; user-select: all; }
button, select, input { font: inherit; font-size: 14px; color: var(--ink); background: var(--card); border-radius: 8px;
  border: 1px solid var(--muted); padding: 6px 10px; min-height: 36px; max-width: 100%; }
button { cursor: pointer; white-space: nowrap; border-color: var(--line); color: var(--accent); font-weight: 550; }
button:hover:not(:disabled) { background: var(--accent-soft); }
button:disabled { color: var(--muted); cursor: default; }
.filters { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 1fr) minmax(0, 1fr)
  minmax(0, 1.8fr) minmax(0, 1fr) auto; gap: 10px;
  align-items: end; margin-bottom: 14px; }
.filters label { display: block; font-size: 13px; color: var(--muted); }
.filters label > * { display: block; width: 100%; margin-top: 3px; }
.filters .sort { display: none; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline-offset: 4px; }
.pick { all: unset; cursor: pointer; border-radius: 4px; text-decoration: underline dotted;
  text-underline-offset: 3px; }
.pick:hover:not(:disabled) { color: var(--accent); background: none; }
.pick:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.regions td.way { max-width: 240px; }
thead button { all: unset; cursor: pointer; display: inline-flex; gap: 4px; align-items: center; border-radius: 4px; }
thead button:hover { color: var(--accent); background: none !important; }
thead button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
thead [aria-sort] button { color: var(--ink); font-weight: 650; }
thead [aria-sort="ascending"] button::after { content: "\\2191"; }
thead [aria-sort="descending"] button::after { content: "\\2193"; }
.instances th[scope="row"] { min-width: 170px; }
.instances td:last-child { min-width: 230px; }
.instances .name { display: block; white-space: pre-wrap; }
.id { color: var(--muted); white-space: nowrap; }
.why { list-style: none; margin: 0; padding: 0; }
.more { margin-top: 4px; font-size: 14px; }
.more summary { color: var(--accent); width: fit-content; }
.more dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 2px 14px; margin: 10px 0 2px;
  font-size: 13px; }
.more dt { color: var(--muted); }
.more dd { margin: 0; }
.say { margin-top: 6px; }
.pages { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; justify-content: center; margin-top: 14px; }
footer { padding-top: 24px; padding-bottom: 48px; color: var(--muted); font-size: 14px; }
footer dl { margin: 10px 0 0; display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 4px 16px; }
footer dt { font-weight: 600; }
footer dd { margin: 0; }

@media (max-width: 900px) {
  .filters { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .filters .text { grid-column: 1 / -1; }
  .moves { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 860px) {
  main, .top, footer { padding-left: 14px; padding-right: 14px; }
  .top { padding-top: 20px; gap: 10px; }
  h1 { font-size: 22px; }
  .card { padding: 18px 16px; }
  .big { font-size: 56px; }
  .grid.two { grid-template-columns: minmax(0, 1fr); }
  .fix { flex-wrap: wrap; }
  .fix code { flex-basis: 100%; }
  .reasons > li { grid-template-columns: 76px minmax(0, 1fr); }
  .count { font-size: 19px; }
  .reasons > li > button { grid-column: 2; justify-self: start; }
  .filters .sort { display: block; }
  input, select { font-size: 16px; }
  /* Rows become cards: the explicit roles in the markup keep them a table for screen readers. */
  table, tbody { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 4px 12px; padding: 12px 0;
    border-bottom: 1px solid var(--line); }
  tbody tr:last-child { border-bottom: 0; }
  tbody th, tbody td { display: block; padding: 0; border: 0; }
  .regions th { order: 1; }
  .regions .share { order: 2; text-align: right; }
  .regions td.chart { order: 3; grid-column: 1 / -1; width: auto; padding: 3px 0; }
  .regions td.of { order: 4; text-align: left; }
  .regions td.of::after { content: " managed"; }
  .regions td.way { order: 5; text-align: right; max-width: none; }
  .regions td.way::before { content: "DHMC: "; color: var(--muted); }
  .instances tbody tr { grid-template-columns: minmax(0, 1fr); }
  .instances td:last-child { min-width: 0; }
  .instances td { display: grid; grid-template-columns: 104px minmax(0, 1fr); gap: 8px; }
  .instances td > * { justify-self: start; }
  .instances .chip { white-space: normal; }
  .instances td::before { content: attr(data-label); color: var(--muted); font-size: 13px; }
}
@media print {
  .filters, .pages, .skip, button:not(.pick) { display: none !important; }
  .card { break-inside: avoid; }
  .instances.card { break-inside: auto; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
"""


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


# The button of the page sets data-theme, which wins over what the system prefers.
CSS = f"""
:root {{ color-scheme: light; {_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{
  :root:not([data-theme="light"]) {{ color-scheme: dark; {_variables(DARK)} }}
}}
:root[data-theme="dark"] {{ color-scheme: dark; {_variables(DARK)} }}
{_RULES}"""
