"""The verdict in plain words: how good, against a constant guess and a linear model, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from twolayer import comparing
from twolayer.comparing import CONSTANT, LINEAR, NETWORK, rounded
from twolayer.report.certainty import Certainty
from twolayer.report.subject import Subject

MAIN = {True: "accuracy", False: "R²"}  # by which the verdict is spoken: of classes, of numbers
TOO_FEW = "These rows are too few, or too much alike, to say how sure that is."
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
    if subject.several:
        from twolayer.report.several import verdict_of_several

        return verdict_of_several(subject, sure)
    main = MAIN[subject.classifies]
    standing = standing_of(subject, sure)
    sentences = [_against_constant(subject, sure)]
    if LINEAR in sure.scores:
        sentences.append(_against_linear(subject, sure, sure.against(LINEAR, main)))
    sentences.append(_how_sure(subject, sure, main))
    return Verdict(standing, _headline(subject, sure, main), sentences)


def standing_of(subject: Subject, sure: Certainty) -> str:
    """Green, amber or red."""
    main = MAIN[subject.classifies]
    if CONSTANT not in sure.gains or subject.only_class is not None:
        return CAREFUL  # of too few rows, or too much alike, nothing is known
    if not is_better(subject, sure):
        return USELESS
    in_doubt = bool(not_shown(sure)) or sure.against(LINEAR, main) < 0
    return CAREFUL if in_doubt or not subject.held_out else GOOD


def not_shown(sure: Certainty) -> list[str]:
    """The scores in which it is not shown to be better than the constant guess."""
    return [name for name in sure.scores[NETWORK] if sure.against(CONSTANT, name) <= 0]


def is_better(subject: Subject, sure: Certainty) -> bool:
    """Whether it is shown to be better than a constant guess."""
    return sure.against(CONSTANT, MAIN[subject.classifies]) > 0 or tells_apart(sure)


def tells_apart(sure: Certainty) -> bool:
    """Whether it finds the classes more evenly, or gives better probabilities, than a guess that always says the same.

    Where one class is rare, saying the other is right nearly always: accuracy alone would call a useful model useless.
    """
    scores = ("balanced accuracy", "log loss")
    return any(sure.against(CONSTANT, score) > 0 for score in scores)


def _headline(subject: Subject, sure: Certainty, main: str) -> str:
    value = sure.scores[NETWORK][main]
    if subject.classifies:
        return f"It is right on {value:.1%} of {subject.rows_in_words}."
    if value <= 0:
        return f"It predicts '{subject.target}' no better than its mean would, on {subject.rows_in_words}."
    return (
        f"It explains {value:.0%} of the variance of '{subject.target}' on {subject.rows_in_words}."
    )


def _against_constant(subject: Subject, sure: Certainty) -> str:
    ours, theirs = sure.scores[NETWORK], sure.scores[CONSTANT]
    outcome = sure.against(CONSTANT, MAIN[subject.classifies])
    if subject.only_class is not None:
        return f"All rows are of class '{subject.only_class}': whether it tells that class from others, they cannot show."
    if subject.classifies:
        guess = f"Always saying the most frequent class of these rows is right on {theirs['accuracy']:.1%}"
    else:
        guess = (
            f"Always saying the mean of these rows misses by {rounded('RMSE', theirs['RMSE'])} (root mean square), and the "
            f"network by {rounded('RMSE', ours['RMSE'])}"
        )
    if outcome <= 0 and tells_apart(sure):
        return f"{guess}: the network is not shown to be right more often. {_yet(sure)}{_but(sure)}"
    end = {
        1: "the network is better, beyond what luck in these rows explains.",
        0: "that the network is better could be luck in these rows.",
        -1: "the network is worse: do not rely on it.",
    }
    name = "accuracy" if subject.classifies else "RMSE"
    if outcome == 0 and _ahead(name, ours[name], theirs[name]) <= 0:
        return f"{guess}: the network is no better."
    return f"{guess}: {end[outcome]}{_but(sure) if outcome > 0 else ''}"


def _but(sure: Certainty) -> str:
    """What speaks against it all the same."""
    ours, theirs = sure.scores[NETWORK], sure.scores[CONSTANT]
    doubtful = not_shown(sure)
    told = ""
    if "balanced accuracy" in doubtful:
        told += (
            f" But that it tells the classes apart is not shown: of each class it finds {ours['balanced accuracy']:.1%} on "
            f"average, where a guess finds {theirs['balanced accuracy']:.1%}."
        )
    if "log loss" in doubtful:
        worse = ours["log loss"] > theirs["log loss"]
        than = "worse than" if worse else "not shown to be better than"
        told += (
            f" But its probabilities are {than} the mere shares of the classes (log loss {ours['log loss']:.3f} against "
            f"{theirs['log loss']:.3f}): do not rely on how sure it says it is."
        )
    return told


def _yet(sure: Certainty) -> str:
    """What speaks for it all the same."""
    ours, theirs = sure.scores[NETWORK], sure.scores[CONSTANT]
    if sure.against(CONSTANT, "balanced accuracy") > 0:
        return (
            f"Yet it tells the classes apart, beyond luck: of each class it finds {ours['balanced accuracy']:.1%} on "
            f"average, where a guess finds {theirs['balanced accuracy']:.1%}."
        )
    return (
        f"Yet its probabilities are better than the mere shares of the classes, beyond luck (log loss "
        f"{ours['log loss']:.3f} against {theirs['log loss']:.3f}): look at these rather than at the class it names."
    )


def _against_linear(subject: Subject, sure: Certainty, outcome: int) -> str:
    name = "accuracy" if subject.classifies else "RMSE"
    ours, theirs = sure.scores[NETWORK][name], sure.scores[LINEAR][name]
    shown = f"{theirs:.1%}" if subject.classifies else rounded("RMSE", theirs)
    did = f"is right on {shown}" if subject.classifies else f"misses by {shown}"
    if outcome == 0:
        ahead = _ahead(name, ours, theirs)
        side = "better" if ahead > 0 else "worse"
        end = f"the network is {side} than it, but other rows could have turned that round"
        if ahead == 0:
            end = "just as many" if subject.classifies else "just as far"
        easier = " Where both are as good, the linear one is easier to explain."
        easier = easier if is_better(subject, sure) else ""
        return f"A linear model of the same columns {did}: {end}.{easier}"
    if outcome > 0:
        return (
            f"A linear model of the same columns {did}: the network is better, beyond what luck in these rows explains. "
            "What it adds are bends and interactions."
        )
    return f"A linear model of the same columns {did}: it is better than the network. Prefer it, or try a larger --alpha."


def _ahead(name: str, ours: float, theirs: float) -> int:
    """1 if our score is better than theirs as they are printed, -1 if worse, 0 if both are printed alike."""
    if rounded(name, ours) == rounded(name, theirs):
        return 0
    return 1 if (ours > theirs) == comparing.HIGHER_IS_BETTER[name] else -1


def _how_sure_of_groups(subject: Subject, main: str, low: float, high: float) -> str:
    what = f"be right on {low:.1%} to {high:.1%}"
    if not subject.classifies:
        what = f"have an R² (the share of variance explained) between {low:z.2f} and {high:z.2f}"
    return (
        f"How sure: on as many groups like these {subject.groups_in_words}, it would {what} (about 95% sure; rows of one "
        "group are no witnesses of their own, so whole groups were drawn again)."
    )


def _how_sure(subject: Subject, sure: Certainty, main: str) -> str:
    if main not in sure.ranges.get(NETWORK, {}):
        return TOO_FEW
    low, high = sure.ranges[NETWORK][main]
    if subject.groups is not None:
        return _how_sure_of_groups(subject, main, low, high)
    if not subject.classifies:
        return (
            f"How sure: of tables of as many rows like these, 95% would give an R² (the share of variance explained) "
            f"between {low:z.2f} and {high:z.2f}."
        )
    if sure.scores[NETWORK][main] < 1.0:
        return f"How sure: on very many rows like these it would be right on {low:.1%} to {high:.1%} (95% sure)."
    few = (
        "of so few the true share could still be as low as"
        if len(subject.y) < 1000
        else "the true share is at least"
    )
    return f"How sure: no row was wrong, and {few} {low:.1%} (95% sure)."
