"""The verdict on a model of several targets: each is judged by itself, as a mean over them would hide which are good."""

from __future__ import annotations

from twolayer.comparing import CONSTANT, LINEAR, NETWORK, together
from twolayer.report.certainty import Certainty
from twolayer.report.subject import Subject
from twolayer.report.verdict import CAREFUL, MAIN, TOO_FEW, Verdict, is_better, standing_of

MOST_NAMED = 6  # of more targets the first are named


def verdict_of_several(subject: Subject, sure: Certainty) -> Verdict:
    """Say for how many targets the network is good, and for which."""
    parts = {part.target: part for part in subject.parts()}
    standings = {name: standing_of(part, sure.parts[name]) for name, part in parts.items()}
    useless = [name for name, part in parts.items() if not is_better(part, sure.parts[name])]
    one = set(standings.values())
    standing = one.pop() if len(one) == 1 else CAREFUL
    sentences = [_values(subject, sure)]
    if 0 < len(useless) < len(parts):
        sentences.append(
            f"Not shown to be better than a constant guess for {_listed(useless)}: do not rely on it there."
        )
    if LINEAR in sure.scores:
        sentences.append(_against_linear(subject, sure))
    sentences.append(_how_sure(subject, sure))
    return Verdict(standing, _headline(subject, len(parts) - len(useless)), sentences)


def _headline(subject: Subject, good: int) -> str:
    count = len(subject.names)
    kind = "labels" if subject.classifies else "targets"
    which = f"{good} of {count} {kind}"
    if good == count:
        which = f"{'both' if count == 2 else f'all {count}'} {kind}"
    does = f"predicts {which}" if good else f"is not shown to predict any of {count} {kind}"
    return f"It {does} better than a constant guess would, on {subject.rows_in_words}."


def _values(subject: Subject, sure: Certainty) -> str:
    if not subject.classifies:
        values = [
            f"'{name}' {part.scores[NETWORK]['R²']:z.2f}" for name, part in sure.parts.items()
        ]
        return f"The share of variance it explains (R²; 0 is no better than the mean): {_some(values)}."
    values = [
        f"'{name}' {part.scores[NETWORK]['accuracy']:.1%} ({part.scores[CONSTANT]['accuracy']:.1%})"
        for name, part in sure.parts.items()
    ]
    return f"Right answers (in brackets, of always saying the more frequent one): {_some(values)}."


def _against_linear(subject: Subject, sure: Certainty) -> str:
    main = MAIN[subject.classifies]
    outcomes = {name: part.against(LINEAR, main) for name, part in sure.parts.items()}
    said = []
    for outcome, words in ((1, "better for"), (-1, "worse for"), (0, "not told apart for")):
        names = [name for name, one in outcomes.items() if one == outcome]
        if names:
            said.append(f"{words} {_listed(names)}")
    return f"Against a linear model of the same columns the network is {together(said)}."


def _how_sure(subject: Subject, sure: Certainty) -> str:
    main = MAIN[subject.classifies]
    known = {name: part.ranges.get(NETWORK, {}) for name, part in sure.parts.items()}
    ends = {name: ranges[main] for name, ranges in known.items() if main in ranges}
    if not ends:
        return TOO_FEW
    form = ".1%" if subject.classifies else "z.2f"
    shown = [f"'{name}' {low:{form}} to {high:{form}}" for name, (low, high) in ends.items()]
    what = "on very many rows like these it would be right on"
    if not subject.classifies:
        what = "of tables of as many rows like these, 95% would give an R² of"
    return f"How sure: {what} {_some(shown)}{' (95% sure)' if subject.classifies else ''}."


def _some(words: list[str]) -> str:
    more = len(words) - MOST_NAMED
    return ", ".join(words[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _listed(names: list[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    more = len(names) - MOST_NAMED
    return together(quoted) if more <= 0 else f"{', '.join(quoted[:MOST_NAMED])} and {more} more"
