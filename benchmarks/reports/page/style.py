"""How the page looks: light and dark, from the width of a telephone upwards, and on paper."""

from benchmarks.reports.palette import COLOURS


def style() -> str:
    """The CSS of the page."""
    light = "".join(f" --{name}: {each.light};" for name, each in COLOURS.items())
    dark = "".join(f" --{name}: {each.dark};" for name, each in COLOURS.items())
    return (
        f":root {{ color-scheme: light dark;{light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{{dark} }} }}\n{_RULES}"
    )


_RULES = """
:root {
  --font: system-ui, "Noto Sans", "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP",
    "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Hebrew", sans-serif;
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 84rem;
  background: var(--paper); color: var(--ink); font: 0.9375rem/1.5 var(--font);
  overflow-wrap: break-word;
}
h1 { margin: 0 0 0.25rem; font-size: 1.6rem; line-height: 1.25; }
h1, p, li { overflow-wrap: anywhere; }
h2 {
  margin: 3rem 0 0.5rem; padding-bottom: 0.35rem; border-bottom: 1px solid var(--rule);
  font-size: 1.2rem; line-height: 1.3;
}
h3 { margin: 0 0 0.2rem; font-size: 0.9375rem; line-height: 1.35; }
p { margin: 0.35rem 0 0.9rem; max-width: 46rem; }
.faint, figcaption { color: var(--faint); }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
nav ul, .grades { display: flex; flex-wrap: wrap; gap: 0.4rem 1rem; margin: 0.8rem 0; padding: 0;
  list-style: none; }
.grid {
  display: grid; gap: 2rem 2.2rem; align-items: start; margin: 1rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 22.5rem), 1fr));
}
.grid > * { min-width: 0; }
.plot { margin: 0; max-width: 30rem; }
.plot svg { display: block; width: 100%; height: auto; }
.plot svg * { stroke-linejoin: round; stroke-linecap: butt; }
.scroll { overflow-x: auto; margin: 0.5rem 0 1.25rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.8438rem; line-height: 1.4; }
.scroll table { width: auto; min-width: min(100%, 24rem); }
caption { padding: 0 0 0.3rem; color: var(--faint); text-align: left; }
th, td { padding: 0.28rem 0.5rem 0.28rem 0; text-align: left; vertical-align: baseline;
  border-bottom: 1px solid var(--rule); }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--faint); font-weight: 500; }
tbody th { font-weight: 500; }
article thead th, article tbody th { overflow-wrap: normal; }
.scroll th, .scroll td { overflow-wrap: normal; }
.scroll thead th { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.long td { overflow-wrap: anywhere; min-width: 9rem; }
.long th { min-width: 6rem; }
.grade { display: inline-block; padding: 0 0.45em; border-radius: 0.6em; font-weight: 600;
  white-space: nowrap; }
@media (max-width: 30rem) {
  article table { font-size: 0.8125rem; }
  article th, article td { padding-right: 0.35rem; }
  td .grade { padding: 0 0.3em; white-space: normal; overflow-wrap: normal; }
}
.grade-reproduced { color: var(--good); background: var(--good-tile); }
.grade-close { color: var(--near); background: var(--near-tile); }
.grade-not-reproduced, .differs { color: var(--bad); background: var(--bad-tile); }
.grade-incomparable { color: var(--apart); background: var(--apart-tile); }
.differs { padding: 0 0.4em; border-radius: 0.4em; font-weight: 600; }
.reasons { margin: 0.6rem 0 0; padding-left: 1.1rem; font-size: 0.8438rem; color: var(--faint); }
details { margin: 0.6rem 0; }
summary { cursor: pointer; padding: 0.25rem 0; font-weight: 500; color: var(--accent); }
.failures { display: grid; gap: 1.6rem 1.4rem; margin: 0.8rem 0 2rem; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.failures > li { min-width: 0; padding: 0.8rem; border-radius: 0.6rem; background: var(--tile); }
.asked { margin: 0 0 0.6rem; font-weight: 500; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0.8rem; }
.pair > div, .asked { min-width: 0; }
.pair p, .asked { font-size: 0.875rem; }
.pair p { margin: 0.2rem 0 0; }
.label { display: block; margin-bottom: 0.25rem; color: var(--faint); font-size: 0.8125rem; }
.picture { display: block; max-width: 100%; width: auto; height: auto; max-height: 10rem;
  border-radius: 0.35rem; }
.gone { padding: 1.5rem 0.5rem; border: 1px dashed var(--faint); border-radius: 0.35rem;
  color: var(--faint); text-align: center; }
code { font-size: 0.9em; }
@media print {
  .failures > li, .plot, article { break-inside: avoid; }
  nav { display: none; }
}
"""
