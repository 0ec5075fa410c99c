"""The lines of each loss in the program. Any other loss is shown through its methods."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twolayer.maths.losses import (
    AbsoluteError,
    BinaryLogLoss,
    Huber,
    LogLoss,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
    SumOfSquares,
)
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.source import SourceLine


class LossLines(NamedTuple):
    """How a loss is written: an expression for its elements, one for its gradient, and the lines they need first."""

    elements: str
    meaning: Bilingual
    gradient: str
    gradient_meaning: Bilingual
    equation: str
    before: tuple[SourceLine, ...] = ()
    before_gradient: tuple[SourceLine, ...] = ()


SUM_OF_SQUARES = LossLines(
    "np.square(y_pred - y)",
    Bilingual(
        en="The loss: subtract the targets from the predictions, square every difference, add them all up to one "
        "number. The smaller, the better.",
        zh="损失：预测值减去目标值，每个差取平方，再全部加成一个数。越小越好。",
    ),
    "2.0 * (y_pred - y)",
    Bilingual(
        en="How fast the loss grows with each prediction: the derivative of a square is twice the difference.",
        zh="损失随每个预测值变化的快慢：平方的导数等于差的两倍。",
    ),
    "∂loss/∂y_pred = 2·(y_pred − y)",
)

SQUARED_ERROR = LossLines(
    "0.5 * np.square(y_pred - y)",
    Bilingual(
        en="The loss: half the square of every difference between prediction and target, added up over the outputs, "
        "averaged over the rows.",
        zh="损失：预测值与目标值之差的平方的一半，对各个输出求和，再对各行取平均。",
    ),
    "(y_pred - y)",
    Bilingual(
        en="How fast the loss grows with each prediction: the derivative of half a square is the difference.",
        zh="损失随每个预测值变化的快慢：平方的一半的导数就是差本身。",
    ),
    "∂loss/∂y_pred = (y_pred − y) / n_rows",
)

PROBABILITY_MINUS_TRUTH = Bilingual(
    en="How fast the loss grows with each output: the probability minus the truth.",
    zh="损失随每个输出变化的快慢：预测的概率减去真实值。",
)
LOG_LOSS_OF_ONE = LossLines(
    "(np.logaddexp(0, y_pred) - y * y_pred)",
    Bilingual(
        en="The loss: minus the logarithm of the probability that the network gives to the true class, "
        "averaged over the rows.",
        zh="损失：网络给真实类别的概率的对数取负，再对各行取平均。",
    ),
    "(p - y)",
    PROBABILITY_MINUS_TRUTH,
    "∂loss/∂y_pred = (p − y) / n_rows",
    before_gradient=(
        SourceLine(
            "backward",
            "p = 0.5 * (1 + np.tanh(0.5 * y_pred))",
            en="The probability of class 1: 1 / (1 + exp(−y_pred)), written so that it cannot overflow.",
            zh="类别 1 的概率：1 / (1 + exp(−y_pred))，写成不会溢出的等价形式。",
        ),
    ),
)

LOG_LOSS_OF_SEVERAL = LossLines(
    "(-y * log_p)",
    Bilingual(
        en="The loss: minus the logarithm of the probability that the network gives to the true class, "
        "averaged over the rows.",
        zh="损失：网络给真实类别的概率的对数取负，再对各行取平均。",
    ),
    "(p - y)",
    PROBABILITY_MINUS_TRUTH,
    "∂loss/∂y_pred = (p − y) / n_rows",
    before=(
        SourceLine(
            "loss",
            "shifted = y_pred - y_pred.max(axis=1, keepdims=True)",
            en="Each row's largest output is subtracted from the row: the probabilities stay the same, and exp "
            "cannot overflow.",
            zh="每一行减去该行最大的输出：概率不变，而 exp 不会溢出。",
            origin="y_pred",
        ),
        SourceLine(
            "loss",
            "exp_shifted = np.exp(shifted)",
            en="exp makes every output positive.",
            zh="exp 把每个输出变成正数。",
        ),
        SourceLine(
            "loss",
            "row_sum = exp_shifted.sum(axis=1, keepdims=True)",
            en="The sum of each row, kept as a column.",
            zh="每一行之和，保留为一列。",
        ),
        SourceLine(
            "loss",
            "log_p = shifted - np.log(row_sum)",
            en="The logarithm of each class's probability (softmax).",
            zh="每个类别的概率（softmax）的对数。",
        ),
    ),
    before_gradient=(
        SourceLine(
            "backward",
            "p = exp_shifted / row_sum",
            en="The probability of each class: positive numbers that add up to 1 in every row.",
            zh="每个类别的概率：都是正数，每一行加起来等于 1。",
        ),
    ),
)

BINARY_LOG_LOSS = LOG_LOSS_OF_ONE._replace(
    meaning=Bilingual(
        en="The loss: minus the logarithm of the probability that the network gives to the true value of each label, added "
        "up over the labels, averaged over the rows.",
        zh="损失：对每个标签，取网络给真实情况的概率的对数的相反数；对各个标签求和，再对各行取平均。",
    ),
    before_gradient=(
        LOG_LOSS_OF_ONE.before_gradient[0]._replace(
            en="The probability of each label: 1 / (1 + exp(−y_pred)), written so that it cannot overflow.",
            zh="每个标签的概率：1 / (1 + exp(−y_pred))，写成不会溢出的等价形式。",
        ),
    ),
)

ABSOLUTE_ERROR = LossLines(
    "np.abs(y_pred - y)",
    Bilingual(
        en="The loss: the absolute difference between prediction and target, added up over the outputs, averaged over "
        "the rows.",
        zh="损失：预测值与目标值之差的绝对值，对各个输出求和，再对各行取平均。",
    ),
    "np.sign(y_pred - y)",
    Bilingual(
        en="How fast the loss grows with each prediction: 1 where it is too high, −1 where it is too low, 0 "
        "where it is exact.",
        zh="损失随每个预测值变化的快慢：偏高处为 1，偏低处为 −1，恰好相等处为 0。",
    ),
    "∂loss/∂y_pred = sign(y_pred − y) / n_rows",
)

POISSON = LossLines(
    "(np.exp(y_pred) - y * y_pred)",
    Bilingual(
        en="The loss: minus the log likelihood of the counts, whose expected value is exp(y_pred), without the terms that "
        "do not depend on the weights; added up over the outputs, averaged over the rows.",
        zh="损失：计数的负对数似然，计数的期望是 exp(y_pred)，略去与权重无关的项；对各个输出求和，再对各行取平均。",
    ),
    "(np.exp(y_pred) - y)",
    Bilingual(
        en="How fast the loss grows with each output: the expected count minus the true one.",
        zh="损失随每个输出变化的快慢：期望的计数减去真实的计数。",
    ),
    "∂loss/∂y_pred = (exp(y_pred) − y) / n_rows",
)


def huber_lines(delta: float) -> LossLines:
    """Return Huber's loss with its delta as a number."""
    return LossLines(
        "(clipped * ((y_pred - y) - 0.5 * clipped))",
        Bilingual(
            en="The loss: half the square of a small difference, and linear beyond; added up over the outputs, "
            "averaged over the rows.",
            zh="损失：差较小时是平方的一半，再往外是一条直线；对各个输出求和，再对各行取平均。",
        ),
        "clipped",
        Bilingual(
            en="How fast the loss grows with each prediction: the clipped difference, so that no row has a larger effect.",
            zh="损失随每个预测值变化的快慢：就是截断后的差，所以没有哪一行的拉力能超过它。",
        ),
        "∂loss/∂y_pred = clipped / n_rows",
        before=(
            SourceLine(
                "loss",
                f"clipped = np.clip(y_pred - y, -{delta!r}, {delta!r})",
                en="Every difference between prediction and target, but none larger than delta.",
                zh="预测值与目标值之差，但大小不超过 delta。",
                origin="y_pred",
            ),
        ),
    )


def quantile_lines(level: float) -> LossLines:
    """Return the quantile loss with its level as a number."""
    price = f"(0.5 + (0.5 - {level!r}) * np.sign(y_pred - y))"
    return LossLines(
        f"({price} * np.abs(y_pred - y))",
        Bilingual(
            en="The loss: every difference between prediction and target, times level where the prediction is too low and "
            "times 1 − level where it is too high; added up over the outputs, averaged over the rows.",
            zh="损失：预测值与目标值之差，偏低处乘以 level，偏高处乘以 1 − level；对各个输出求和，再对各行取平均。",
        ),
        f"{price} * np.sign(y_pred - y)",
        Bilingual(
            en="How fast the loss grows with each prediction: 1 − level where it is too high, −level where it is too low, 0 "
            "where it is exact.",
            zh="损失随每个预测值变化的快慢：偏高处为 1 − level，偏低处为 −level，恰好相等处为 0。",
        ),
        "∂loss/∂y_pred = (1 − level or −level) / n_rows",
    )


LOSS_LINES: dict[type[Loss], LossLines] = {
    SumOfSquares: SUM_OF_SQUARES,
    SquaredError: SQUARED_ERROR,
    AbsoluteError: ABSOLUTE_ERROR,
    Poisson: POISSON,
    BinaryLogLoss: BINARY_LOG_LOSS,
}

ANY_LOSS = Bilingual(
    en="The loss: one number that says how far the predictions are from the targets.",
    zh="损失：用一个数表示预测值离目标值有多远。",
)
ANY_LOSS_GRADIENT = Bilingual(
    en="How fast the loss grows with each prediction.",
    zh="损失随每个预测值变化的快慢。",
)


def loss_lines(rule: Loss, y: np.ndarray) -> LossLines | None:
    """Return how a loss is written for these targets; None if it is shown through its methods."""
    if type(rule) is LogLoss:
        if y.shape[1] == 1:
            return LOG_LOSS_OF_ONE
        if (y.sum(axis=1) == 1).all():
            return LOG_LOSS_OF_SEVERAL
        return LOG_LOSS_OF_SEVERAL._replace(gradient="(p * y.sum(axis=1, keepdims=True) - y)")
    if type(rule) is Huber:
        return huber_lines(rule.delta)
    if type(rule) is Quantile:
        return quantile_lines(rule.level)
    return LOSS_LINES.get(type(rule))


def lines_of_loss(
    rule: Loss, y: np.ndarray, weighted: bool, rows: str
) -> tuple[tuple[SourceLine, ...], SourceLine, list[SourceLine]]:
    """Return the lines before the loss, the loss, and its gradient by `y_pred` with the lines that needs."""
    written = loss_lines(rule, y)
    if written is None:
        s = "s" if weighted else "None"
        loss = SourceLine("loss", f"loss = loss_function.value(y_pred, y, {s}, {rows})", *ANY_LOSS)
        code = f"grad_y_pred = loss_function.grad_y_pred(y_pred, y, {s}, {rows})"
        return (), loss, [SourceLine("backward", code, *ANY_LOSS_GRADIENT)]
    elements, gradient = written.elements, written.gradient
    if weighted:
        elements, gradient = f"({elements} * s[:, None])", f"{gradient} * s[:, None]"
    divided = "" if rule.is_sum else f" / {rows}"
    loss = SourceLine("loss", f"loss = {elements}.sum(){divided}", *written.meaning)
    grad_y_pred = SourceLine(
        "backward",
        f"grad_y_pred = {gradient}{divided}",
        *written.gradient_meaning,
        equation=written.equation,
    )
    return written.before, loss, [*written.before_gradient, grad_y_pred]
