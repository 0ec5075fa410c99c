"""The page: one HTML file that contains everything, figures too, and loads nothing from elsewhere."""

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
from twolayer.evaluation.warnings import NO_WARNING_TEXT
from twolayer.inspection.importances import Importances
from twolayer.report.figure import ReportFigure
from twolayer.report.influential_rows import ReportTable
from twolayer.text import among_the_first, first_names

MAX_GROUPS = 20  # in the table of importances
MAX_MEMBERS = 30  # names of one group

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
    verdict: Verdict,
    warnings: Sequence[str],
    assessment: Assessment,
    intervals: ScoreIntervals,
    settings: Sequence[tuple[str, str]],
    notes: Sequence[str],
    importances: Importances | None,
    linear: Sequence[str],
    influence: ReportTable | None,
    figures: Sequence[ReportFigure],
    version: str,
) -> str:
    """Return the page.

    Parameters
    ----------
    title, about : str
        Of which model the report is, and on which rows.
    verdict, warnings, assessment, intervals, importances, influence, figures
        The other parts of the report.
    linear : list of str
        How linear the model is.
    settings : list of (name, value)
    notes : list of str
        Notes about the table.
    version : str
        The version of twolayer.
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
        _verdict_html(verdict),
        f"<h2>Warnings</h2>\n{_list_html(warnings) or f'<p>{NO_WARNING_TEXT}</p>'}",
        f"<h2>Scores</h2>\n{_score_table_html(assessment, intervals)}{_target_table_html(intervals)}",
        f"<h2>How linear the network is</h2>\n{_paragraph_html(linear)}" if linear else "",
        f"<h2>Data and settings</h2>\n{_settings_html(settings)}{_list_html(notes)}",
        "<h2>Figures</h2>\n" + "\n".join(map(_figure_html, figures)),
        "" if importances is None else _importance_table_html(assessment, importances),
        "" if influence is None else _report_table_html(influence),
        f"<footer>Written by twolayer {escape(version)}. This file contains everything.</footer>",
    ]
    return head + "\n".join(part for part in parts if part) + "\n</body>\n</html>\n"


def _verdict_html(verdict: Verdict) -> str:
    lines = [f"<p>{escape(line)}</p>" for line in (verdict.headline, *verdict.sentences)]
    return "\n".join([f'<div class="verdict {verdict.standing}">', *lines, "</div>"])


def _list_html(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return "\n".join(["<ul>", *(f"<li>{escape(line)}</li>" for line in lines), "</ul>"])


def _paragraph_html(sentences: Sequence[str]) -> str:
    return f"<p>{escape(' '.join(sentences))}</p>"


def _report_table_html(table: ReportTable) -> str:
    cells = [[escape(cell) for cell in row] for row in table.rows]
    notes = "\n".join(_paragraph_html([note]) for note in table.notes)
    return f"<h2>{escape(table.title)}</h2>\n{_table_html(table.head, cells)}{notes}"


def _table_html(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with numbers to the right of the first column; head is text, and cells are HTML."""
    first, *others = head
    cells = "".join(f'<th class="number">{escape(name)}</th>' for name in others)
    lines = [f"<tr><th>{escape(first)}</th>{cells}</tr>"]
    for name, *values in rows:
        cells = "".join(f'<td class="number">{value}</td>' for value in values)
        lines.append(f"<tr><td>{name}</td>{cells}</tr>")
    return "\n".join(["<table>", *lines, "</table>\n"])


def _score_table_html(assessment: Assessment, intervals: ScoreIntervals) -> str:
    """Return a row for each model, with the interval below each score, and one for each difference."""
    names = list(intervals.scores[NETWORK])
    rows = []
    for model, values in intervals.scores.items():
        ranges = intervals.ranges.get(model, {})
        cells = [format_score(name, values[name]) + _range_html(name, ranges) for name in names]
        rows.append([escape(model), *cells])
    for rival, gains in intervals.gains.items():
        cells = [_range_html(name, gains, sign="+") for name in names]
        rows.append([f"better than the {escape(rival)} by", *cells])
    loss = "log loss" if "log loss" in names else "RMSE"
    means = "Scores are means over the targets. " if intervals.parts else ""
    less = f"A smaller {loss} is better. " if loss in names else ""
    resampled, exact = "the rows", ""
    if assessment.groups is not None:
        resampled = f"whole groups ('{assessment.grouped_by}')"
    elif "accuracy" in names:
        exact = ", for the share of right rows its exact 95% interval"
    note = (
        f"{means}{less}Below each score stands the range that holds 95% of resamples of {resampled}{exact}. "
        "In the last rows, above 0 means that the network is better. The constant guess is the best one for these rows."
    )
    return f"{_table_html(['', *names], rows)}<p>{escape(note)}</p>"


def _target_table_html(intervals: ScoreIntervals) -> str:
    """Return a row for each of several targets: the network's scores with their intervals, and those of its rivals."""
    if not intervals.parts:
        return ""
    first = next(iter(intervals.parts.values()))
    names, rivals = list(first.scores[NETWORK]), [one for one in first.scores if one != NETWORK]
    main = names[0]
    rows = []
    for target, part in intervals.parts.items():
        ours, ranges = part.scores[NETWORK], part.ranges.get(NETWORK, {})
        cells = [format_score(name, ours[name]) + _range_html(name, ranges) for name in names]
        cells += [format_score(main, part.scores[rival][main]) for rival in rivals]
        rows.append([escape(target), *cells])
    head = ["", *names, *(f"{main} of the {rival}" for rival in rivals)]
    return f"<h3>Each target by itself</h3>\n{_table_html(head, rows)}"


def _range_html(name: str, ranges: dict[str, tuple[float, float]], sign: str = "") -> str:
    """Return the interval of a score in a line of its own, if there is one."""
    if name not in ranges:
        return ""
    digits = ".4g" if name == "RMSE" else ".4f"
    text = " to ".join(format(end, sign + digits) for end in ranges[name])
    return f'<span class="range">{text}</span>'


def _settings_html(rows: Sequence[tuple[str, str]]) -> str:
    lines = (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _figure_html(figure: ReportFigure) -> str:
    title, data = escape(figure.title), base64.b64encode(figure.png).decode()
    return (
        f'<h3 id="{escape(figure.name)}">{title}</h3>\n<figure>\n'
        f'<img alt="{title}" src="data:image/png;base64,{data}">\n'
        f"<figcaption>{escape(figure.caption)}</figcaption>\n</figure>"
    )


def _importance_table_html(assessment: Assessment, importances: Importances) -> str:
    """Return the importances as a table, with the names of each group's members."""
    groups, count = importances.groups, min(MAX_GROUPS, len(importances.groups))
    change = "decrease of R²" if importances.unit == "R²" else "increase of the log loss"
    rows = []
    for k in np.argsort(-importances.mean, kind="stable")[:count]:
        names = list(dict.fromkeys(assessment.sources[j] for j in groups[k]))
        rows.append(
            [
                escape(first_names(names, MAX_MEMBERS, quote="")),
                f"{importances.mean[k]:.4f}",
                f"{importances.low[k]:.4f} to {importances.high[k]:.4f}",
                f"{importances.top_share[k]:.0%}",
            ]
        )
    shuffled = sum(map(len, groups))
    note = f"{len(groups):,} groups of {shuffled:,} inputs, of which {count} are shown."
    if shuffled < importances.n_inputs:
        note += f" Of {importances.n_inputs:,} inputs only the {shuffled:,} with the largest weights were shuffled."
    table = _table_html(["inputs", change, "95% range", among_the_first(importances.top)], rows)
    return f"<h2>Importances in numbers</h2>\n{table}<p>{note}</p>"
