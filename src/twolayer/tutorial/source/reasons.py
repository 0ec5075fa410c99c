"""Why each line of the program is as it is, in one sentence. What the line does stands beside its code."""

from __future__ import annotations

import re

from twolayer.tutorial.bilingual import Bilingual

BOTH_ADD_UP = Bilingual(
    en="The bias is added to every row, so a change of it changes every row, and these effects add up.",
    zh="偏置加在每一行上，改动它，每一行都跟着变，这些影响要加起来。",
)
UPDATE_REASON = Bilingual(
    en="The gradient points to where the loss grows, so the step goes the other way; it is short, because the gradient is "
    "accurate only near the present weights.",
    zh="梯度指向损失增大的方向，所以反着走；步子要小，因为梯度只在当前权重附近才准确。",
)
BIAS_START = Bilingual(
    en="Random, as in the books' program; biases may also start at 0, because w1 already makes the units differ.",
    zh="这里与权重一样取随机数；偏置也可以从 0 开始，因为 w1 已经让各个单元互不相同。",
)
CLEAR_REASON = Bilingual(
    en="backward() adds to .grad and does not replace it, so it must be cleared before the next step.",
    zh="backward() 是往 .grad 上累加，而不是覆盖，所以下一步之前必须清零。",
)

REASONS = {
    "import": Bilingual(
        en="Python's own lists have no matrix product, and loops over them are far slower.",
        zh="Python 自带的列表没有矩阵乘法，用循环去算又慢得多。",
    ),
    "sizes": Bilingual(
        en="These four numbers fix the shape of every array below.",
        zh="这四个数决定了下面每个数组的形状。",
    ),
    "rng": Bilingual(
        en="With a fixed seed every engine starts from the same numbers, so their results can be compared.",
        zh="固定种子，每种写法都从同样的数出发，结果才能互相比较。",
    ),
    "setup_x": Bilingual(
        en="Random data needs no file, and everybody can draw the same.",
        zh="随机数据不需要文件，谁都能得到同样的一份。",
    ),
    "setup_y": Bilingual(
        en="Random targets have nothing to do with x: what the network learns here are the rows themselves, and nothing "
        "that holds for a new row.",
        zh="随机的目标值与 x 毫无关系：网络在这里学到的只是这些行本身，对新的行不起作用。",
    ),
    "setup_w1": Bilingual(
        en="Random, because units that start with equal weights get equal gradients and stay equal.",
        zh="要取随机数，因为权重相同的单元会得到相同的梯度，永远一模一样。",
    ),
    "setup_w2": Bilingual(
        en="Random too: with zeros here no gradient would reach w1 in the first step.",
        zh="这里也要取随机数：如果全是 0，第一步里就没有梯度能传到 w1。",
    ),
    "setup_b1": BIAS_START,
    "setup_b2": BIAS_START,
    "learning_rate": Bilingual(
        en="How long a step may be depends on the size of the gradients: the loss is a sum over all rows and outputs, so "
        "they are large and the rate is small.",
        zh="步子能迈多大，取决于梯度有多大：损失是对所有行、所有输出求和，梯度很大，所以学习率要小。",
    ),
    "h": Bilingual(
        en="One product computes all rows and all units at once; each unit sees the whole row, so it can respond to any "
        "weighted sum of the inputs.",
        zh="一次乘法就算完所有行、所有单元；每个单元都看到整行输入，所以输入的任何加权和它都能表示。",
    ),
    "h_bias": Bilingual(
        en="Without a bias a row of zeros gives h = 0, whatever the weights are; with one, each unit can switch on at a "
        "place of its own.",
        zh="没有偏置，全 0 的一行不管权重是多少都得到 h = 0；有了偏置，每个单元可以在自己的位置上开始起作用。",
    ),
    "h_relu": Bilingual(
        en="Without this bend the two layers would be equivalent to one: x·(w1·w2), a linear model.",
        zh="没有这个弯折，两层就等于一层：x·(w1·w2)，只是线性模型。",
    ),
    "h_relu_identity": Bilingual(
        en="Leaving the activation out shows what it is for: the network is now a linear model, whatever its width.",
        zh="去掉激活函数，正好看出它的用处：现在不管隐藏层多宽，网络都只是线性模型。",
    ),
    "y_pred": Bilingual(
        en="A weighted sum can be any number; an activation after it would limit the outputs.",
        zh="加权和可以是任何数；后面再加激活函数，输出的范围就受限制了。",
    ),
    "y_pred_bias": Bilingual(
        en="It lets the outputs be right on average, even where all hidden units are 0.",
        zh="这样即使所有隐藏单元都是 0，输出的平均水平也能对上目标值。",
    ),
    "loss": Bilingual(
        en="Training needs one number for the error of all outputs together; a square counts a large error more than "
        "several small ones, and its derivative is simple.",
        zh="训练需要用一个数来表示所有输出的误差；取平方时，一个大的误差比几个小的更要紧，而且导数很简单。",
    ),
    "grad_y_pred": Bilingual(
        en="The chain rule starts at the loss: every other gradient is computed from this one.",
        zh="链式法则从损失开始：其余的梯度都由这一个算出来。",
    ),
    "grad_w2": Bilingual(
        en="A weight of w2 changes its output by the value of the hidden unit, in every row; the product with h_relu.T "
        "multiplies and adds up over the rows.",
        zh="w2 的一个权重变动时，它通向的输出在每一行都按隐藏单元的值跟着变；与 h_relu.T 相乘，正好逐行相乘再加起来。",
    ),
    "grad_b2": BOTH_ADD_UP,
    "grad_h_relu": Bilingual(
        en="A hidden unit feeds all outputs, so what it does through each of them adds up; the w2 here is that of the "
        "forward lines, not yet updated.",
        zh="一个隐藏单元通向所有输出，经过每个输出的影响要加起来；这里用的是前向传播时的 w2，还没有更新。",
    ),
    "grad_h": Bilingual(
        en="Without .copy(), grad_h would be a second name for the same numbers, and the mask would overwrite "
        "grad_h_relu.",
        zh="不用 .copy()，grad_h 只是同一批数的另一个名字，下一行的掩码就会把 grad_h_relu 也改掉。",
    ),
    "grad_h_identity": Bilingual(
        en="The derivative of h_relu = h is 1 everywhere.",
        zh="h_relu = h 的导数处处是 1。",
    ),
    "mask": Bilingual(
        en="The derivative of max(h, 0) is 0 below 0 and 1 above: a unit that is off in a row learns nothing from it.",
        zh="max(h, 0) 的导数在 0 以下是 0，在 0 以上是 1：在某一行上没有激活的单元，从这一行学不到东西。",
    ),
    "grad_w1": Bilingual(
        en="A weight of w1 changes its unit by the value of the input, in every row; the product with x.T multiplies and "
        "adds up over the rows.",
        zh="w1 的一个权重变动时，它通向的单元在每一行都按输入的值跟着变；与 x.T 相乘，正好逐行相乘再加起来。",
    ),
    "grad_b1": BOTH_ADD_UP,
    "update": UPDATE_REASON,
    "import_torch": Bilingual(
        en="PyTorch has NumPy's operations and two things more: it runs on GPUs, and it can compute the gradients.",
        zh="PyTorch 有 NumPy 的那些运算，另外还能在 GPU 上运行，也能自动求梯度。",
    ),
    "tensor": Bilingual(
        en="PyTorch's operations take tensors; NumPy draws the numbers, so that they are those of the NumPy program.",
        zh="PyTorch 的运算只接受张量；数仍由 NumPy 抽取，所以与 NumPy 程序里的完全相同。",
    ),
    "requires_grad": Bilingual(
        en="Gradients are wanted for the weights only; x and y are given and stay as they are.",
        zh="只有权重需要梯度；x 和 y 是给定的，不会变。",
    ),
    "backward": Bilingual(
        en="It computes what the lines by hand compute, in the same order, so nobody has to write them.",
        zh="它算的就是手写的那几行，顺序也相同，只是不用自己写了。",
    ),
    "no_grad": Bilingual(
        en="The update is not part of the function to differentiate, so it must not be recorded.",
        zh="更新不属于要求导的函数，所以不能让它被记录。",
    ),
    "clear": CLEAR_REASON,
    "class": Bilingual(
        en="PyTorch knows the derivative of its own operations; of a function of your own it knows what backward says.",
        zh="PyTorch 自带的运算它都知道导数；你自己的函数，导数由 backward 给出。",
    ),
    "function_forward": Bilingual(
        en="backward needs to know where h was negative, so forward saves h.",
        zh="backward 需要知道 h 在哪里为负，所以 forward 要把 h 保存下来。",
    ),
    "function_backward": Bilingual(
        en="The same two lines as by hand: copy the incoming gradient, and clear it where h was negative.",
        zh="与手写的两行相同：复制传来的梯度，再把 h 为负的地方清零。",
    ),
}

_NAMED = (
    (r"import numpy", "import"),
    (r"n_rows, n_inputs", "sizes"),
    (r"rng = ", "rng"),
    (r"learning_rate = ", "learning_rate"),
    (r"h = h \+", "h_bias"),
    (r"y_pred = y_pred \+", "y_pred_bias"),
    (r"h_relu = h$", "h_relu_identity"),
    (r"grad_h = grad_h_relu$", "grad_h_identity"),
    (r"grad_h\[", "mask"),
    (r"loss\.backward", "backward"),
    (r"class ", "class"),
    (r"import torch", "import_torch"),
    (r"@staticmethod\s+def forward", "function_forward"),
    (r"@staticmethod\s+def backward", "function_backward"),
    (r"with torch\.no_grad", "no_grad"),
)
_KINDS = (
    ("requires_grad", "requires_grad"),
    ("torch.tensor", "tensor"),
    (".grad.zero_", "clear"),
    (" -= ", "update"),
)


def line_id(code: str, part: str = "") -> str:
    """Return the short name of a line of the program: the variable it writes, unless several lines write that one."""
    code = code.strip()
    for pattern, name in _NAMED:
        if re.match(pattern, code):
            return name
    name = re.split(r"\W", code, maxsplit=1)[0]
    for part_of_code, kind in _KINDS:
        if part_of_code in code:
            return f"{kind}_{name}"
    return f"setup_{name}" if part == "setup" else name


def line_reason(name: str) -> Bilingual:
    """Return why the line of that short name is there; an empty text where nothing is to be said."""
    kind = re.sub(r"^(update|clear|requires_grad|tensor)_\w+$", r"\1", name)
    return REASONS.get(kind, Bilingual("", ""))
