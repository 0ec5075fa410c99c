"""The lines of each activation in the program. Any other activation is shown through its methods."""

from __future__ import annotations

from typing import NamedTuple

from twolayer.maths.activations import (
    Activation,
    Gelu,
    Identity,
    LeakyRelu,
    Logistic,
    Relu,
    Softplus,
    Tanh,
)
from twolayer.tutorial.source import SourceLine


class ActivationLines(NamedTuple):
    """The lines of an activation, forward and backward, and those they need first."""

    forward: SourceLine
    backward: tuple[SourceLine, ...]
    before: tuple[SourceLine, ...] = ()


GRAD_H_COPY = SourceLine(
    "backward",
    "grad_h = grad_h_relu.copy()",
    en="An independent copy, so that the next line does not change grad_h_relu as well.",
    zh="复制出一份独立的数组，这样下一行就不会连 grad_h_relu 也一起改掉。",
    origin="grad_h_relu",
)


def slope_line(code: str, slope: str) -> SourceLine:
    """Return the line that multiplies the gradient by the activation's slope."""
    return SourceLine(
        "backward",
        code,
        en="The gradient passes back through the activation: entry by entry, times its slope there.",
        zh="梯度往回传过激活函数：逐个元素乘以激活函数在该处的导数。",
        equation=f"∂loss/∂h = ∂loss/∂h_relu × {slope}",
        origin="grad_h_relu",
    )


ACTIVATION_LINES: dict[type[Activation], ActivationLines] = {
    Relu: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = np.maximum(h, 0)",
            en="The rectifier (ReLU): every negative entry becomes 0, every other entry stays as it is.",
            zh="激活函数 ReLU（整流函数）：负的元素变成 0，其余元素保持不变。",
            origin="h",
        ),
        (
            GRAD_H_COPY,
            SourceLine(
                "backward",
                "grad_h[h < 0] = 0",
                en="Where h was negative, the rectifier gave 0 whatever h was, so no gradient passes there: "
                "those entries become 0. (Where h is exactly 0, the gradient is kept.)",
                zh="h 为负的地方，不管 h 是多少，ReLU 的输出都是 0，梯度传不过去，所以这些元素清零。"
                "（h 恰好等于 0 的地方，梯度保留。）",
                equation="∂loss/∂h = ∂loss/∂h_relu × (h ≥ 0)",
            ),
        ),
    ),
    Identity: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = h",
            en="No activation: h_relu is h itself under a second name.",
            zh="不用激活函数：h_relu 就是 h 本身，只是多了一个名字。",
            origin="h",
        ),
        (
            SourceLine(
                "backward",
                "grad_h = grad_h_relu",
                en="Without an activation the gradient passes unchanged.",
                zh="没有激活函数，梯度原样传过去。",
                equation="∂loss/∂h = ∂loss/∂h_relu",
                origin="grad_h_relu",
            ),
        ),
    ),
    Tanh: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = np.tanh(h)",
            en="The activation: the hyperbolic tangent maps every entry into the range from −1 to 1.",
            zh="激活函数：双曲正切 tanh 把每个元素压缩到 −1 与 1 之间。",
            origin="h",
        ),
        (slope_line("grad_h = grad_h_relu * (1 - h_relu * h_relu)", "(1 − h_relu²)"),),
    ),
    Logistic: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = 0.5 * (1 + np.tanh(0.5 * h))",
            en="The activation: the logistic function 1 / (1 + exp(−h)), written so that it cannot overflow, squeezes "
            "every entry into the range from 0 to 1.",
            zh="激活函数：逻辑函数（sigmoid）1 / (1 + exp(−h)) 把每个元素压缩到 0 与 1 之间；"
            "写成这种等价的形式，是为了不会溢出。",
            origin="h",
        ),
        (slope_line("grad_h = grad_h_relu * (h_relu * (1 - h_relu))", "h_relu × (1 − h_relu)"),),
    ),
    LeakyRelu: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = np.where(h < 0, 0.01 * h, h)",
            en="The leaky rectifier: every negative entry shrinks to a hundredth, every other entry stays as it is.",
            zh="激活函数 leaky ReLU：负的元素缩小到百分之一，其余元素保持不变。",
            origin="h",
        ),
        (
            GRAD_H_COPY,
            SourceLine(
                "backward",
                "grad_h[h < 0] *= 0.01",
                en="Where h was negative, only a hundredth of the gradient passes. (Where h is exactly 0, all of it is "
                "kept.)",
                zh="h 为负的地方，梯度只传过去百分之一。（h 恰好等于 0 的地方，梯度全部保留。）",
                equation="∂loss/∂h = ∂loss/∂h_relu × (1 if h ≥ 0 else 0.01)",
            ),
        ),
    ),
    Softplus: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = np.logaddexp(0, h)",
            en="The activation: softplus, log(1 + exp(h)), a rectifier with its corner rounded off; logaddexp "
            "computes it without overflow.",
            zh="激活函数：softplus，即 log(1 + exp(h))，相当于把尖点（折点）磨圆了的 ReLU；用 logaddexp 计算，不会溢出。",
            origin="h",
        ),
        (slope_line("grad_h = grad_h_relu * -np.expm1(-h_relu)", "(1 − exp(−h_relu))"),),
    ),
    Gelu: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = h * ndtr(h)",
            en="The activation: GELU, each entry times the probability that a normal number is below it.",
            zh="激活函数：GELU，每个元素乘以“一个标准正态随机数比它小”的概率。",
            origin="h",
        ),
        (
            SourceLine(
                "backward",
                "density = np.exp(-0.5 * np.square(np.clip(h, -40, 40))) / np.sqrt(2 * np.pi)",
                en="The density of the normal distribution at every entry; beyond 40 it is 0, and clipping keeps the "
                "square from overflowing.",
                zh="正态分布在每个元素处的密度；超过 40 就是 0，先截断，平方就不会溢出。",
            ),
            slope_line(
                "grad_h = grad_h_relu * (ndtr(h) + np.clip(h, -40, 40) * density)",
                "(Φ(h) + h × density)",
            ),
        ),
        (
            SourceLine(
                "forward",
                "from scipy.special import ndtr",
                en="The distribution function of the standard normal distribution, which NumPy leaves to SciPy.",
                zh="标准正态分布的分布函数；NumPy 里没有，要从 SciPy 引入。",
            ),
        ),
    ),
}

ANY_ACTIVATION = ActivationLines(
    SourceLine(
        "forward",
        "h_relu = activation.value(h)",
        en="The activation is applied to every entry.",
        zh="对每个元素施加激活函数。",
        origin="h",
    ),
    (slope_line("grad_h = grad_h_relu * activation.derivative(h, h_relu)", "activation′(h)"),),
)


def activation_lines(rule: Activation) -> ActivationLines:
    """Return the lines of an activation."""
    return ACTIVATION_LINES.get(type(rule), ANY_ACTIVATION)
