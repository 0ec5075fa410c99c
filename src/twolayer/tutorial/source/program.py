"""The lines of one step of the program: forward, loss, backward, update."""

from __future__ import annotations

import numpy as np

from twolayer.maths.activations import Activation
from twolayer.maths.losses import Loss
from twolayer.maths.network import Params
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.source import SourceLine
from twolayer.tutorial.source.activations import activation_lines
from twolayer.tutorial.source.losses import lines_of_loss

BIAS_1 = SourceLine(
    "forward",
    "h = h + b1",
    en="Each hidden unit's bias is added to its column: the same number in every row.",
    zh="给每个隐藏单元对应的那一列加上它的偏置：每一行加的都是同一个数。",
)
BIAS_2 = SourceLine(
    "forward",
    "y_pred = y_pred + b2",
    en="Each output's bias is added to its column: the same number in every row.",
    zh="给每个输出对应的那一列加上它的偏置：每一行加的都是同一个数。",
)
SKIP = SourceLine(
    "forward",
    "y_pred = y_pred + x.dot(w_skip)",
    en="The direct path from input to output (the skip layer) is added: a linear model beside the hidden layer.",
    zh="加上从输入直接到输出的通路（跳跃连接）：相当于在隐藏层旁边并联一个线性模型。",
)
FORWARD_1 = SourceLine(
    "forward",
    "h = x.dot(w1)",
    en="Matrix product: for every row of x, each hidden unit multiplies the inputs by its own column of w1 and adds "
    "them up.",
    zh="矩阵乘法：对 x 的每一行，每个隐藏单元把各个输入分别乘以 w1 中自己那一列的权重，再加起来。",
)
FORWARD_2 = SourceLine(
    "forward",
    "y_pred = h_relu.dot(w2)",
    en="Matrix product again: for every row, each output multiplies the hidden units by its own column of w2 and adds "
    "them up. This is the prediction.",
    zh="再做一次矩阵乘法：对每一行，每个输出把各个隐藏单元分别乘以 w2 中自己那一列的权重，再加起来。这就是预测值。",
)
GRAD_W2 = SourceLine(
    "backward",
    "grad_w2 = h_relu.T.dot(grad_y_pred)",
    en="The gradient of w2: for each weight, the hidden unit it reads times the gradient of the output it feeds, added "
    "up over the rows.",
    zh="w2 的梯度：对每个权重，用它读取的隐藏单元的值，乘以它通向的那个输出的梯度，再对所有行求和。",
    equation="∂loss/∂w2 = h_reluᵀ · ∂loss/∂y_pred",
)
GRAD_B2 = SourceLine(
    "backward",
    "grad_b2 = grad_y_pred.sum(axis=0)",
    en="The gradient of b2: a bias is added to every row, so its gradient is the sum over the rows.",
    zh="b2 的梯度：偏置加在每一行上，所以它的梯度是对所有行求和。",
    equation="∂loss/∂b2 = Σ_rows ∂loss/∂y_pred",
)
GRAD_SKIP = SourceLine(
    "backward",
    "grad_w_skip = x.T.dot(grad_y_pred)",
    en="The gradient of w_skip: for each weight, the input it reads times the gradient of the output it feeds, added up "
    "over the rows.",
    zh="w_skip 的梯度：对每个权重，用它读取的输入，乘以它通向的那个输出的梯度，再对所有行求和。",
    equation="∂loss/∂w_skip = xᵀ · ∂loss/∂y_pred",
)
GRAD_H_RELU = SourceLine(
    "backward",
    "grad_h_relu = grad_y_pred.dot(w2.T)",
    en="The gradient goes back through w2: each hidden unit collects the gradients of the outputs it feeds, each times "
    "the weight that leads there.",
    zh="梯度经过 w2 往回传：每个隐藏单元把它通向的各个输出的梯度，分别乘以通向那里的权重，再加起来。",
    equation="∂loss/∂h_relu = ∂loss/∂y_pred · w2ᵀ",
)
GRAD_W1 = SourceLine(
    "backward",
    "grad_w1 = x.T.dot(grad_h)",
    en="The gradient of w1: for each weight, the input it reads times the gradient of the hidden unit it feeds, added "
    "up over the rows.",
    zh="w1 的梯度：对每个权重，用它读取的输入，乘以它通向的那个隐藏单元的梯度，再对所有行求和。",
    equation="∂loss/∂w1 = xᵀ · ∂loss/∂h",
)
GRAD_B1 = SourceLine(
    "backward",
    "grad_b1 = grad_h.sum(axis=0)",
    en="The gradient of b1: a bias is added to every row, so its gradient is the sum over the rows.",
    zh="b1 的梯度：偏置加在每一行上，所以它的梯度是对所有行求和。",
    equation="∂loss/∂b1 = Σ_rows ∂loss/∂h",
)
UPDATE = Bilingual(
    en="One step downhill: every entry of {name} moves against its gradient, by learning_rate times the gradient.",
    zh="向下走一步：{name} 的每个元素朝梯度的反方向移动，移动的量是学习率乘以梯度。",
)
DECAY = Bilingual(
    en="Weight decay pulls every entry of {name} towards 0.",
    zh="权重衰减把 {name} 的每个元素都拉向 0。",
)
PENALTY = Bilingual(
    en="The factor of the weight decay: this loss is a mean over the rows, so alpha is divided by the same number.",
    zh="权重衰减的系数：这个损失是对各行取平均，所以 alpha 也除以同样的数。",
)
PENALISED_LOSS = Bilingual(
    en="Weight decay: large weights make the loss larger (biases are left out).",
    zh="权重衰减：权重越大，损失越大（偏置不计）。",
)


def program_lines(
    rule: Loss,
    activation: Activation,
    params: Params,
    y: np.ndarray,
    weighted: bool,
    decays: bool,
) -> list[SourceLine]:
    """Return the lines of one step of the program, in the order in which they run.

    Parameters
    ----------
    rule, activation : Loss, Activation
    params : Params
        Which of the weights there are.
    y : ndarray, shape (n_rows, n_outputs)
        The targets: class losses are written differently for one output and for several.
    weighted : bool
        Whether rows have weights `s`.
    decays : bool
        Whether there is weight decay, `alpha` above 0.
    """
    unit = activation_lines(activation)
    names = [name for name, _ in params.items()]
    weights = [name for name in names if name.startswith("w")]
    rows = "s.sum()" if weighted else "n_rows"
    factor = "alpha" if rule.is_sum else "penalty"
    before_loss, loss, grad_y_pred = lines_of_loss(rule, y, weighted, rows)

    lines = [FORWARD_1, *[BIAS_1] * ("b1" in names), *unit.before, unit.forward]
    lines += [FORWARD_2, *[BIAS_2] * ("b2" in names), *[SKIP] * ("w_skip" in names)]
    lines += [*before_loss, loss]
    if decays:
        if not rule.is_sum:
            lines.append(SourceLine("loss", f"penalty = alpha / {rows}", *PENALTY))
        norms = " + ".join(f"np.square({name}).sum()" for name in weights)
        lines.append(
            SourceLine("loss", f"loss = loss + 0.5 * {factor} * ({norms})", *PENALISED_LOSS)
        )
    lines += [*grad_y_pred, GRAD_W2, *[GRAD_B2] * ("b2" in names)]
    lines += [*[GRAD_SKIP] * ("w_skip" in names), GRAD_H_RELU, *unit.backward]
    lines += [GRAD_W1, *[GRAD_B1] * ("b1" in names)]
    if decays:
        lines += [
            SourceLine(
                "backward",
                f"grad_{name} = grad_{name} + {factor} * {name}",
                *with_variable(DECAY, name),
            )
            for name in weights
        ]
    lines += [
        SourceLine("update", f"{name} -= learning_rate * grad_{name}", *with_variable(UPDATE, name))
        for name in names
    ]
    return lines


def with_variable(text: Bilingual, name: str) -> Bilingual:
    """Return the text with that variable's name in it."""
    return Bilingual(en=text.en.format(name=name), zh=text.zh.format(name=name))
