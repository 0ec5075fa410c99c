"""Questions about rows that training did not see: noise, a new row, overfitting, hidden units, the columns of w1."""

from __future__ import annotations

import numpy as np

from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain.questions import AnswerSheet

NOISE_TITLE = Bilingual(
    en="What has it learnt? The data is noise", zh="数据全是噪声，它到底学到了什么？"
)
NOISE_SHORT = Bilingual(
    en="The rows themselves, and nothing that holds for other rows. New rows are drawn in the same way, and the trained "
    "network predicts them:",
    zh="它只是记住了这些行，没有学到对别的行也成立的东西。用同样的方式抽取新的行，让训练好的网络来预测：",
)
NOISE_CODE = """\
x, y, w1, w2 = numbers()
rng = np.random.default_rng(12345)
x_new, y_new = rng.standard_normal(x.shape), rng.standard_normal(y.shape)
for rate in (1e-7, 1e-6):
    losses, w1_end, w2_end = train(x, y, w1, w2, rate)
    known = np.square(predict(x, w1_end, w2_end) - y).sum()
    new = np.square(predict(x_new, w1_end, w2_end) - y_new).sum()
    print(f"rate {rate:g}: training rows {known:.3g}, new rows {new:.3g}")
start = np.square(predict(x_new, w1, w2) - y_new).sum()
print(f"before training: new rows {start:.3g}")
zero, zero_new = np.square(y).sum(), np.square(y_new).sum()
print(f"predicting 0: training rows {zero:.3g}, new rows {zero_new:.3g}")"""
NOISE_WHY = Bilingual(
    en="101,000 weights can store 640 numbers without any rule behind them. On new rows the network costs about "
    "{times} times "
    "as much as predicting 0. The reason: grad_w1 = x.T.dot(grad_h) is made of the 64 rows of x, so w1 changes only "
    "along "
    "these 64 directions of 1000. In all others it is still what was drawn at random, and a new row meets mostly those.",
    zh="101,000 个权重足够存下 640 个毫无规律的数。在新的行上，网络的损失大约是处处预测 0 的 {times} 倍。"
    "原因在于 grad_w1 = x.T.dot(grad_h) 是由 x 的 64 行组成的，所以在 1000 个方向里，w1 只沿着这 64 个方向改变；"
    "在其余的方向上，它还是当初随机抽取的样子，而新的行碰到的大多是这些方向。",
)
NOISE_MORAL = Bilingual(
    en="A loss near 0 on the rows of training says nothing by itself. Ask for the loss on rows that were left out.",
    zh="训练行上的损失接近 0，本身什么也说明不了。要问的是：在留出来没有参加训练的行上，损失是多少？",
)

ROW_TITLE = Bilingual(en="How do I predict a new row?", zh="怎样预测新的一行？")
ROW_SHORT = Bilingual(
    en="With the two lines of the forward pass and the trained weights. Nothing else is needed, and nothing is "
    "trained. The "
    "row must have the same columns, in the same order and the same units, as x had:",
    zh="用前向传播的那两行代码和训练好的权重就行，别的都不需要，也不再训练。新的行必须和 x 有同样的列、同样的顺序、同样"
    "的单位：",
)
ROW_CODE = """\
x, y, w1, w2 = numbers()
losses, w1_end, w2_end = train(x, y, w1, w2, 1e-6)
row = np.random.default_rng(12345).standard_normal(1000)
print(row.shape, predict(row, w1_end, w2_end).shape)
table = row[np.newaxis]
print(table.shape, predict(table, w1_end, w2_end).shape)
try:
    predict(row[:999], w1_end, w2_end)
except ValueError as error:
    print(error)
print("row 0 of training:", predict(x[0], w1_end, w2_end)[:3].round(3))
print("its target:", y[0, :3].round(3))
print("the new row:", predict(row, w1_end, w2_end)[:3].round(3))"""
ROW_WHY = Bilingual(
    en="A single row may be a one-dimensional array of 1000 numbers or a table of one row; the answer has the same "
    "form. With "
    "999 numbers the product has no meaning, and NumPy says so. For a row of training the prediction is almost its "
    "target. For the "
    "new row it is arbitrary, because there was no rule to learn (see the question noise). If the columns were scaled "
    "for "
    "training, scale the new row with the same numbers: those of training, not its own.",
    zh="单独一行可以写成含 1000 个数的一维数组，也可以写成只有一行的表，得到的结果形式相同。只有 999 个数时乘法没有意义，"
    "NumPy 会报错。对训练过的行，预测值几乎就是它的目标值；对新的行，结果是随意的，因为根本没有规律可学（见问题 noise）。"
    "如果训练前各列做过缩放，新的行要用同样的数来缩放：用训练时的均值和标准差，而不是它自己的。",
)

OVERFITTING_TITLE = Bilingual(en="What is overfitting?", zh="什么是过拟合？")
OVERFITTING_SHORT = Bilingual(
    en="Here there is something to learn: y is the first column of x plus noise of variance 1. There are 20 rows to "
    "train on "
    "and 1000 new ones. The mean squared error on both, as training goes on:",
    zh="这次有规律可学：y 等于 x 的第一列加上方差为 1 的噪声。训练用 20 行，另有 1000 行新的。训练过程中两边的均方误差：",
)
OVERFITTING_CODE = """\
rng = np.random.default_rng({seed})
x, x_new = rng.standard_normal((20, 5)), rng.standard_normal((1000, 5))
y = x[:, :1] + rng.standard_normal((20, 1))
y_new = x_new[:, :1] + rng.standard_normal((1000, 1))
w1 = 0.3 * rng.standard_normal((5, 50))
w2 = 0.1 * rng.standard_normal((50, 1))
done, course = 0, {{}}
for step in (0, 10, 30, 100, 300, 1000, 3000, 10000):
    losses, w1, w2 = train(x, y, w1, w2, 2e-4, steps=step - done)
    known = np.square(predict(x, w1, w2) - y).mean()
    new = np.square(predict(x_new, w1, w2) - y_new).mean()
    print(f"step {{step}}: training rows {{known:.3f}}, new rows {{new:.3f}}")
    done, course[step] = step, new"""
OVERFITTING_WHY = Bilingual(
    en="On the rows of training the error falls all the time. On new rows it is lowest at step {best} ({lowest}) and "
    "then "
    "rises to {last}: from there on the network learns the noise of the 20 rows, which no new row shares. No network can "
    "come far below 1 on new rows, the variance of the noise; predicting 0 costs {zero}.",
    zh="在训练行上误差一直在降；在新的行上，第 {best} 步时最低（{lowest}），以后又升到 {last}：从那时起，网络学的是这 "
    "20 行自己的噪声，"
    "新的行并没有同样的噪声。在新的行上，谁也不可能比噪声的方差 1 低多少；预测 0 的误差是 {zero}。",
)
OVERFITTING_MORAL = Bilingual(
    en="Cures: stop at the lowest point on rows left out (early stopping), pull the weights towards 0 (weight decay), "
    "take "
    "more rows. `twolayer fit` does the second and chooses how much by rows left out.",
    zh="办法：在留出的行上误差最低时停下来（提前停止）；把权重拉向 0（权重衰减）；多用一些行。"
    "`twolayer fit` 用的是第二种，拉多少由留出的行来决定。",
)

UNITS_TITLE = Bilingual(en="How many hidden units?", zh="隐藏单元要多少个？")
UNITS_SHORT = Bilingual(
    en="There is no formula: try some and look at new rows. Here the task is the quadrant of a point. Twelve points to "
    "train "
    "on, 1000 new ones, three random starts for each number of units. A third column of ones takes the place of a bias:",
    zh="没有公式：试几种，看新的行上哪个好。这里的任务是判断一个点在第几象限。训练用 12 个点，另有 1000 个新的点，"
    "每种单元数试三个随机起点。第三列全是 1，代替偏置：",
)
QUADRANTS_CODE = """\
rng = np.random.default_rng({seed})
points = [(a * u, b * v) for a, b in ((1, 1), (10, 1), (1, 10))
          for u, v in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
x, y = np.column_stack([points, np.ones(12)]), np.eye(4)[[0, 1, 2, 3] * 3]
"""
UNITS_CODE = (
    QUADRANTS_CODE
    + """\
x_new = np.column_stack([rng.uniform(-10, 10, (1000, 2)), np.ones(1000)])
right, up = x_new[:, 0] > 0, x_new[:, 1] > 0
quadrant = np.where(up, np.where(right, 0, 1), np.where(right, 3, 2))
found = {{}}
for units in (1, 2, 4, 10, 100):
    known, new = [], []
    for start in range(3):
        w1 = rng.standard_normal((3, units))
        w2 = rng.standard_normal((units, 4)) / units
        rate = 2e-3 / (units + 5)
        losses, w1, w2 = train(x, y, w1, w2, rate, steps=2000)
        known.append(predict(x, w1, w2).argmax(axis=1) == y.argmax(axis=1))
        new.append(predict(x_new, w1, w2).argmax(axis=1) == quadrant)
    found[units] = np.mean(new)
    print(f"{{units}} units: right on {{np.mean(known):.0%}} of the points, "
          f"{{found[units]:.0%}} of new ones")"""
)
UNITS_WHY = Bilingual(
    en="Each unit is a line in the plane, with a value on one side of it and 0 on the other (see the question "
    "columns). A "
    "single unit knows two sides only: it is right on {few} of the new points; 100 units are right on {many}. Beyond "
    "what "
    "the task needs, more units cost time, need a smaller rate (here 2e-3 / (units + 5)), and can store noise.",
    zh="每个单元相当于平面上的一条直线：一侧有值，另一侧是 0（见问题 columns）。只有 1 个单元时，"
    "只分得出两侧，新的点答对 {few}；有 100 个单元时答对 {many}。超过任务需要的单元只会费时间、要求更小的学习率（这里"
    "取 2e-3 / (单元数 + 5)），"
    "还会拿去记噪声。",
)

COLUMNS_TITLE = Bilingual(en="What do the columns of w1 mean?", zh="w1 的各列是什么意思？")
COLUMNS_SHORT = Bilingual(
    en="Column j of w1 holds the weights with which unit j reads the inputs. Where x.dot(w1[:, j]) is above 0 the unit "
    "is on. "
    "Six units, trained on the quadrants; 1 where a unit is on, one column per unit:",
    zh="w1 的第 j 列是第 j 个单元读取各个输入时用的权重。x.dot(w1[:, j]) 大于 0 的地方，这个单元是亮的。"
    "用象限的数据训练 6 个单元；下面亮的地方写 1，一列对应一个单元：",
)
COLUMNS_CODE = (
    QUADRANTS_CODE
    + """\
w1, w2 = rng.standard_normal((3, 6)), rng.standard_normal((6, 4)) / 6
losses, w1, w2 = train(x, y, w1, w2, 2e-4, steps=5000)
print(w1.round(2))
for point, on in zip(points, (x.dot(w1) > 0).astype(int)):
    print(f"point {{point}}: {{on}}")
print(w2.round(2))"""
)
COLUMNS_WHY = Bilingual(
    en="The first row of w1 multiplies the point's first coordinate, the second row the second, the third the constant "
    "1. Unit "
    "0 is on where {a}·first + {b}·second + {c} is above 0: on one side of a line. Row 0 of w2 belongs to the same "
    "unit: it says how much the unit, when it is on, adds to each of the four outputs per unit of its value.",
    zh="w1 的第一行乘以点的第一个坐标，第二行乘以第二个坐标，第三行乘以常数 1。当 {a}·第一坐标 + {b}·第二坐标 + {c} 大"
    "于 0 时，"
    "第 0 个单元是亮的：也就是在一条直线的某一侧。w2 中对应的那一行 w2[0]，说明它亮的时候，按自身的值给四个输出各加多少"
    "倍。",
)
COLUMNS_NOISE_CODE = """\
x, y, w1, w2 = numbers()
losses, w1_end, w2_end = train(x, y, w1, w2, 1e-6, steps=200)
change = np.linalg.norm(w1_end - w1)
length = np.linalg.norm(w1)
print(f"length of w1: {length:.1f}, of its change: {change:.1f}")"""
COLUMNS_NOISE = Bilingual(
    en="In the tutorial's own run the columns mean nothing: the data is noise, and after 200 steps w1 has changed by "
    "only "
    "{share} of its length. Read weights only if the network is good on new rows; and units come in any order, so unit "
    "3 of "
    "one run is not unit 3 of another.",
    zh="在教程自己的例子里，各列没有什么意思：数据是噪声，200 步之后 w1 的变化只有自身长度的 {share}。"
    "只有网络在新的行上也好，权重才值得看；而且单元的次序是随意的，这次的第 3 个单元不是下一次的第 3 个单元。",
)


def answer_noise(sheet: AnswerSheet) -> None:
    """What it learnt from noise: the rows of training, and nothing for new ones."""
    sheet.say(NOISE_SHORT)
    sheet.run(NOISE_CODE)
    times = sheet.names["new"] / sheet.names["zero_new"]
    sheet.say(NOISE_WHY, times=f"{times:,.2g}" if times < 10 else f"{float(f'{times:.1g}'):,.0f}")
    sheet.say(NOISE_MORAL)


def answer_row(sheet: AnswerSheet) -> None:
    """A new row: its shape, its columns, and its prediction."""
    sheet.say(ROW_SHORT)
    sheet.run(ROW_CODE)
    sheet.say(ROW_WHY)


def answer_overfitting(sheet: AnswerSheet) -> None:
    """Overfitting: the error on new rows falls, then rises."""
    sheet.say(OVERFITTING_SHORT)
    sheet.run(OVERFITTING_CODE.format(seed=sheet.seed))
    course = sheet.names["course"]
    best = min(course, key=course.get)
    zero = np.square(sheet.names["y_new"]).mean()
    figures = {"lowest": course[best], "last": course[max(course)], "zero": zero}
    sheet.say(
        OVERFITTING_WHY, best=best, **{name: f"{value:.3f}" for name, value in figures.items()}
    )
    sheet.say(OVERFITTING_MORAL)


def answer_units(sheet: AnswerSheet) -> None:
    """How many units: the quadrants with 1 to 100."""
    sheet.say(UNITS_SHORT)
    sheet.run(UNITS_CODE.format(seed=sheet.seed))
    found = sheet.names["found"]
    sheet.say(UNITS_WHY, few=f"{found[1]:.0%}", many=f"{found[100]:.0%}")


def answer_columns(sheet: AnswerSheet) -> None:
    """What the columns of w1 mean: lines in the plane; and nothing where the data is noise."""
    sheet.say(COLUMNS_SHORT)
    sheet.run(COLUMNS_CODE.format(seed=sheet.seed))
    a, b, c = (f"({weight:.2f})" for weight in sheet.names["w1"][:, 0])
    sheet.say(COLUMNS_WHY, a=a, b=b, c=c)
    sheet.run(COLUMNS_NOISE_CODE)
    sheet.say(COLUMNS_NOISE, share=f"{sheet.names['change'] / sheet.names['length']:.0%}")
