"""The texts of the page on NumPy and PyTorch."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual

NUMPY_TORCH_TITLE = Bilingual(en="NumPy and PyTorch side by side", zh="NumPy 与 PyTorch 对照")
NUMPY_TORCH_INTRODUCTION = Bilingual(
    en="Each line ran just now on the same small tables, in both libraries if both are installed.",
    zh="每一行都是刚刚在同样的小表上运行的；两个库都装了的话，两边都运行了。",
)
NUMPY_TORCH_WITHOUT_TORCH = Bilingual(
    en="PyTorch is not installed: {install}. Its column is shown, but was not run.",
    zh="没有安装 PyTorch：{install}。下面照样列出它的写法，但没有运行。",
)
IN_NUMPY_LABEL = Bilingual(en="in NumPy:", zh="NumPy：")
IN_TORCH_LABEL = Bilingual(en="in PyTorch:", zh="PyTorch：")
TABLE_HEADING = Bilingual(en="1. The operations of the program", zh="1. 程序里的各种运算")
WHAT_LABEL = Bilingual(en="operation", zh="做什么")
SAME_LABEL = Bilingual(en="result", zh="结果")
SAME_NUMBERS_LABEL = Bilingual(en="the same", zh="相同")
DIFFERENT_LABEL = Bilingual(en="different", zh="不同")
NOT_INSTALLED = Bilingual(en="not installed", zh="未安装")
RESULTS = Bilingual(en="2. The results", zh="2. 得到的结果")

PRODUCT = Bilingual(en="matrix product", zh="矩阵乘法")
AT_SIGN = Bilingual(en="matrix product, short form", zh="矩阵乘法的简写")
RECTIFIER = Bilingual(en="negative entries to 0", zh="负的元素变成 0")
TRANSPOSE_LABEL = Bilingual(en="transpose", zh="转置")
COPY = Bilingual(en="independent copy", zh="独立的副本")
SQUARE = Bilingual(en="square each entry", zh="逐个元素取平方")
TOTAL = Bilingual(en="add up to one number", zh="全部加成一个数")
OVER_ROWS = Bilingual(en="add up over the rows", zh="对各行求和")
PICK = Bilingual(en="pick by a condition", zh="按条件选取元素")
SHAPE_OPERATION = Bilingual(en="shape", zh="形状")

DIFFERENCES = Bilingual(en="3. Differences", zh="3. 不一样的地方")
DTYPE_DIFFERENCE = Bilingual(
    en="Random tables: NumPy's have 16 digits, PyTorch's only 7 unless another type is given (dtype=torch.float64).",
    zh="随机数表：NumPy 有约 16 位有效数字；PyTorch 默认只有约 7 位，除非另外指定（dtype=torch.float64）。",
)
SUM_DIFFERENCE = Bilingual(
    en="A sum: NumPy returns a number, PyTorch a tensor, from which .item() takes the number.",
    zh="求和：NumPy 直接得到一个数；PyTorch 得到的仍是张量，要用 .item() 把数取出来。",
)
CLEARING_DIFFERENCE = Bilingual(
    en="Gradients: the NumPy program computes them anew at each step, so there is nothing to clear. PyTorch adds each "
    "backward() to .grad, so it must be cleared, with .zero_() or with None:",
    zh="梯度：NumPy 程序每一步都重新算出梯度，没有什么要清零的。PyTorch 每次 backward() 都累加到 .grad 上，"
    "所以必须清零，用 .zero_() 或者 None：",
)
ZERO_OR_NONE = Bilingual(
    en=".zero_() keeps the memory and fills it with 0; None frees it. The next backward() gives the same numbers after "
    "either. But .zero_() needs an existing .grad: before the first backward(), or after None, it fails:",
    zh=".zero_() 保留内存并填成 0；None 则把内存释放。之后再做 backward()，两种做法得到的数相同。"
    "但 .zero_() 要求 .grad 已经存在：第一次 backward() 之前，或者设成 None 之后，它就会报错：",
)
OPTIMIZER = Bilingual(
    en="optimizer.zero_grad() sets None by default.",
    zh="optimizer.zero_grad() 默认就是设成 None。",
)
