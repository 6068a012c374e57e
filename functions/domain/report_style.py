"""Colours and style sheet of reports: light and dark, on a screen and on paper; no script, nothing that is loaded from elsewhere.

Texts have a contrast of at least 4.5 to what they stand on, lines and bars of 3 (WCAG 2.2 AA), in both themes.
"""

from __future__ import annotations

PALETTE = {
    "page": ("#ffffff", "#14171c"),
    "card": ("#f5f7f9", "#1d2229"),
    "grid": ("#d5dce3", "#343b44"),
    "ink": ("#1f2328", "#e6edf3"),
    "muted": ("#57606a", "#a2acb7"),
    "link": ("#0959c9", "#6cb0ff"),
    "good": ("#19742f", "#4cc35e"),
    "info": ("#0959c9", "#6cb0ff"),
    "warning": ("#8f5300", "#e8ac3f"),
    "critical": ("#be1528", "#ff8078"),
    "c1": ("#1f6feb", "#58a6ff"),
    "c2": ("#c2540a", "#f0883e"),
    "c3": ("#1a7f37", "#3fb950"),
    "c4": ("#8250df", "#bc8cff"),
    "c5": ("#bf3989", "#f778ba"),
    "c6": ("#0f7b8a", "#39c5cf"),
    "c7": ("#866500", "#d9b100"),
    "c8": ("#57606a", "#9aa4af"),
}
"""By name: in the light theme, in the dark one."""
TEXTS = ("ink", "muted", "link", "good", "info", "warning", "critical")
SERIES = ("c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8")
NAMED = {"green": "good", "yellow": "warning", "red": "critical", "grey": "c8"}
"""Lines of these names have these colours."""
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

# Browsers that do not know light-dark() have the light theme.
COLOURS = (
    ":root{color-scheme:light dark;"
    + "".join(f"--{name}:{light};" for name, (light, _) in PALETTE.items())
    + "}@supports(color:light-dark(#000,#fff)){:root{"
    + "".join(f"--{name}:light-dark({light},{dark});" for name, (light, dark) in PALETTE.items())
    + "}}"
)

CHART = (
    f"svg.chart text{{font:12px {FONT};fill:var(--muted)}}"
    "svg.chart text.ink{fill:var(--ink)}svg.chart text.title{fill:var(--ink);font-size:14px;font-weight:600}"
    "svg.chart .grid{stroke:var(--grid);stroke-width:1}svg.chart .zero{stroke:var(--muted);stroke-width:1}"
    "svg.chart .mark{stroke:var(--ink);stroke-width:1;stroke-dasharray:3 3}"
    "svg.chart .dot{fill:var(--ink)}svg.chart text.dotted{fill:var(--page)}"
    "svg.chart .line{fill:none;stroke-width:2;stroke-linejoin:round}svg.chart .band{opacity:.22}"
)

_SCREEN = f"""
*{{box-sizing:border-box}}
body{{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 {FONT}}}
main,header,footer{{max-width:64rem;margin:0 auto;padding:0 1.25rem}}
header{{padding-top:1.5rem}}
h1{{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem}}
h2{{font-size:1.3rem;margin:0 0 .25rem}}
h3{{font-size:1rem;margin:1.5rem 0 .5rem}}
a{{color:var(--link)}}
.about{{color:var(--muted);margin:0}}
.lead{{font-size:1.125rem;max-width:48rem;margin:1rem 0}}
.theme{{float:right;border:0;padding:0;margin:0;font-size:.8125rem;color:var(--muted)}}
.theme legend{{float:left;padding:0;margin-right:.5rem}}
.theme label{{margin-left:.5rem}}
.theme input{{margin:0 .25rem 0 0;vertical-align:middle}}
:root:has(#theme-light:checked){{color-scheme:light}}
:root:has(#theme-dark:checked){{color-scheme:dark}}
@supports not (color:light-dark(#000,#fff)){{.theme{{display:none}}}}
.stats{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(11.5rem,45%),1fr));gap:.75rem;margin:1rem 0;padding:0}}
.stat{{background:var(--card);border-radius:.5rem;padding:.75rem 1rem;margin:0}}
.stat dt{{color:var(--muted);font-size:.875rem}}
.stat dd{{margin:0}}
.stat .value{{font-size:1.25rem;font-weight:600;font-variant-numeric:tabular-nums}}
.stat .change,.stat .note{{font-size:.8125rem;color:var(--muted)}}
.stat .unknown{{color:var(--muted);font-weight:400}}
.good{{color:var(--good)!important}}.warning{{color:var(--warning)!important}}
.critical{{color:var(--critical)!important}}.info{{color:var(--info)!important}}
nav ul{{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:.5rem 0;margin:1rem 0;border-block:1px solid var(--grid)}}
section{{margin:2.25rem 0;padding-top:.25rem}}
.first ol{{padding-left:1.25rem}}.first li{{margin:.4rem 0}}
figure{{margin:1.25rem 0;overflow-x:auto}}
figure svg{{display:block;width:100%;min-width:34rem;height:auto}}
figcaption,.remark{{color:var(--muted);font-size:.875rem}}
.finding{{border-left:.25rem solid var(--grid);background:var(--card);border-radius:.25rem;padding:.6rem 1rem;margin:.75rem 0}}
.finding.is-critical{{border-color:var(--critical)}}.finding.is-warning{{border-color:var(--warning)}}
.finding.is-info{{border-color:var(--info)}}.finding.is-good{{border-color:var(--good)}}
.finding h3{{margin:0}}.finding p{{margin:.25rem 0 0}}
.finding .worth{{float:right;font-weight:600;margin-left:1rem}}
.badge{{font-size:.75rem;font-weight:600;text-transform:uppercase;letter-spacing:.04em;margin-right:.5rem}}
code{{font:.875em ui-monospace,'SF Mono',Menlo,Consolas,monospace;overflow-wrap:anywhere}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;font-size:.875rem;margin:.25rem 0 .5rem}}
caption{{text-align:left;font-weight:600;font-size:1rem;padding:1rem 0 .25rem}}
th,td{{padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top;overflow-wrap:break-word}}
thead th{{color:var(--muted);font-weight:600;white-space:nowrap}}
tbody th{{font-weight:400}}
th.number,td.number{{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}}
td.unknown{{color:var(--muted)}}
.notes{{color:var(--muted);font-size:.875rem;padding-left:1.25rem}}
footer{{border-top:1px solid var(--grid);margin-top:2rem;padding-block:1rem 2rem;color:var(--muted);font-size:.875rem}}
"""

# Paper is white whatever the screen is; rows, figures and findings stay in one piece, and headings with what they head.
_PRINT = """
@page{size:A4;margin:15mm 14mm 17mm;@bottom-right{content:counter(page) " / " counter(pages);font:9pt sans-serif;color:#57606a}}
@media print{
:root,:root:has(#theme-dark:checked){color-scheme:light;print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{font-size:10.5pt}main,header,footer{max-width:none;padding-inline:0}
.theme,nav{display:none}a{color:inherit;text-decoration:none}
h1,h2,h3,caption{break-after:avoid}tr,figure,.finding,.stat{break-inside:avoid}thead{display:table-header-group}
.scroll,figure{overflow:visible}figure svg{min-width:0}section{margin:1.5rem 0}p,li{orphans:3;widows:3}
}
"""

STYLE = COLOURS + CHART + "".join(text.strip() for text in _SCREEN.splitlines()) + "".join(text.strip() for text in _PRINT.splitlines())
