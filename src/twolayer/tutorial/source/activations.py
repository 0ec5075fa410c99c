"""How each activation is written in the program. One without lines of its own here is shown through its methods."""

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
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.source import SourceLine


class ActivationLines(NamedTuple):
    """How an activation is written, forward and backward, and what it needs first."""

    forward: SourceLine
    backward: tuple[SourceLine, ...]
    before: tuple[SourceLine, ...] = ()


SLOPE = Bilingual(
    en="The gradient passes back through the activation: entry by entry, times its slope there.",
    zh="梯度往回传过激活函数：逐个元素乘以激活函数在该处的导数。",
)


ACTIVATION_LINES: dict[type[Activation], ActivationLines] = {
    Relu: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = np.maximum(h, 0)",
            Bilingual(
                en="The rectifier (ReLU): every negative entry becomes 0, every other entry stays as it is.",
                zh="激活函数 ReLU（整流函数）：负的元素变成 0，其余元素保持不变。",
            ),
            beside="h",
        ),
        (
            SourceLine(
                "backward",
                "grad_h = grad_h_relu.copy()",
                Bilingual(
                    en="An independent copy, so that the next line does not change grad_h_relu as well.",
                    zh="复制出一份独立的数组，这样下一行就不会连 grad_h_relu 也一起改掉。",
                ),
                beside="grad_h_relu",
            ),
            SourceLine(
                "backward",
                "grad_h[h < 0] = 0",
                Bilingual(
                    en="Where h was negative, the rectifier gave 0 whatever h was, so no gradient passes there: "
                    "those entries become 0. (Where h is exactly 0, the gradient is kept.)",
                    zh="h 为负的地方，不管 h 是多少，ReLU 的输出都是 0，梯度传不过去，所以这些元素清零。"
                    "（h 恰好等于 0 的地方，梯度保留。）",
                ),
                "∂loss/∂h = ∂loss/∂h_relu × (h ≥ 0)",
            ),
        ),
    ),
    Identity: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = h",
            Bilingual(
                en="No activation: h_relu is h itself under a second name.",
                zh="不用激活函数：h_relu 就是 h 本身，只是多了一个名字。",
            ),
            beside="h",
        ),
        (
            SourceLine(
                "backward",
                "grad_h = grad_h_relu",
                Bilingual(
                    en="Without an activation the gradient passes unchanged.",
                    zh="没有激活函数，梯度原样传过去。",
                ),
                "∂loss/∂h = ∂loss/∂h_relu",
                beside="grad_h_relu",
            ),
        ),
    ),
    Tanh: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = np.tanh(h)",
            Bilingual(
                en="The activation: the hyperbolic tangent squeezes every entry into the range from −1 to 1.",
                zh="激活函数：双曲正切 tanh 把每个元素压缩到 −1 与 1 之间。",
            ),
            beside="h",
        ),
        (
            SourceLine(
                "backward",
                "grad_h = grad_h_relu * (1 - h_relu * h_relu)",
                SLOPE,
                "∂loss/∂h = ∂loss/∂h_relu × (1 − h_relu²)",
                beside="grad_h_relu",
            ),
        ),
    ),
    Logistic: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = 0.5 * (1 + np.tanh(0.5 * h))",
            Bilingual(
                en="The activation: the logistic function 1 / (1 + exp(−h)), written so that it cannot overflow, squeezes "
                "every entry into the range from 0 to 1.",
                zh="激活函数：逻辑函数（sigmoid）1 / (1 + exp(−h)) 把每个元素压缩到 0 与 1 之间；"
                "写成这种等价的形式，是为了不会溢出。",
            ),
            beside="h",
        ),
        (
            SourceLine(
                "backward",
                "grad_h = grad_h_relu * (h_relu * (1 - h_relu))",
                SLOPE,
                "∂loss/∂h = ∂loss/∂h_relu × h_relu × (1 − h_relu)",
                beside="grad_h_relu",
            ),
        ),
    ),
    LeakyRelu: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = np.where(h < 0, 0.01 * h, h)",
            Bilingual(
                en="The leaky rectifier: every negative entry shrinks to a hundredth, every other entry stays as it is.",
                zh="激活函数 leaky ReLU：负的元素缩小到百分之一，其余元素保持不变。",
            ),
            beside="h",
        ),
        (
            SourceLine(
                "backward",
                "grad_h = grad_h_relu.copy()",
                Bilingual(
                    en="An independent copy, so that the next line does not change grad_h_relu as well.",
                    zh="复制出一份独立的数组，这样下一行就不会连 grad_h_relu 也一起改掉。",
                ),
                beside="grad_h_relu",
            ),
            SourceLine(
                "backward",
                "grad_h[h < 0] *= 0.01",
                Bilingual(
                    en="Where h was negative, only a hundredth of the gradient passes. (Where h is exactly 0, all of it is "
                    "kept.)",
                    zh="h 为负的地方，梯度只传过去百分之一。（h 恰好等于 0 的地方，梯度全部保留。）",
                ),
                "∂loss/∂h = ∂loss/∂h_relu × (1 if h ≥ 0 else 0.01)",
            ),
        ),
    ),
    Softplus: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = np.logaddexp(0, h)",
            Bilingual(
                en="The activation: softplus, log(1 + exp(h)), a rectifier with its corner rounded off; logaddexp "
                "computes it without overflow.",
                zh="激活函数：softplus，即 log(1 + exp(h))，相当于把拐角磨圆了的 ReLU；用 logaddexp 计算，不会溢出。",
            ),
            beside="h",
        ),
        (
            SourceLine(
                "backward",
                "grad_h = grad_h_relu * -np.expm1(-h_relu)",
                SLOPE,
                "∂loss/∂h = ∂loss/∂h_relu × (1 − exp(−h_relu))",
                beside="grad_h_relu",
            ),
        ),
    ),
    Gelu: ActivationLines(
        SourceLine(
            "forward",
            "h_relu = h * ndtr(h)",
            Bilingual(
                en="The activation: GELU, each entry times the probability that a normal number is below it.",
                zh="激活函数：GELU，每个元素乘以“一个标准正态随机数比它小”的概率。",
            ),
            beside="h",
        ),
        (
            SourceLine(
                "backward",
                "density = np.exp(-0.5 * np.square(np.clip(h, -40, 40))) / np.sqrt(2 * np.pi)",
                Bilingual(
                    en="The density of the normal distribution at every entry; beyond 40 it is 0, and clipping keeps the "
                    "square from overflowing.",
                    zh="正态分布在每个元素处的密度；超过 40 就是 0，先截断，平方就不会溢出。",
                ),
            ),
            SourceLine(
                "backward",
                "grad_h = grad_h_relu * (ndtr(h) + np.clip(h, -40, 40) * density)",
                SLOPE,
                "∂loss/∂h = ∂loss/∂h_relu × (Φ(h) + h × density)",
                beside="grad_h_relu",
            ),
        ),
        (
            SourceLine(
                "forward",
                "from scipy.special import ndtr",
                Bilingual(
                    en="The distribution function of the standard normal distribution, which NumPy leaves to SciPy.",
                    zh="标准正态分布的分布函数；NumPy 里没有，要从 SciPy 引入。",
                ),
            ),
        ),
    ),
}

ANY_ACTIVATION = ActivationLines(
    SourceLine(
        "forward",
        "h_relu = activation.value(h)",
        Bilingual(
            en="The activation is applied to every entry.",
            zh="对每个元素施加激活函数。",
        ),
        beside="h",
    ),
    (
        SourceLine(
            "backward",
            "grad_h = grad_h_relu * activation.derivative(h, h_relu)",
            SLOPE,
            "∂loss/∂h = ∂loss/∂h_relu × activation′(h)",
            beside="grad_h_relu",
        ),
    ),
)


def activation_lines(rule: Activation) -> ActivationLines:
    """How this activation is written."""
    return ACTIVATION_LINES.get(type(rule), ANY_ACTIVATION)
