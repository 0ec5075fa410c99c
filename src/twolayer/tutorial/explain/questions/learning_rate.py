"""Questions about the learning rate and the start: why 1e-6, how large, sum or mean, a loss of 3e7, zeros."""

from __future__ import annotations

import numpy as np

from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain.questions import AnswerSheet
from twolayer.tutorial.layout import format_short

RATE_TITLE = Bilingual(en="Why is the learning rate 1e-6?", zh="学习率为什么是 1e-6？")
RATE_SHORT = Bilingual(
    en="Because the gradients of this program are huge. The learning rate turns a gradient into a step, so it must be "
    "small "
    "where gradients are large. Four rates, tried:",
    zh="因为这个程序的梯度非常大。学习率把梯度变成步子，梯度大，学习率就得小。下面试四个学习率：",
)
RATE_CODE = """\
x, y, w1, w2 = numbers()
last = {}
for rate in (1e-8, 1e-7, 1e-6, 1e-5):
    losses = train(x, y, w1, w2, rate)[0]
    last[rate] = losses[-1]
    print(f"rate {rate:g}: {losses[0]:.3g} at first, "
          f"{losses[-1]:.3g} at step {len(losses) - 1}")"""
RATE_BEST = Bilingual(
    en="Of these, {best} ends lowest. A smaller rate goes the same way in shorter steps and does not get there in 500 "
    "steps. At a rate that is too large, the loss grows until it is no number any more (inf).",
    zh="其中 {best} 的结果最低。学习率更小，走的方向相同，只是步子短，500 步走不到；学习率太大，损失越来越大，直到不再"
    "是数（inf）。",
)
RATE_STEP_CODE = """\
loss, grad_w1, grad_w2 = gradients(x, y, w1, w2)
for rate in (1e-7, 1e-6, 1e-5):
    far1, far2 = rate * abs(grad_w1).max(), rate * abs(grad_w2).max()
    print(f"rate {rate:g}: w1 moves up to {far1:.2g}, w2 up to {far2:.2g}")"""
RATE_STEP = Bilingual(
    en="The weights were drawn with a standard deviation of 1. With 1e-6, the first step moves no weight of w2 by more "
    "than "
    "{step}; with 1e-5 by up to {far}, which is far more than the weights themselves.",
    zh="权重抽取时标准差是 1。用 1e-6，第一步里 w2 的任何一个权重最多移动 {step}；用 1e-5 最多移动 {far}，比权重本身还"
    "大得多。",
)
RATE_MORAL = Bilingual(
    en="So 1e-6 is no magic number. It belongs to this program: a sum over 640 squares, 1000 inputs and 100 units of "
    "size 1. "
    "With other sizes, other data or a mean in place of the sum it is another one.",
    zh="所以 1e-6 并不是什么神奇的数。它只适合这个程序：640 个平方之和、1000 个输入、100 个单元，大小都在 1 左右。"
    "换了尺寸、换了数据，或者用均值代替总和，就要换一个学习率。",
)

LIMIT_TITLE = Bilingual(en="How large may the learning rate be?", zh="学习率最大能取多少？")
LIMIT_VALLEY = Bilingual(
    en="Near its lowest point a loss looks like a valley with a round floor. At the distance d from the lowest point the "
    "slope is λ·d; λ, the curvature, says how steep the valley is. A step moves by rate·λ·d. With rate = 1/λ it ends "
    "exactly "
    "at the lowest point, up to 2/λ it goes past it but ends nearer, beyond 2/λ it ends further away than it began. With "
    "many weights the strongest curvature decides. Here it is measured: from the change of the gradient along a "
    "direction, "
    "turned again and again to where that change is largest.",
    zh="在最低点附近，损失像一个底部圆滑的山谷。离最低点的距离是 d 时，坡度是 λ·d；λ 叫曲率，表示山谷有多陡。"
    "一步移动 学习率·λ·d：学习率等于 1/λ 时正好落在最低点；不超过 2/λ 时会越过它，但离得更近；超过 2/λ，落点就比出发点"
    "更远。"
    "权重有很多个时，由弯曲最厉害的方向决定。下面实际测量：看梯度沿某个方向怎样变化，再一次次转向变化最大的方向。",
)
LIMIT_CODE = """\
x, y, w1, w2 = numbers()
loss, d1, d2 = gradients(x, y, w1, w2)
for i in range(40):
    curvature = np.sqrt(np.square(d1).sum() + np.square(d2).sum())
    d1, d2 = 1e-5 * d1 / curvature, 1e-5 * d2 / curvature
    ahead = gradients(x, y, w1 + d1, w2 + d2)
    behind = gradients(x, y, w1 - d1, w2 - d2)
    d1, d2 = (ahead[1] - behind[1]) / 2e-5, (ahead[2] - behind[2]) / 2e-5
print(f"curvature {curvature:.3g}, 2 / curvature = {2 / curvature:.3g}")"""
LIMIT_RUNS = Bilingual(
    en="Rates below and above that bound, 200 steps each; a unit is dead if it is below 0 for every row:",
    zh="取这个界限以下和以上的几个学习率，各走 200 步；一个单元对每一行都小于 0，就算“死了”：",
)
LIMIT_RUNS_CODE = """\
for rate in (5e-7, 1e-6, 2e-6, 5e-6):
    losses, w1_end, w2_end = train(x, y, w1, w2, rate, steps=200)
    dead = (x.dot(w1_end) < 0).all(axis=0).sum()
    print(f"rate {rate:g}: largest loss {max(losses):.3g}, "
          f"last {losses[-1]:.3g}, dead units {dead}")
print(f"predicting 0 everywhere costs {np.square(y).sum():.4g}")"""
LIMIT_MORAL = Bilingual(
    en="The bound is {bound} at the start, so the tutorial's 1e-6 is {side} it. The curvature changes as the weights "
    "move: "
    "a run may rise first, come to where the valley is rounder, and fall from there. If it is thrown too far, units die "
    "(their gradient is 0, so they stay dead) and the loss stops near that of predicting 0; or it never comes back.",
    zh="起点处的界限是 {bound}，教程用的 1e-6 {side}。权重移动时曲率也在变：损失可能先上升，到了山谷较平缓的地方再降下"
    "来。"
    "要是被抛得太远，有些单元就死了（梯度是 0，再也活不过来），损失停在“处处预测 0”附近；再远就回不来了。",
)
ABOVE = Bilingual(en="just above", zh="略大于它")
BELOW = Bilingual(en="below", zh="小于它")

START_TITLE = Bilingual(
    en="The loss begins at 3e7. Is that wrong?", zh="损失一开始就有 3e7，是不是错了？"
)
START_SHORT = Bilingual(
    en="No. It is what random weights cost in a program of this size. Five starts:",
    zh="没有错。这么大的程序，用随机的权重，损失就是这么多。试五个起点：",
)
START_CODE = """\
for seed in range(5):
    print(f"seed {seed}: {gradients(*numbers(seed))[0]:.4g}")
x, y, w1, w2 = numbers()
h = x.dot(w1)
h_relu = np.maximum(h, 0)
y_pred = h_relu.dot(w2)
arrays = {"y": y, "h": h, "h_relu": h_relu, "y_pred": y_pred}
for name, array in arrays.items():
    print(f"mean square of {name}: {np.square(array).mean():.4g}")"""
START_WHY = Bilingual(
    en="Each entry of h adds up 1000 products of two numbers of mean square 1: its mean square is about 1000. The "
    "rectifier "
    "sets half of them to 0: 500. Each entry of y_pred adds up 100 of them, each times a number of mean square 1: "
    "50,000. "
    "The targets, about 1, hardly matter beside that. There are 64 × 10 = 640 squares, so the loss is about 640 × "
    "50,001 = "
    "{expected}. Whether that is good or bad shows only beside another number: predicting 0 everywhere costs {zero}.",
    zh="h 的每个元素由 1000 个乘积相加而成，每个乘积的平方平均是 1，所以 h 的平方平均约为 1000。ReLU 把一半变成 0：剩 "
    "500。"
    "y_pred 的每个元素又由 100 个这样的数乘以平方平均为 1 的数相加而成：50,000。目标值只有 1 左右，相比之下微不足道。"
    "一共 64 × 10 = 640 个平方，所以损失大约是 640 × 50,001 = {expected}。是好是坏，要和别的数比：处处预测 0 的损失是 "
    "{zero}。",
)

ZEROS_TITLE = Bilingual(en="Why not start with zeros?", zh="权重为什么不从 0 开始？")
ZEROS_SHORT = Bilingual(
    en="Because then nothing moves; and if all weights start at one other number, all units stay alike. Three starts, "
    "100 "
    "steps each:",
    zh="因为那样什么都动不了；要是都从另一个相同的数开始，所有单元就永远一模一样。三种起点，各走 100 步：",
)
ZEROS_CODE = """\
x, y, w1, w2 = numbers()
for name, a, b in (("all 0", 0 * w1, 0 * w2),
                   ("all 0.1", 0 * w1 + 0.1, 0 * w2 + 0.1),
                   ("random", w1, w2)):
    losses, a, b = train(x, y, a, b, 1e-6, steps=100)
    different = len(np.unique(a.round(6), axis=1).T)
    print(f"{name}: {losses[0]:.4g} at first, {losses[-1]:.4g} at last, "
          f"{different} different units")"""
ZEROS_WHY = Bilingual(
    en="With zeros h and h_relu are 0, so grad_w2 = h_relu.T.dot(grad_y_pred) is 0; w2 is 0, so grad_h_relu = "
    "grad_y_pred.dot(w2.T) is 0, and grad_w1 with it. The loss stays at {zero}, that of predicting 0. With 0.1 "
    "everywhere, "
    "every unit computes the same number, so every unit gets the same gradient, at every step: 100 units do the work of "
    "one. Random numbers make them different from the start.",
    zh="全是 0 时，h 和 h_relu 都是 0，所以 grad_w2 = h_relu.T.dot(grad_y_pred) 是 0；w2 是 0，所以 grad_h_relu = "
    "grad_y_pred.dot(w2.T) 是 0，grad_w1 也跟着是 0。损失一直是 {zero}，也就是预测 0 的损失。全是 0.1 时，每个单元算出"
    "同样的数，"
    "每一步得到同样的梯度：100 个单元只顶一个用。随机数让它们从一开始就各不相同。",
)

MEAN_TITLE = Bilingual(en="The sum of the squares, or their mean?", zh="损失用平方和，还是用均值？")
MEAN_SHORT = Bilingual(
    en="Either, but the learning rate goes with it. The mean is the sum divided by {count}, the number of entries of "
    "y, and "
    "so is its gradient. With the same rate its steps are 1/{count} as long; with {count} times the rate they are the "
    "same:",
    zh="都可以，只是学习率要跟着变。均值等于总和除以 {count}（y 的元素个数），梯度也一样。学习率不变，步子就只有 "
    "1/{count} 长；"
    "学习率放大到 {count} 倍，走的就是同样的步子：",
)
MEAN_CODE = """\
x, y, w1, w2 = numbers()
losses = train(x, y, w1, w2, 1e-6, steps=100)[0]
print(f"sum, rate 1e-06: {losses[-1]:.6g}")
for rate in (1e-6, y.size * 1e-6):
    a, b = w1.copy(), w2.copy()
    for t in range(100):
        loss, grad_a, grad_b = gradients(x, y, a, b)
        mean = loss / y.size
        a -= rate * grad_a / y.size
        b -= rate * grad_b / y.size
    print(f"mean, rate {rate:g}: {mean:.6g}, times 640: {mean * 640:.6g}")"""
MEAN_MORAL = Bilingual(
    en="The figures are the losses at step 99. A mean keeps its size when rows are added, so a rate that suits 64 rows "
    "suits 6400 as well, more or less: that is why most libraries take the mean. PyTorch's MSELoss() is the mean over "
    "all entries, "
    'MSELoss(reduction="sum") the sum. If you change from one to the other, change the rate too.',
    zh="这些数是第 99 步的损失。均值不会因为行数增加而变大，适合 64 行的学习率，对 6400 行也还合适，所以多数库用均值。"
    'PyTorch 的 MSELoss() 是所有元素的均值，MSELoss(reduction="sum") 是总和。换成另一种，学习率也要一起换。',
)


def answer_rate(sheet: AnswerSheet) -> None:
    """Why 1e-6: four rates, and how far the first step goes."""
    sheet.say(RATE_SHORT)
    sheet.run(RATE_CODE)
    last = sheet.names["last"]
    best = min((rate for rate in last if np.isfinite(last[rate])), key=lambda rate: last[rate])
    sheet.say(RATE_BEST, best=format_short(best))
    sheet.run(RATE_STEP_CODE)
    largest = np.abs(sheet.names["grad_w2"]).max()
    sheet.say(RATE_STEP, step=f"{1e-6 * largest:.2g}", far=f"{1e-5 * largest:.2g}")
    sheet.say(RATE_MORAL)


def answer_limit(sheet: AnswerSheet) -> None:
    """How large: the bound 2/λ, and runs on both sides of it."""
    sheet.say(LIMIT_VALLEY)
    sheet.run(LIMIT_CODE)
    sheet.say(LIMIT_RUNS)
    sheet.run(LIMIT_RUNS_CODE)
    bound = 2 / sheet.names["curvature"]
    side = sheet.page.text(BELOW if bound > 1e-6 else ABOVE)
    sheet.say(LIMIT_MORAL, bound=f"{bound:.3g}", side=side)


def answer_start(sheet: AnswerSheet) -> None:
    """Is 3e7 wrong: what random weights cost, and why."""
    sheet.say(START_SHORT)
    sheet.run(START_CODE)
    zero = np.square(sheet.names["y"]).sum()
    sheet.say(START_WHY, expected=f"{640 * 50_001:.3g}", zero=f"{zero:.4g}")


def answer_zeros(sheet: AnswerSheet) -> None:
    """Zeros to start: nothing moves, or all units stay alike."""
    sheet.say(ZEROS_SHORT)
    sheet.run(ZEROS_CODE)
    sheet.say(ZEROS_WHY, zero=f"{np.square(sheet.names['y']).sum():.4g}")


def answer_mean(sheet: AnswerSheet) -> None:
    """Sum or mean: the same steps at another rate."""
    sheet.say(MEAN_SHORT, count=640)
    sheet.run(MEAN_CODE)
    sheet.say(MEAN_MORAL)
