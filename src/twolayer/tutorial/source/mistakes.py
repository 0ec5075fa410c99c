"""Usual mistakes in the program: what the line becomes, and why the numbers then are wrong."""

from __future__ import annotations

from typing import NamedTuple

from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain import autograd_text
from twolayer.tutorial.explain.program_text import COPY_MATTERS


class ProgramMistake(NamedTuple):
    """A usual mistake.

    Attributes
    ----------
    line : str
        The short name of the line that is changed or left out.
    title, why : Bilingual
        What was done, and what follows from it.
    """

    line: str
    title: Bilingual
    why: Bilingual


MISTAKES = {
    "mask": ProgramMistake(
        "mask",
        Bilingual(en="Leave the mask out", zh="去掉掩码"),
        Bilingual(
            en="The gradient now also passes where h was negative and the rectifier gave 0. grad_h and grad_w1 are wrong; "
            "grad_w2 is still right. The loss may fall for some steps all the same, so the mistake is easy to miss.",
            zh="h 为负、ReLU 输出 0 的地方，现在也有梯度传过去。grad_h 和 grad_w1 错了，grad_w2 仍然是对的。"
            "损失照样可能下降若干步，所以这个错误很容易被忽略。",
        ),
    ),
    "copy": ProgramMistake(
        "grad_h",
        Bilingual(en="Leave .copy() out", zh="去掉 .copy()"),
        Bilingual(
            en="grad_h is only a second name for grad_h_relu: the mask clears entries of both. "
            + COPY_MATTERS.en,
            zh="grad_h 只是 grad_h_relu 的另一个名字：掩码把两个都改了。" + COPY_MATTERS.zh,
        ),
    ),
    "order": ProgramMistake(
        "update_w2",
        Bilingual(en="Update w2 before grad_h_relu is computed", zh="先更新 w2，再算 grad_h_relu"),
        Bilingual(
            en="grad_h_relu needs the w2 of the forward lines. With the new w2 it and grad_w1 are wrong: the more, "
            "the longer the step, up to another sign.",
            zh="grad_h_relu 要用前向传播时的 w2。用了更新后的 w2，它和 grad_w1 都是错的：步子越大，"
            "错得越多，甚至连符号都会变。",
        ),
    ),
    "mean": ProgramMistake(
        "loss",
        Bilingual(en="Take the mean, not the sum", zh="用均值，不用总和"),
        Bilingual(
            en="Every gradient is divided by the number of entries of y, so with the same learning rate the steps are as "
            "much shorter and the loss hardly moves. A rate that is that many times larger gives the same steps as before.",
            zh="每个梯度都除以 y 的元素个数，学习率不变时步子也缩小同样的倍数，损失几乎不动。"
            "学习率放大同样的倍数，走的步子就与原来一样。",
        ),
    ),
    "bias_sum": ProgramMistake(
        "grad_b2",
        Bilingual(en="Forget to sum over the rows", zh="忘了对各行求和"),
        Bilingual(
            en="The gradient of a bias then has one row for each row of x, but the bias has one row in all: the update "
            "stops with an error, because the shapes differ.",
            zh="这样偏置的梯度有和 x 一样多的行，而偏置总共只有一行：形状不同，更新时就会报错停下。",
        ),
    ),
    "accumulate": ProgramMistake(
        "grad_w1",
        Bilingual(en="Never clear the gradients", zh="从不把梯度清零"),
        autograd_text.TRAP_ADDED_WHY,
    ),
    "zeros": ProgramMistake(
        "setup_w1",
        Bilingual(en="Start the weights at zero", zh="权重从 0 开始"),
        Bilingual(
            en="With w1 = 0 every unit has the same value in every row, so all units would get the same gradient; with "
            "w2 = 0 none reaches w1 at all. Without biases h_relu is 0 as well, so grad_w2 is 0 and nothing ever changes.",
            zh="w1 = 0 时，每一行里所有单元的值都一样，得到的梯度也一样；w2 = 0 时，根本没有梯度传到 w1。"
            "不带偏置的话 h_relu 也是 0，于是 grad_w2 是 0，什么都不会变。",
        ),
    ),
    "flat_y": ProgramMistake(
        "setup_y",
        Bilingual(en="Give y the shape (N,)", zh="把 y 的形状写成 (N,)"),
        Bilingual(
            en="NumPy repeats a one-dimensional array along the rows. With one output, y_pred - y then has N rows and N "
            "columns: every prediction minus every target, and the loss is wrong without an error. By hand the program "
            "stops at grad_h_relu, where the shapes do not fit; autograd trains on. With several outputs it stops at once.",
            zh="NumPy 会把一维数组沿着行重复。只有一个输出时，y_pred - y 就成了 N 行 N 列：每个预测值减去每个目标值，"
            "损失是错的，却不报错。手写的程序到 grad_h_relu 那一行形状对不上才停下；自动求导则会一直错下去。"
            "有多个输出时，马上就报错停下。",
        ),
    ),
    "rebind": ProgramMistake("update_w1", autograd_text.TRAP_NEW, autograd_text.TRAP_NEW_WHY),
    "rebind_no_grad": ProgramMistake(
        "update_w1", autograd_text.TRAP_LOST, autograd_text.TRAP_LOST_WHY
    ),
    "recorded": ProgramMistake(
        "no_grad", autograd_text.TRAP_RECORDED, autograd_text.TRAP_RECORDED_WHY
    ),
    "not_cleared": ProgramMistake(
        "clear_w1", autograd_text.TRAP_ADDED, autograd_text.TRAP_ADDED_WHY
    ),
}
