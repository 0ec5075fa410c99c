"""The verdict in plain words: how good, against a constant guess and a linear model, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from twolayer import comparing
from twolayer.comparing import CONSTANT, LINEAR, NETWORK, rounded
from twolayer.report.certainty import Certainty
from twolayer.report.subject import Subject

MAIN = {True: "accuracy", False: "R²"}  # by which the verdict is spoken: of classes, of numbers
GOOD, CAREFUL, USELESS = "good", "careful", "useless"


@dataclass(frozen=True)
class Verdict:
    """The verdict.

    Attributes
    ----------
    standing : {"good", "careful", "useless"}
        Better than both rivals, or as good as the linear model; in doubt; not better than a constant guess.
    headline : str
    sentences : list of str
    """

    standing: str
    headline: str
    sentences: list[str]


def verdict(subject: Subject, sure: Certainty) -> Verdict:
    """Say how good the network is on these rows."""
    main = MAIN[subject.classifies]
    against = {
        name: _outcome(sure, name, main) for name in (CONSTANT, LINEAR) if name in sure.gains
    }
    standing = GOOD
    if against.get(CONSTANT, 0) <= 0:
        standing = USELESS
    elif against.get(LINEAR, 0) < 0 or not subject.held_out:
        standing = CAREFUL
    sentences = [_against_constant(subject, sure, against.get(CONSTANT, 0))]
    if LINEAR in against:
        sentences.append(_against_linear(subject, sure, against[LINEAR]))
    sentences.append(_how_sure(subject, sure, main))
    return Verdict(standing, _headline(subject, sure, main), sentences)


def _outcome(sure: Certainty, rival: str, score: str) -> int:
    """1 if the network is better than the rival on nearly all draws of the rows, -1 if worse, 0 if that is open."""
    low, high = sure.gains[rival][score]
    return 1 if low > 0 else -1 if high < 0 else 0


def _headline(subject: Subject, sure: Certainty, main: str) -> str:
    value = sure.scores[NETWORK][main]
    if subject.classifies:
        return f"It is right on {value:.1%} of {subject.rows_in_words}."
    if value <= 0:
        return f"It predicts '{subject.target}' no better than its mean would, on {subject.rows_in_words}."
    several = "s" * (len(subject.targets) > 1)
    return (
        f"It explains {value:.0%} of the variance of '{subject.target}'{' (the mean over targets)' if several else ''} "
        f"on {subject.rows_in_words}."
    )


def _against_constant(subject: Subject, sure: Certainty, outcome: int) -> str:
    ours, theirs = sure.scores[NETWORK], sure.scores[CONSTANT]
    if subject.classifies:
        guess = f"Always saying the most frequent class is right on {theirs['accuracy']:.1%}"
    else:
        guess = (
            f"Always saying the mean misses by {rounded('RMSE', theirs['RMSE'])} (root mean square), and the network by "
            f"{rounded('RMSE', ours['RMSE'])}"
        )
    end = {
        1: "the network is better, beyond what luck in these rows explains.",
        0: "that the network is better could be luck in these rows.",
        -1: "the network is worse: do not rely on it.",
    }
    return f"{guess}: {end[outcome]}"


def _against_linear(subject: Subject, sure: Certainty, outcome: int) -> str:
    name = "accuracy" if subject.classifies else "RMSE"
    ours, theirs = sure.scores[NETWORK][name], sure.scores[LINEAR][name]
    shown = f"{theirs:.1%}" if subject.classifies else rounded("RMSE", theirs)
    did = f"is right on {shown}" if subject.classifies else f"misses by {shown}"
    if outcome == 0:
        ahead = "exactly as good as" if ours == theirs else _side(name, ours > theirs)
        end = f"the network is {ahead} it, but other rows could have turned that round"
        if ours == theirs:
            end = "just as many" if subject.classifies else "just as far"
        easier = "Where both are as good, the linear one is easier to explain."
        return f"A linear model of the same columns {did}: {end}. {easier}"
    if outcome > 0:
        return (
            f"A linear model of the same columns {did}: the network is better, beyond what luck in these rows explains. "
            "What it adds are bends and interactions."
        )
    return f"A linear model of the same columns {did}: it is better than the network. Prefer it, or try a larger --alpha."


def _side(name: str, higher: bool) -> str:
    """`better than` or `worse than`."""
    return "better than" if higher == comparing.HIGHER_IS_BETTER[name] else "worse than"


def _how_sure(subject: Subject, sure: Certainty, main: str) -> str:
    if NETWORK not in sure.ranges:
        return "These rows are too few to say how sure that is."
    low, high = sure.ranges[NETWORK][main]
    if subject.classifies and sure.scores[NETWORK][main] == 1.0:
        return (
            f"How sure: no row was wrong, and of so few the true share could still be as low as {low:.1%} (95% sure)."
            if len(subject.y) < 1000
            else f"How sure: no row was wrong; the true share is {low:.1%} at least (95% sure)."
        )
    ends = f"{low:.1%} and {high:.1%}" if subject.classifies else f"{low:.2f} and {high:.2f}"
    what = (
        "find it right on" if subject.classifies else "give an R² (the share of variance explained)"
    )
    return f"How sure: of tables of as many rows like these, 95% would {what} between {ends}."
