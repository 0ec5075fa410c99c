"""The lines of the program in PyTorch: by hand, with autograd, and with a function of one's own."""

from __future__ import annotations

from collections.abc import Iterable

from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.source import SourceLine
from twolayer.tutorial.source.program import with_variable

IN_TORCH = (
    ("np.maximum(h, 0)", "h.clamp(min=0)"),
    ("np.square(y_pred - y)", "(y_pred - y).pow(2)"),
    ("y.size", "y.numel()"),
    (".dot(", ".mm("),
    (".T", ".t()"),
    (".copy()", ".clone()"),
    ("sum(axis=0)", "sum(dim=0)"),
)
IMPORT_TORCH = SourceLine(
    "setup",
    "import torch",
    en="PyTorch is a library for tables of numbers too; it calls them tensors.",
    zh="PyTorch 也是处理数字表格的库，它把数组叫作张量。",
)
TENSOR = Bilingual(
    en="{name} becomes a tensor, PyTorch's array, with the same numbers.",
    zh="{name} 变成张量（PyTorch 的数组），数值不变。",
)
REQUIRES_GRAD = Bilingual(
    en="From here on PyTorch records every operation that uses {name}, so that it can compute the gradient.",
    zh="从这里起，凡是用到 {name} 的运算 PyTorch 都会记录下来，好算它的梯度。",
)
BACKWARD = SourceLine(
    "backward",
    "loss.backward()",
    en="PyTorch follows the operations that it recorded backwards, by the chain rule, and adds each weight's gradient to "
    "its .grad.",
    zh="PyTorch 沿着记录下来的运算往回走，用链式法则求出每个权重的梯度，加到它的 .grad 上。",
)
NO_GRAD_BLOCK = SourceLine(
    "update",
    "with torch.no_grad():",
    en="Within this block PyTorch records nothing.",
    zh="在这一块里，PyTorch 什么都不记录。",
)
UPDATE_TENSOR = Bilingual(
    en="One step downhill, in place: every entry of {name} moves against its gradient, by learning_rate times the "
    "gradient.",
    zh="向下走一步，原地修改：{name} 的每个元素朝梯度的反方向移动，移动的量是学习率乘以梯度。",
)
CLEARED_GRADIENT = Bilingual(
    en="The gradient of {name} is set to 0, in its place.",
    zh="把 {name} 的梯度原地清零。",
)
OWN_RECTIFIER = SourceLine(
    "forward",
    "h_relu = Rectifier.apply(h)",
    en="The rectifier again, now a function of our own: its forward computes the value.",
    zh="还是 ReLU，不过换成我们自己的函数：它的 forward 给出值。",
    origin="h",
)
OWN_FUNCTION = (
    SourceLine(
        "setup",
        "class Rectifier(torch.autograd.Function):",
        en="A function of our own for autograd is a class with two methods, forward and backward.",
        zh="自定义的求导函数是一个类，有 forward 和 backward 两个方法。",
    ),
    SourceLine(
        "setup",
        "    @staticmethod\n    def forward(ctx, h):\n        ctx.save_for_backward(h)\n        return h.clamp(min=0)",
        en="forward returns the value, and saves its input.",
        zh="forward 返回值，并保存它的输入。",
    ),
    SourceLine(
        "setup",
        "    @staticmethod\n    def backward(ctx, grad_h_relu):\n        (h,) = ctx.saved_tensors\n"
        "        grad_h = grad_h_relu.clone()\n        grad_h[h < 0] = 0\n        return grad_h",
        en="backward gets the gradient of the output and returns that of the input.",
        zh="backward 拿到输出的梯度，返回输入的梯度。",
    ),
)


def torch_line(line: SourceLine) -> SourceLine:
    """Return a line of the NumPy program as PyTorch has it."""
    code = line.code
    for in_numpy, in_torch in IN_TORCH:
        code = code.replace(in_numpy, in_torch)
    return line._replace(code=code)


def tensor_lines(weights: Iterable[str], requires_grad: bool) -> list[SourceLine]:
    """Return the lines that make tensors of all arrays; they may ask for the gradients of the weights."""
    weights = list(weights)
    lines = [
        IMPORT_TORCH,
        *(
            SourceLine("setup", f"{name} = torch.tensor({name})", *with_variable(TENSOR, name))
            for name in ("x", "y", *weights)
        ),
    ]
    if requires_grad:
        lines += [
            SourceLine("setup", f"{name}.requires_grad_()", *with_variable(REQUIRES_GRAD, name))
            for name in weights
        ]
    return lines


def autograd_lines(lines: Iterable[SourceLine], own_function: bool = False) -> list[SourceLine]:
    """Return one step of the program with autograd, from the lines of the NumPy program."""
    lines = list(lines)
    forward = [torch_line(line) for line in lines if line.part in ("forward", "loss")]
    if own_function:
        forward = [OWN_RECTIFIER if "clamp" in line.code else line for line in forward]
    weights = [line.code.split()[0] for line in lines if line.part == "update"]
    updates = [
        SourceLine(
            "update",
            f"    {name} -= learning_rate * {name}.grad",
            *with_variable(UPDATE_TENSOR, name),
        )
        for name in weights
    ]
    cleared = [
        SourceLine("update", f"    {name}.grad.zero_()", *with_variable(CLEARED_GRADIENT, name))
        for name in weights
    ]
    return [*forward, BACKWARD, NO_GRAD_BLOCK, *updates, *cleared]
