"""The page: one HTML file that holds everything, pictures too, and asks the network for nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np

from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.baselines import NETWORK
from twolayer.evaluation.score_intervals import ScoreIntervals
from twolayer.evaluation.scores import format_score
from twolayer.evaluation.verdict import Verdict
from twolayer.evaluation.warnings import no_warning_text
from twolayer.inspection.importances import Importances
from twolayer.report.figure import ReportFigure
from twolayer.text import among_the_first

MAX_GROUPS = 20  # of the table of importances
MAX_MEMBERS = 30  # of a group, by name

PAGE_STYLE = """
body { font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #222; background: #fff;
       max-width: 58rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .6rem; border-bottom: 1px solid #ddd; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .3rem; }
.about { color: #666; margin: .2rem 0 1.2rem; }
.verdict { border-left: .5rem solid; padding: .8rem 1.2rem; background: #f6f7f9; }
.verdict p { margin: .4rem 0; } .verdict p:first-child { font-size: 1.3rem; font-weight: 600; }
.good { border-color: #2e7d4f; } .careful { border-color: #d99a1c; } .useless { border-color: #b3362b; }
table { border-collapse: collapse; font-size: .92rem; margin: .6rem 0; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #eee; }
tr > th:first-child { white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.range { color: #777; font-size: .85em; display: block; }
figure { margin: 0 0 1rem; break-inside: avoid; } figure img { max-width: 100%; height: auto; }
figcaption { color: #444; max-width: 46rem; } li { margin: .3rem 0; }
footer { color: #777; font-size: .85rem; margin: 3rem 0; }
"""


def html_page(
    title: str,
    about: str,
    spoken: Verdict,
    worried: Sequence[str],
    subject: Assessment,
    sure: ScoreIntervals,
    settings: Sequence[tuple[str, str]],
    said: Sequence[str],
    found: Importances | None,
    drawn: Sequence[ReportFigure],
    version: str,
) -> str:
    """The whole page.

    Parameters
    ----------
    title, about : str
        What it is a report of, and on which rows.
    spoken, worried, subject, sure, found, drawn
        What the other parts of the report said.
    settings : list of (name, value)
    said : list of str
        What there is to say about the table.
    version : str
        Of twolayer.
    """
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{PAGE_STYLE}</style>\n</head>\n<body>\n"
    )
    parts = [
        f'<h1>{escape(title)}</h1>\n<p class="about">{escape(about)}</p>',
        _verdict_html(spoken),
        f"<h2>What to worry about</h2>\n{_list_html(worried or [no_warning_text(sure)])}",
        f"<h2>Scores</h2>\n{_score_table_html(subject, sure)}{_target_table_html(sure)}",
        f"<h2>Data and settings</h2>\n{_settings_html(settings)}{_list_html(said)}",
        "<h2>Pictures</h2>\n" + "\n".join(_figure_html(one) for one in drawn[:1]),
        *(_figure_html(one) for one in drawn[1:]),
        _group_table_html(subject, found),
        f"<footer>Written by twolayer {escape(version)}. Everything is inside this file.</footer>",
    ]
    return head + "\n".join(part for part in parts if part) + "\n</body>\n</html>\n"


def _verdict_html(spoken: Verdict) -> str:
    lines = "\n".join(f"<p>{escape(line)}</p>" for line in [spoken.headline, *spoken.sentences])
    return f'<div class="verdict {spoken.standing}">\n{lines}\n</div>'


def _list_html(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return "<ul>\n" + "\n".join(f"<li>{escape(line)}</li>" for line in lines) + "\n</ul>"


def _score_table_html(subject: Assessment, sure: ScoreIntervals) -> str:
    """A line for each model, the range under each score, and one for each difference."""
    names = list(sure.scores[NETWORK])
    head = "".join(_table_head_html(name) for name in names)
    lines = [f"<tr><th></th>{head}</tr>"]
    for model, values in sure.scores.items():
        cells = ""
        for name in names:
            ends = sure.ranges.get(model, {}).get(name)
            cells += _score_cell_html(format_score(name, values[name]), name, ends)
        lines.append(f"<tr><td>{escape(model)}</td>{cells}</tr>")
    for rival, gains in sure.gains.items():
        cells = "".join(_score_cell_html("", name, gains[name], signed=True) for name in names)
        lines.append(f"<tr><td>how much better than the {escape(rival)}</td>{cells}</tr>")
    loss = "log loss" if "log loss" in names else "RMSE"
    means = "Means over the targets. " if sure.parts else ""
    exact = (
        "; of the share of rows that is right, its exact 95% range" if "accuracy" in names else ""
    )
    drawn = "rows"
    if subject.groups is not None:
        drawn, exact = f"whole groups ('{subject.grouped_by}')", ""
    less = f"Of {loss} less is better; in" if loss in names else "In"
    note = (
        f"<p>{means}Below each score, and in the last lines: where it lies in 95% of draws of as many {drawn}{exact}. "
        f"{less} the last lines above 0 is always better. The constant guess is the best for these very rows.</p>"
    )
    return "<table>\n" + "\n".join(lines) + f"\n</table>\n{note}"


def _table_head_html(name: str) -> str:
    return f'<th class="number">{escape(name)}</th>'


def _target_table_html(sure: ScoreIntervals) -> str:
    """A line for each of several targets: the network's scores with their ranges, and its rivals' beside them."""
    if not sure.parts:
        return ""
    first = next(iter(sure.parts.values()))
    names = list(first.scores[NETWORK])
    rivals = [model for model in first.scores if model != NETWORK]
    main = names[0]
    heads = [*names, *(f"{main} of the {rival}" for rival in rivals)]
    lines = [f"<tr><th></th>{''.join(_table_head_html(head) for head in heads)}</tr>"]
    for target, part in sure.parts.items():
        ours, ranges = part.scores[NETWORK], part.ranges.get(NETWORK, {})
        cells = "".join(
            _score_cell_html(format_score(name, ours[name]), name, ranges.get(name))
            for name in names
        )
        cells += "".join(
            _score_cell_html(format_score(main, part.scores[one][main]), main, None)
            for one in rivals
        )
        lines.append(f"<tr><td>{escape(target)}</td>{cells}</tr>")
    return "<h3>Each target by itself</h3>\n<table>\n" + "\n".join(lines) + "\n</table>"


def _score_cell_html(
    value: str, name: str, ends: tuple[float, float] | None, signed: bool = False
) -> str:
    shown = ""
    if ends is not None:
        plus = "+" if signed else ""
        digits = ".4g" if name == "RMSE" else ".4f"
        shown = " to ".join(format(end, plus + digits) for end in ends)
        shown = f'<span class="range">{shown}</span>'
    return f'<td class="number">{value}{shown}</td>'


def _settings_html(rows: Sequence[tuple[str, str]]) -> str:
    lines = (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _figure_html(figure: ReportFigure) -> str:
    data = base64.b64encode(figure.png).decode()
    return (
        f'<h3 id="{escape(figure.name)}">{escape(figure.title)}</h3>\n<figure>\n'
        f'<img alt="{escape(figure.title)}" src="data:image/png;base64,{data}">\n'
        f"<figcaption>{escape(figure.reading)}</figcaption>\n</figure>"
    )


def _group_table_html(subject: Assessment, found: Importances | None) -> str:
    """The importances as a table, with the members of each group by name."""
    if found is None:
        return ""
    verb = "lost" if found.unit == "R²" else "added"
    lines = [
        f'<tr><th>inputs</th><th class="number">{escape(found.unit)} {verb}</th><th class="number">95% range</th>'
        f'<th class="number">{among_the_first(found.top)}</th></tr>'
    ]
    for k in np.argsort(-found.mean, kind="stable")[:MAX_GROUPS]:
        names = list(dict.fromkeys(subject.sources[j] for j in found.groups[k]))
        more = f" and {len(names) - MAX_MEMBERS} more" if len(names) > MAX_MEMBERS else ""
        shown = ", ".join(escape(name) for name in names[:MAX_MEMBERS]) + more
        lines.append(
            f'<tr><td>{shown}</td><td class="number">{found.mean[k]:.4f}</td>'
            f'<td class="number">{found.low[k]:.4f} to {found.high[k]:.4f}</td>'
            f'<td class="number">{found.top_share[k]:.0%}</td></tr>'
        )
    looked = sum(len(group) for group in found.groups)
    some = ""
    if looked < found.n_inputs:
        some = f" Of {found.n_inputs:,} inputs the {looked:,} with the strongest weights were shuffled."
    count = min(MAX_GROUPS, len(found.groups))
    note = f"<p>{len(found.groups):,} groups of {looked:,} inputs, {count} shown.{some}</p>"
    return "<h2>Importances in numbers</h2>\n<table>\n" + "\n".join(lines) + f"\n</table>\n{note}"
