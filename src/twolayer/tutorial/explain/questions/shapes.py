"""Questions about shapes and single entries: (N,), `*` or `@`, worked entries; and autograd's "backward a second time"."""

from __future__ import annotations

import numpy as np

from twolayer.engines import get_engine
from twolayer.engines.torch_engines import TORCH_INSTALL
from twolayer.tutorial import explain
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain.questions import AnswerSheet

SHAPE_TITLE = Bilingual(en="Why not give y the shape (N,)?", zh="y 的形状为什么不能写成 (N,)？")
SHAPE_SHORT = Bilingual(
    en="With one output the prediction is a table of 64 rows and 1 column, (64, 1). A one-dimensional y, (64,), is "
    "taken for "
    "one row and repeated for every row of the prediction. The difference is then a table of 64 × 64: every prediction "
    "minus every target. There is no error:",
    zh="只有一个输出时，预测值是 64 行 1 列的表 (64, 1)。一维数组 y 的形状是 (64,)，会被当成一行，并对预测值的每一行重"
    "复一遍。"
    "相减的结果就成了 64 × 64 的表：每个预测值减去每个目标值。而且不报错：",
)
SHAPE_CODE = """\
x, y, w1, w2 = numbers()
y_pred = predict(x, w1, w2[:, :1])
for target in (y[:, :1], y[:, 0]):
    difference = y_pred - target
    loss = np.square(difference).sum()
    print(f"y {target.shape}, difference {difference.shape}: {loss:.4g}")
try:
    gradients(x, y[:, 0], w1, w2[:, :1])
except ValueError as error:
    print(error)"""
SHAPE_NUMPY = Bilingual(
    en="The loss adds up 4096 squares in the place of 64. By hand, the program stops a few lines later, because the "
    "shapes no "
    "longer fit. With autograd it does not stop:",
    zh="损失把 4096 个平方加在一起，而不是 64 个。手写梯度的程序过几行就会因为形状对不上而停下；用自动求导则不会停：",
)
SHAPE_TORCH_CODE = """\
import torch
inputs, targets = torch.tensor(x[:, :3]), torch.tensor(y[:, 0])
a = torch.tensor(w1[:3, :20], requires_grad=True)
b = torch.tensor(0.1 * w2[:20, :1], requires_grad=True)
for t in range(1000):
    y_pred = inputs.mm(a).clamp(min=0).mm(b)
    loss = (y_pred - targets).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        a -= 1e-5 * a.grad
        b -= 1e-5 * b.grad
    a.grad = b.grad = None
y_pred = y_pred.detach()
print(f"targets: mean {targets.mean():.2f}, spread {targets.std():.2f}")
print(f"predictions: mean {y_pred.mean():.2f}, spread {y_pred.std():.2f}")"""
SHAPE_WHY = Bilingual(
    en="The smallest sum over all pairs is reached when every prediction is the mean of all targets. So the network "
    "learns to "
    "say that mean for every row: the predictions hardly differ from each other. The cure is to keep y a table: y[:, "
    ":1], or "
    "y.reshape(-1, 1).",
    zh="要让所有配对之和最小，每个预测值都得等于全部目标值的平均。于是网络学会对每一行都答这个平均值，各个预测值几乎一"
    "样。"
    "办法是让 y 保持为一张表：y[:, :1]，或者 y.reshape(-1, 1)。",
)

PRODUCT_TITLE = Bilingual(en="* or @ or .dot?", zh="该用 *、@ 还是 .dot？")
PRODUCT_SHORT = Bilingual(
    en="@ and .dot are the matrix product: row times column, added up. * multiplies entry by entry. On tables of one "
    "size "
    "both run, and give different numbers:",
    zh="@ 和 .dot 是矩阵乘法：行乘列，再相加。* 是逐个元素相乘。两张表大小相同时，两种写法都能运行，结果却不同：",
)
PRODUCT_CODE = """\
a, b = np.array([[1, 2], [3, 4]]), np.array([[10, 20], [30, 40]])
print(a * b)
print(a @ b)
print("first entry by hand:", 1 * 10, "and", 1 * 10 + 2 * 30)
x, y, w1, w2 = numbers()
print((x @ w1).shape, (x.dot(w1) == x @ w1).all())
try:
    x * w1
except ValueError as error:
    print(error)"""
PRODUCT_WHY = Bilingual(
    en="x (64, 1000) and w1 (1000, 100) fit for @, because the inner sizes are equal, and the result is (64, 100). For "
    "* the "
    "shapes must be the same, or one of them must be 1 where they differ. So * stops here; where the sizes happen to be "
    "equal it goes on with wrong numbers. In PyTorch @ and .mm are the matrix product, and * is entry by entry as well.",
    zh="x (64, 1000) 和 w1 (1000, 100) 可以用 @ 相乘，因为相邻的两个尺寸相等，结果是 (64, 100)。用 * 则要求形状相同，"
    "或者不同的那一维有一个是 1，所以这里会报错停下；碰巧尺寸相同时，它就带着错误的数继续算下去。"
    "在 PyTorch 里，@ 和 .mm 是矩阵乘法，* 也是逐个元素相乘。",
)

ENTRIES_TITLE = Bilingual(
    en="One entry of each gradient, worked by hand", zh="手算每个梯度的一个元素"
)
ENTRIES_SHORT = Bilingual(
    en="A program small enough for a pencil: 2 rows, 3 inputs, 2 units, 2 outputs, with biases. First the forward "
    "lines, then "
    "the gradients, then one entry of each, written out:",
    zh="用一个小到可以用铅笔算的程序：2 行、3 个输入、2 个单元、2 个输出，带偏置。先是前向的几行，再是梯度，"
    "然后把每个梯度的一个元素写开来算：",
)
ENTRIES_CODE = """\
import numpy as np

x = np.array([[1.0, 2.0, -1.0], [0.0, 1.0, 3.0]])
y = np.array([[1.0, 0.0], [0.0, 2.0]])
w1 = np.array([[1.0, -1.0], [2.0, 1.0], [0.0, 1.0]])
w2 = np.array([[1.0, -2.0], [3.0, 1.0]])
b1, b2 = np.array([-1.0, -1.0]), np.array([1.0, 0.0])
h = x.dot(w1) + b1
h_relu = np.maximum(h, 0)
y_pred = h_relu.dot(w2) + b2
grad_y_pred = 2.0 * (y_pred - y)
grad_w2 = h_relu.T.dot(grad_y_pred)
grad_b2 = grad_y_pred.sum(axis=0)
grad_h_relu = grad_y_pred.dot(w2.T)
grad_h = grad_h_relu.copy()
grad_h[h < 0] = 0
grad_w1 = x.T.dot(grad_h)
grad_b1 = grad_h.sum(axis=0)
print("h", h.tolist())
print("h_relu", h_relu.tolist())
print("y_pred", y_pred.tolist())
print("grad_y_pred", grad_y_pred.tolist())
print("grad_h_relu", grad_h_relu.tolist())
print("grad_h", grad_h.tolist())"""
ENTRIES = (
    Bilingual(
        en="grad_w2[0, 1] belongs to the weight from unit 0 to output 1. In each row it is the unit's value times the "
        "gradient "
        "of that output; the rows are added up: {terms} = {value}.",
        zh="grad_w2[0, 1] 对应从第 0 个单元到第 1 个输出的权重。每一行里，它是这个单元的值乘以那个输出的梯度；再把各行"
        "加起来："
        "{terms} = {value}。",
    ),
    Bilingual(
        en="grad_h_relu[0, 1] belongs to unit 1 in row 0. The unit feeds both outputs, so it collects both gradients, "
        "each "
        "times the weight that leads there: {terms} = {value}.",
        zh="grad_h_relu[0, 1] 对应第 0 行的第 1 个单元。它通向两个输出，所以把两个梯度都收回来，各自乘以通向那里的权重："
        "{terms} = {value}。",
    ),
    Bilingual(
        en="grad_h[0, 1] is {value}: h[0, 1] = {h} is below 0, so the rectifier gave 0 whatever h was, and nothing "
        "passes.",
        zh="grad_h[0, 1] 是 {value}：h[0, 1] = {h} 小于 0，不管它是多少，ReLU 都给出 0，所以什么也传不过去。",
    ),
    Bilingual(
        en="grad_b1[0] belongs to the bias of unit 0. It is added in every row, so the rows of grad_h are added up: "
        "{terms} = {value}.",
        zh="grad_b1[0] 对应第 0 个单元的偏置。它加在每一行上，所以把 grad_h 的各行加起来：{terms} = {value}。",
    ),
    Bilingual(
        en="grad_b2[1], the bias of output 1, in the same way: {terms} = {value}.",
        zh="grad_b2[1] 是第 1 个输出的偏置，同样的道理：{terms} = {value}。",
    ),
)
ENTRIES_CHECK_CODE = """\
def loss_with(w2, b1):
    h_relu = np.maximum(x.dot(w1) + b1, 0)
    return np.square(h_relu.dot(w2) + b2 - y).sum()

nudge = 1e-6
before = loss_with(w2, b1)
after = loss_with(w2 + nudge * np.array([[0, 1], [0, 0]]), b1)
print(f"w2[0, 1]: {(after - before) / nudge:.4f}")
after = loss_with(w2, b1 + nudge * np.array([1, 0]))
print(f"b1[0]: {(after - before) / nudge:.4f}")"""
ENTRIES_CHECK = Bilingual(
    en="Is it right? Raise the number itself a little, and see how many times as much the loss grows:",
    zh="算得对吗？把那个数本身增大一点点，看损失的增量是它的多少倍：",
)

TWICE_TITLE = Bilingual(
    en='"Trying to backward through the graph a second time"',
    zh="报错 “Trying to backward through the graph a second time”",
)
TWICE_SHORT = Bilingual(
    en="backward() goes back over the record of a computation and then throws the record away, to free its memory. A "
    "second "
    "backward() over any part of the same record fails. The usual reason: a line that depends on a weight stands "
    "before the "
    "loop and is computed only once.",
    zh="backward() 沿着计算的记录往回走，走完就把记录丢掉，腾出内存。对同一份记录的任何一部分再做一次 backward()，就会"
    "报错。"
    "最常见的原因：有一行用到了权重，却写在循环前面，只算了一次。",
)
TWICE_CODE = """\
import torch
x = torch.tensor([[1.0, 2.0]])
w1 = torch.tensor([[1.0], [1.0]], requires_grad=True)
h = x.mm(w1).clamp(min=0)
try:
    for t in range(2):
        loss = (h - 1).pow(2).sum()
        print(t, loss.item())
        loss.backward()
except RuntimeError as error:
    print(error)"""
TWICE_CURE = Bilingual(
    en="The cure is to compute h inside the loop, where it belongs: w1 changes, so h must be computed anew.",
    zh="办法是把 h 放回循环里：w1 变了，h 就得重新算。",
)
TWICE_CURE_CODE = """\
for t in range(3):
    h = x.mm(w1).clamp(min=0)
    loss = (h - 1).pow(2).sum()
    print(t, loss.item())
    w1.grad = None
    loss.backward()
    with torch.no_grad():
        w1 -= 0.05 * w1.grad"""
TWICE_RETAIN = Bilingual(
    en="The message proposes retain_graph=True. That keeps the record and silences the error, but in this program it "
    "would "
    "hide the mistake: h would stay that of the first w1 for ever.",
    zh="报错信息建议用 retain_graph=True：它把记录留下来，也就不报错了；可是在这个程序里，那只会掩盖错误：h 永远是用最"
    "初的 w1 算出来的。",
)


def answer_shape(sheet: AnswerSheet) -> None:
    """The shape (N,): every prediction minus every target."""
    sheet.say(SHAPE_SHORT)
    sheet.run(SHAPE_CODE)
    sheet.say(SHAPE_NUMPY)
    run_with_torch(sheet, SHAPE_TORCH_CODE)
    sheet.say(SHAPE_WHY)


def answer_product(sheet: AnswerSheet) -> None:
    """`*` or `@`: entry by entry, or row times column."""
    sheet.say(PRODUCT_SHORT)
    sheet.run(PRODUCT_CODE)
    sheet.say(PRODUCT_WHY)


def answer_entries(sheet: AnswerSheet) -> None:
    """One entry of each gradient, worked by hand, and compared with a nudge."""
    sheet.say(ENTRIES_SHORT)
    sheet.run(ENTRIES_CODE)
    n = sheet.names
    w2, b1, b2, kept = ENTRIES[0], ENTRIES[3], ENTRIES[4], n["grad_h"]
    sheet.say(
        w2,
        terms=sum_of_products(n["h_relu"][:, 0], n["grad_y_pred"][:, 1]),
        value=f"{n['grad_w2'][0, 1]:g}",
    )
    sheet.say(
        ENTRIES[1],
        terms=sum_of_products(n["grad_y_pred"][0], n["w2"][1]),
        value=f"{n['grad_h_relu'][0, 1]:g}",
    )
    sheet.say(ENTRIES[2], value=f"{kept[0, 1]:g}", h=f"{n['h'][0, 1]:g}")
    sheet.say(b1, terms=sum_of_terms(kept[:, 0]), value=f"{n['grad_b1'][0]:g}")
    sheet.say(b2, terms=sum_of_terms(n["grad_y_pred"][:, 1]), value=f"{n['grad_b2'][1]:g}")
    sheet.say(ENTRIES_CHECK)
    sheet.run(ENTRIES_CHECK_CODE)


def answer_twice(sheet: AnswerSheet) -> None:
    """Backward a second time: torch's own error, its usual cause, and the cure."""
    sheet.say(TWICE_SHORT)
    run_with_torch(sheet, TWICE_CODE)
    sheet.say(TWICE_CURE)
    run_with_torch(sheet, TWICE_CURE_CODE)
    sheet.say(TWICE_RETAIN)


def run_with_torch(sheet: AnswerSheet, source: str) -> None:
    """Show and run the source, or say that PyTorch is not installed."""
    if get_engine("torch").missing():
        sheet.say(explain.NO_TORCH_NOTE, install=TORCH_INSTALL)
    else:
        import torch  # noqa: F401  threads are limited for the libraries that are loaded

        sheet.run(source)


def sum_of_products(left: np.ndarray, right: np.ndarray) -> str:
    """Return `(1)·(2) + (3)·(4)`."""
    return " + ".join(f"({a:g})·({b:g})" for a, b in zip(left, right, strict=True))


def sum_of_terms(terms: np.ndarray) -> str:
    """Return `(1) + (2)`."""
    return " + ".join(f"({term:g})" for term in terms)
