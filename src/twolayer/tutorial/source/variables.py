"""The variables of the program and what they are, the gradients among them."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain.program_text import WHAT_IS

GRADIENT = Bilingual(
    en="gradient: how fast the loss grows when an entry of {name} grows; the shape of {name}",
    zh="梯度：{name} 的某个元素增大一点，损失增大得有多快；形状与 {name} 相同",
)
NUMBERS = {
    "loss": Bilingual(
        en="loss: one number for the error of all outputs", zh="损失：用一个数表示所有输出的误差"
    ),
    "learning_rate": Bilingual(
        en="learning rate: how far a step goes, as a multiple of the gradient",
        zh="学习率：一步走多远，以梯度的倍数计",
    ),
}
DIFFERENTIATED = (
    "y_pred",
    "w2",
    "b2",
    "h_relu",
    "h",
    "w1",
    "b1",
)  # in the order of the backward lines


def variable_meanings() -> dict[str, Bilingual]:
    """Return what each variable of the program is, by its name."""
    gradients = {
        f"grad_{name}": Bilingual(
            en=GRADIENT.en.format(name=name), zh=GRADIENT.zh.format(name=name)
        )
        for name in DIFFERENTIATED
    }
    return {**WHAT_IS, **NUMBERS, **gradients}
