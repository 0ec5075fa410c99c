"""The verdict on a model of several targets: each is judged by itself, as a mean over them would hide which are good."""

from __future__ import annotations

from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.baselines import CONSTANT, LINEAR, NETWORK, join_words
from twolayer.evaluation.score_intervals import ScoreIntervals
from twolayer.evaluation.verdict import (
    CAREFUL,
    MAIN_SCORE,
    TOO_FEW_ROWS_TEXT,
    Verdict,
    beats_constant,
    verdict_standing,
)

MAX_TARGETS_NAMED = 6  # of more targets the first are named


def per_target_verdict(subject: Assessment, sure: ScoreIntervals) -> Verdict:
    """Say for how many targets the network is good, and for which."""
    parts = {part.target: part for part in subject.parts()}
    standings = {name: verdict_standing(part, sure.parts[name]) for name, part in parts.items()}
    useless = [name for name, part in parts.items() if not beats_constant(part, sure.parts[name])]
    one = set(standings.values())
    standing = one.pop() if len(one) == 1 else CAREFUL
    sentences = [_per_target_values(subject, sure)]
    if 0 < len(useless) < len(parts):
        sentences.append(
            f"Not shown to be better than a constant guess for {_quoted_list(useless)}: do not rely on it there."
        )
    if LINEAR in sure.scores:
        sentences.append(_per_target_against_linear(subject, sure))
    sentences.append(_per_target_interval(subject, sure))
    return Verdict(standing, _per_target_headline(subject, len(parts) - len(useless)), sentences)


def _per_target_headline(subject: Assessment, good: int) -> str:
    count = len(subject.names)
    kind = "labels" if subject.classifies else "targets"
    which = f"{good} of {count} {kind}"
    if good == count:
        which = f"{'both' if count == 2 else f'all {count}'} {kind}"
    does = f"predicts {which}" if good else f"is not shown to predict any of {count} {kind}"
    return f"It {does} better than a constant guess would, on {subject.rows_in_words}."


def _per_target_values(subject: Assessment, sure: ScoreIntervals) -> str:
    if not subject.classifies:
        values = [
            f"'{name}' {part.scores[NETWORK]['R²']:z.2f}" for name, part in sure.parts.items()
        ]
        return f"The share of variance it explains (R²; 0 is no better than the mean): {_first_few(values)}."
    values = [
        f"'{name}' {part.scores[NETWORK]['accuracy']:.1%} ({part.scores[CONSTANT]['accuracy']:.1%})"
        for name, part in sure.parts.items()
    ]
    return f"Right answers (in brackets, of always saying the more frequent one): {_first_few(values)}."


def _per_target_against_linear(subject: Assessment, sure: ScoreIntervals) -> str:
    main = MAIN_SCORE[subject.classifies]
    outcomes = {name: part.against(LINEAR, main) for name, part in sure.parts.items()}
    said = []
    for outcome, words in ((1, "better for"), (-1, "worse for"), (0, "not told apart for")):
        names = [name for name, one in outcomes.items() if one == outcome]
        if names:
            said.append(f"{words} {_quoted_list(names)}")
    return f"Against a linear model of the same columns the network is {join_words(said)}."


def _per_target_interval(subject: Assessment, sure: ScoreIntervals) -> str:
    main = MAIN_SCORE[subject.classifies]
    known = {name: part.ranges.get(NETWORK, {}) for name, part in sure.parts.items()}
    ends = {name: ranges[main] for name, ranges in known.items() if main in ranges}
    if not ends:
        return TOO_FEW_ROWS_TEXT
    form = ".1%" if subject.classifies else "z.2f"
    shown = [f"'{name}' {low:{form}} to {high:{form}}" for name, (low, high) in ends.items()]
    what = "on very many rows like these it would be right on"
    if not subject.classifies:
        what = "of tables of as many rows like these, 95% would give an R² of"
    return f"How sure: {what} {_first_few(shown)}{' (95% sure)' if subject.classifies else ''}."


def _first_few(words: list[str]) -> str:
    more = len(words) - MAX_TARGETS_NAMED
    return ", ".join(words[:MAX_TARGETS_NAMED]) + (f" and {more} more" if more > 0 else "")


def _quoted_list(names: list[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    more = len(names) - MAX_TARGETS_NAMED
    return (
        join_words(quoted)
        if more <= 0
        else f"{', '.join(quoted[:MAX_TARGETS_NAMED])} and {more} more"
    )
