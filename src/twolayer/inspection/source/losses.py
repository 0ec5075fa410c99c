"""How each loss is written in the program. One without lines of its own here is shown through its methods."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twolayer.inspection.source import SourceLine
from twolayer.inspection.wording import Both
from twolayer.maths.losses import LogLoss, Loss, SquaredError, SumOfSquares


class LossLines(NamedTuple):
    """How a loss is written: one expression for its elements, one for its gradient, and what they need first."""

    elements: str
    meaning: Both
    gradient: str
    gradient_meaning: Both
    equation: str
    before: tuple[SourceLine, ...] = ()
    before_gradient: tuple[SourceLine, ...] = ()


SUM_OF_SQUARES = LossLines(
    "np.square(y_pred - y)",
    Both(
        en="The loss: subtract the targets from the predictions, square every difference, add them all up to one "
        "number. The smaller, the better.",
        zh="损失：预测值减去目标值，每个差取平方，再全部加成一个数。越小越好。",
    ),
    "2.0 * (y_pred - y)",
    Both(
        en="How fast the loss grows with each prediction: the derivative of a square is twice the difference.",
        zh="损失随每个预测值变化的快慢：平方的导数等于差的两倍。",
    ),
    "∂loss/∂y_pred = 2·(y_pred − y)",
)

SQUARED_ERROR = LossLines(
    "0.5 * np.square(y_pred - y)",
    Both(
        en="The loss: half the square of every difference between prediction and target, added up over the outputs, "
        "averaged over the rows.",
        zh="损失：预测值与目标值之差的平方的一半，对各个输出求和，再对各行取平均。",
    ),
    "(y_pred - y)",
    Both(
        en="How fast the loss grows with each prediction: the derivative of half a square is the difference.",
        zh="损失随每个预测值变化的快慢：平方的一半的导数就是差本身。",
    ),
    "∂loss/∂y_pred = (y_pred − y) / n_rows",
)

LOG_LOSS_OF_ONE = LossLines(
    "(np.logaddexp(0, y_pred) - y * y_pred)",
    Both(
        en="The loss: minus the logarithm of the probability that the network gives to the true class, "
        "averaged over the rows.",
        zh="损失：网络给真实类别的概率的对数取负，再对各行取平均。",
    ),
    "(p - y)",
    Both(
        en="How fast the loss grows with each output: the probability minus the truth.",
        zh="损失随每个输出变化的快慢：预测的概率减去真实值。",
    ),
    "∂loss/∂y_pred = (p − y) / n_rows",
    before_gradient=(
        SourceLine(
            "backward",
            "p = 0.5 * (1 + np.tanh(0.5 * y_pred))",
            Both(
                en="The probability of class 1: 1 / (1 + exp(−y_pred)), written so that it cannot overflow.",
                zh="类别 1 的概率：1 / (1 + exp(−y_pred))，写成不会溢出的等价形式。",
            ),
        ),
    ),
)

LOG_LOSS_OF_SEVERAL = LossLines(
    "(-y * log_p)",
    Both(
        en="The loss: minus the logarithm of the probability that the network gives to the true class, "
        "averaged over the rows.",
        zh="损失：网络给真实类别的概率的对数取负，再对各行取平均。",
    ),
    "(p - y)",
    Both(
        en="How fast the loss grows with each output: the probability minus the truth.",
        zh="损失随每个输出变化的快慢：预测的概率减去真实值。",
    ),
    "∂loss/∂y_pred = (p − y) / n_rows",
    before=(
        SourceLine(
            "loss",
            "shifted = y_pred - y_pred.max(axis=1, keepdims=True)",
            Both(
                en="Each row's largest output is subtracted from the row: the probabilities stay the same, and exp "
                "cannot overflow.",
                zh="每一行减去该行最大的输出：概率不变，而 exp 不会溢出。",
            ),
            beside="y_pred",
        ),
        SourceLine(
            "loss",
            "exp_shifted = np.exp(shifted)",
            Both(
                en="exp makes every output positive.",
                zh="exp 把每个输出变成正数。",
            ),
        ),
        SourceLine(
            "loss",
            "row_sum = exp_shifted.sum(axis=1, keepdims=True)",
            Both(
                en="The sum of each row, kept as a column.",
                zh="每一行之和，保留为一列。",
            ),
        ),
        SourceLine(
            "loss",
            "log_p = shifted - np.log(row_sum)",
            Both(
                en="The logarithm of each class's probability (softmax).",
                zh="每个类别的概率（softmax）的对数。",
            ),
        ),
    ),
    before_gradient=(
        SourceLine(
            "backward",
            "p = exp_shifted / row_sum",
            Both(
                en="The probability of each class: positive numbers that add up to 1 in every row.",
                zh="每个类别的概率：都是正数，每一行加起来等于 1。",
            ),
        ),
    ),
)

ANY_LOSS = Both(
    en="The loss: one number that says how far the predictions are from the targets.",
    zh="损失：用一个数表示预测值离目标值有多远。",
)
ANY_LOSS_GRADIENT = Both(
    en="How fast the loss grows with each prediction.",
    zh="损失随每个预测值变化的快慢。",
)


def loss_lines(rule: Loss, y: np.ndarray) -> LossLines | None:
    """How this loss is written for these targets; None if only its methods say."""
    if type(rule) is LogLoss:
        if y.shape[1] == 1:
            return LOG_LOSS_OF_ONE
        if (y.sum(axis=1) == 1).all():
            return LOG_LOSS_OF_SEVERAL
        return LOG_LOSS_OF_SEVERAL._replace(gradient="(p * y.sum(axis=1, keepdims=True) - y)")
    return {SumOfSquares: SUM_OF_SQUARES, SquaredError: SQUARED_ERROR}.get(type(rule))


def lines_of_loss(
    rule: Loss, y: np.ndarray, weighted: bool, rows: str
) -> tuple[tuple[SourceLine, ...], SourceLine, list[SourceLine]]:
    """What comes before the loss; the loss; its gradient by `y_pred`, with what that needs first."""
    written = loss_lines(rule, y)
    if written is None:
        s = "s" if weighted else "None"
        loss = SourceLine("loss", f"loss = loss_function.value(y_pred, y, {s}, {rows})", ANY_LOSS)
        code = f"grad_y_pred = loss_function.grad_y_pred(y_pred, y, {s}, {rows})"
        return (), loss, [SourceLine("backward", code, ANY_LOSS_GRADIENT)]
    elements, gradient = written.elements, written.gradient
    if weighted:
        elements, gradient = f"({elements} * s[:, None])", f"{gradient} * s[:, None]"
    divided = "" if rule.is_sum else f" / {rows}"
    loss = SourceLine("loss", f"loss = {elements}.sum(){divided}", written.meaning)
    grad_y_pred = SourceLine(
        "backward",
        f"grad_y_pred = {gradient}{divided}",
        written.gradient_meaning,
        written.equation,
    )
    return written.before, loss, [*written.before_gradient, grad_y_pred]
