"""The verdict in plain words: how good, against a constant guess and a linear model, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from twolayer.evaluation.assessment import Assessment
from twolayer.evaluation.baselines import CONSTANT, LINEAR, NETWORK
from twolayer.evaluation.score_intervals import ScoreIntervals
from twolayer.evaluation.scores import HIGHER_IS_BETTER, format_score
from twolayer.text import first_names, join_words

MAX_TARGETS_NAMED = 6  # of more targets the first are named
MAIN_SCORE = {
    True: "accuracy",
    False: "R²",
}  # by which the verdict is spoken: of classes, of numbers
TOO_FEW_ROWS_TEXT = "These rows are too few, or too much alike, to say how sure that is."
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


def verdict(subject: Assessment, sure: ScoreIntervals) -> Verdict:
    """Say how good the network is on these rows."""
    if subject.several:
        return per_target_verdict(subject, sure)
    main = MAIN_SCORE[subject.classifies]
    standing = verdict_standing(subject, sure)
    sentences = [_against_constant(subject, sure)]
    if LINEAR in sure.scores:
        sentences.append(_against_linear(subject, sure, sure.against(LINEAR, main)))
    sentences.append(_interval_sentence(subject, sure, main))
    return Verdict(standing, _headline(subject, sure, main), sentences)


def verdict_standing(subject: Assessment, sure: ScoreIntervals) -> str:
    """Green, amber or red."""
    main = MAIN_SCORE[subject.classifies]
    if CONSTANT not in sure.gains or subject.only_class is not None:
        return CAREFUL  # of too few rows, or too much alike, nothing is known
    if not beats_constant(subject, sure):
        return USELESS
    in_doubt = bool(unproven_scores(sure)) or sure.against(LINEAR, main) < 0
    return CAREFUL if in_doubt or not subject.held_out else GOOD


def unproven_scores(sure: ScoreIntervals) -> list[str]:
    """The scores in which it is not shown to be better than the constant guess."""
    return [name for name in sure.scores[NETWORK] if sure.against(CONSTANT, name) <= 0]


def beats_constant(subject: Assessment, sure: ScoreIntervals) -> bool:
    """Whether it is shown to be better than a constant guess."""
    return sure.against(CONSTANT, MAIN_SCORE[subject.classifies]) > 0 or separates_classes(sure)


def separates_classes(sure: ScoreIntervals) -> bool:
    """Whether it finds the classes more evenly, or gives better probabilities, than a guess that always says the same.

    Where one class is rare, saying the other is right nearly always: accuracy alone would call a useful model useless.
    """
    scores = ("balanced accuracy", "log loss")
    return any(sure.against(CONSTANT, score) > 0 for score in scores)


def _headline(subject: Assessment, sure: ScoreIntervals, main: str) -> str:
    value = sure.scores[NETWORK][main]
    if subject.classifies:
        return f"It is right on {value:.1%} of {subject.rows_in_words}."
    if value <= 0:
        return f"It predicts '{subject.target}' no better than its mean would, on {subject.rows_in_words}."
    return (
        f"It explains {value:.0%} of the variance of '{subject.target}' on {subject.rows_in_words}."
    )


def _against_constant(subject: Assessment, sure: ScoreIntervals) -> str:
    ours, theirs = sure.scores[NETWORK], sure.scores[CONSTANT]
    outcome = sure.against(CONSTANT, MAIN_SCORE[subject.classifies])
    if subject.only_class is not None:
        return f"All rows are of class '{subject.only_class}': whether it tells that class from others, they cannot show."
    if subject.classifies:
        guess = f"Always saying the most frequent class of these rows is right on {theirs['accuracy']:.1%}"
    else:
        guess = (
            f"Always saying the mean of these rows misses by {format_score('RMSE', theirs['RMSE'])} (root "
            "mean square), and the "
            f"network by {format_score('RMSE', ours['RMSE'])}"
        )
    if outcome <= 0 and separates_classes(sure):
        return f"{guess}: the network is not shown to be right more often. {_merits(sure)}{_reservations(sure)}"
    end = {
        1: "the network is better, beyond what luck in these rows explains.",
        0: "that the network is better could be luck in these rows.",
        -1: "the network is worse: do not rely on it.",
    }
    name = "accuracy" if subject.classifies else "RMSE"
    if outcome == 0 and _printed_order(name, ours[name], theirs[name]) <= 0:
        return f"{guess}: the network is no better."
    return f"{guess}: {end[outcome]}{_reservations(sure) if outcome > 0 else ''}"


def _reservations(sure: ScoreIntervals) -> str:
    """What speaks against it all the same."""
    ours, theirs = sure.scores[NETWORK], sure.scores[CONSTANT]
    doubtful = unproven_scores(sure)
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


def _merits(sure: ScoreIntervals) -> str:
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


def _against_linear(subject: Assessment, sure: ScoreIntervals, outcome: int) -> str:
    name = "accuracy" if subject.classifies else "RMSE"
    ours, theirs = sure.scores[NETWORK][name], sure.scores[LINEAR][name]
    shown = f"{theirs:.1%}" if subject.classifies else format_score("RMSE", theirs)
    did = f"is right on {shown}" if subject.classifies else f"misses by {shown}"
    if outcome == 0:
        ahead = _printed_order(name, ours, theirs)
        side = "better" if ahead > 0 else "worse"
        end = f"the network is {side} than it, but other rows could have turned that round"
        if ahead == 0:
            end = "just as many" if subject.classifies else "just as far"
        easier = " Where both are as good, the linear one is easier to explain."
        easier = easier if beats_constant(subject, sure) else ""
        return f"A linear model of the same columns {did}: {end}.{easier}"
    if outcome > 0:
        return (
            f"A linear model of the same columns {did}: the network is better, beyond what luck in these rows explains. "
            "What it adds are bends and interactions."
        )
    return f"A linear model of the same columns {did}: it is better than the network. Prefer it, or try a larger --alpha."


def _printed_order(name: str, ours: float, theirs: float) -> int:
    """1 if our score is better than theirs as they are printed, -1 if worse, 0 if both are printed alike."""
    if format_score(name, ours) == format_score(name, theirs):
        return 0
    return 1 if (ours > theirs) == HIGHER_IS_BETTER[name] else -1


def _group_interval_sentence(subject: Assessment, main: str, low: float, high: float) -> str:
    what = f"be right on {low:.1%} to {high:.1%}"
    if not subject.classifies:
        what = f"have an R² (the share of variance explained) between {low:z.2f} and {high:z.2f}"
    return (
        f"How sure: on as many groups like these {subject.groups_in_words}, it would {what} (about 95% sure; rows of one "
        "group are no witnesses of their own, so whole groups were drawn again)."
    )


def _interval_sentence(subject: Assessment, sure: ScoreIntervals, main: str) -> str:
    if main not in sure.ranges.get(NETWORK, {}):
        return TOO_FEW_ROWS_TEXT
    low, high = sure.ranges[NETWORK][main]
    if subject.groups is not None:
        return _group_interval_sentence(subject, main, low, high)
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


# Several targets: each is judged by itself, as a mean over them would hide which are good.


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
            f"Not shown to be better than a constant guess for {_quoted(useless)}: do not rely on it there."
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
        return f"The share of variance it explains (R²; 0 is no better than the mean): {_shown(values)}."
    values = [
        f"'{name}' {part.scores[NETWORK]['accuracy']:.1%} ({part.scores[CONSTANT]['accuracy']:.1%})"
        for name, part in sure.parts.items()
    ]
    return f"Right answers (in brackets, of always saying the more frequent one): {_shown(values)}."


def _per_target_against_linear(subject: Assessment, sure: ScoreIntervals) -> str:
    main = MAIN_SCORE[subject.classifies]
    outcomes = {name: part.against(LINEAR, main) for name, part in sure.parts.items()}
    said = []
    for outcome, words in ((1, "better for"), (-1, "worse for"), (0, "not told apart for")):
        names = [name for name, one in outcomes.items() if one == outcome]
        if names:
            said.append(f"{words} {_quoted(names)}")
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
    return f"How sure: {what} {_shown(shown)}{' (95% sure)' if subject.classifies else ''}."


def _quoted(names: list[str]) -> str:
    return first_names(names, MAX_TARGETS_NAMED)


def _shown(values: list[str]) -> str:
    return first_names(values, MAX_TARGETS_NAMED, quote="")
