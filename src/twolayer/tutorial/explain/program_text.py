"""The texts of the page on the program, but for the sentence of each line: these stand in `twolayer/tutorial/source`."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual

PROGRAM_TITLE = Bilingual(
    en="The two-layer program, line by line",
    zh="逐行看懂两层神经网络程序",
)
PROGRAM_INTRODUCTION = Bilingual(
    en="The input is a table x, and the output is a table y_pred, which should be close to y. Between them is one hidden "
    "layer. Every number on this page was computed just now, and every line of code is shown exactly as it ran.",
    zh="输入一张表 x，输出一张表 y_pred，目标是让 y_pred 接近 y；中间隔着一个隐藏层。"
    "本页的每个数字都是刚刚算出来的，显示的每一行代码就是实际执行的那一行。",
)
NAMES_HEADING = Bilingual(en="The names", zh="各个名字")
NAME_COLUMN = Bilingual(en="name", zh="名字")
SHAPE_COLUMN = Bilingual(en="shape", zh="形状")
MEANING_COLUMN = Bilingual(en="what it is", zh="是什么")
WHAT_IS = {
    "x": Bilingual(
        en="inputs: one row per example, one column per input",
        zh="输入：一行是一个样本，一列是一个输入",
    ),
    "y": Bilingual(en="targets: the outputs that are wanted", zh="目标值：希望得到的输出"),
    "w1": Bilingual(
        en="weights of the first layer: one column per hidden unit",
        zh="第一层的权重：一列对应一个隐藏单元",
    ),
    "b1": Bilingual(
        en="biases of the first layer: one number per hidden unit",
        zh="第一层的偏置：每个隐藏单元一个数",
    ),
    "w2": Bilingual(
        en="weights of the second layer: one column per output",
        zh="第二层的权重：一列对应一个输出",
    ),
    "b2": Bilingual(
        en="biases of the second layer: one number per output", zh="第二层的偏置：每个输出一个数"
    ),
    "h": Bilingual(
        en="hidden layer before the activation: one column per unit",
        zh="隐藏层，激活函数之前：一列是一个单元",
    ),
    "h_relu": Bilingual(en="hidden layer after the activation", zh="隐藏层，激活函数之后"),
    "y_pred": Bilingual(en="prediction: the outputs of the network", zh="预测值：实际得到的输出"),
}
SHAPE_MEANS = Bilingual(
    en="A shape is a tuple (rows, columns); (5,) is a one-dimensional array of 5 numbers, and () is a single number. "
    "Rows and columns are counted from 0.",
    zh="形状写成元组 (行数, 列数)；(5,) 表示含 5 个数的一维数组，() 表示单独一个数。行号和列号都从 0 数起。",
)

PARTS = {
    "setup": Bilingual(en="1. Data and initial weights", zh="1. 准备数据和初始权重"),
    "forward": Bilingual(en="2. Forward: from x to y_pred", zh="2. 前向传播：从 x 到 y_pred"),
    "loss": Bilingual(en="3. The loss: how large is the error?", zh="3. 损失：差了多少？"),
    "backward": Bilingual(
        en="4. Backward: the chain rule, from the loss to each weight",
        zh="4. 反向传播：用链式法则，从损失回到每个权重",
    ),
    "update": Bilingual(en="5. Update: one small step downhill", zh="5. 更新：沿下坡方向走一小步"),
}
PAGE_PARTS = {
    **PARTS,
    "loop": Bilingual(
        en="6. The loop: these lines, again and again", zh="6. 循环：把上面这些反复执行"
    ),
    "misunderstandings": Bilingual(en="7. Common misunderstandings", zh="7. 常见的误解"),
}
NO_LINE = Bilingual(
    en="there is no line {line}: the program has lines 1 to {count}",
    zh="没有第 {line} 行：程序只有第 1 到 {count} 行",
)


RANDN = Bilingual(
    en="The tutorial writes np.random.randn({rows}, {columns}). It returns an array of random numbers from the standard "
    "normal distribution (mean 0, standard deviation 1: about two in three lie between -1 and 1). Its arguments are the "
    "shape: the number of rows ({rows}) and of columns ({columns}). rng.standard_normal does the same with its own seed, "
    "and takes the shape as a tuple.",
    zh="教程里写的是 np.random.randn({rows}, {columns})。它返回一个数组，里面的随机数服从标准正态分布（均值 0，标准"
    "差 1：大约三分之二落在 -1 与 1 之间）。参数就是形状：先是行数（{rows}），再是列数（{columns}）。"
    "rng.standard_normal 的作用相同，只是种子由自己掌握，形状写成元组。",
)
DRAWN = Bilingual(
    en="{count} numbers were drawn. Their mean is {mean}, their standard deviation {deviation}, the smallest is {least} "
    "and the largest {most}; {inside} of them lie between -1 and 1.",
    zh="共抽取 {count} 个数：均值是 {mean}，标准差是 {deviation}，最小的是 {least}，最大的是 {most}；"
    "其中 {inside} 个落在 -1 与 1 之间。",
)
BY_HAND_NOTE = Bilingual(
    en="One entry by hand: row 0 of x times column 0 of w1, added up.",
    zh="手算其中一个元素：x 的第 0 行与 w1 的第 0 列对应相乘，再相加。",
)
DOT = Bilingual(
    en="x.dot(w1), x @ w1 and np.matmul(x, w1) are the same product (in this run the results {difference}); PyTorch "
    "calls it x.mm(w1). It is not x * w1, which multiplies entry by entry. The inner sizes must be equal ({inner} and "
    "{inner}); the outer sizes are the shape of the result.",
    zh="x.dot(w1)、x @ w1、np.matmul(x, w1) 是同一个矩阵乘法（本次运行中{difference}）；"
    "在 PyTorch 里写作 x.mm(w1)。它不是 x * w1，后者是逐个元素相乘。"
    "相邻的两个尺寸必须相等（{inner} 和 {inner}），外侧的两个尺寸就是结果的形状。",
)
IDENTICAL = Bilingual(en="are identical", zh="完全相同")
DIFFER = Bilingual(en="differ by at most {difference}", zh="最多相差 {difference}")
NO_BIAS_HERE = Bilingual(
    en="Many books write h = x·w1 + b1. This program has no bias b1; --bias adds it.",
    zh="许多书上写的是 h = x·w1 + b1。这个程序没有偏置 b1；加上 --bias 选项就有了。",
)
RECTIFIED = Bilingual(
    en="{count} of {total} entries were negative in h and are 0 now; the other {rest} are unchanged.",
    zh="h 的 {total} 个元素中有 {count} 个是负数，变成了 0；其余 {rest} 个不变。",
)
NONE_NEGATIVE = Bilingual(
    en="No entry of h is negative in this run, so nothing changed.",
    zh="本次运行中 h 没有负的元素，所以什么都没有变。",
)
ENTRIES_DIFFER = Bilingual(
    en="{count} of {total} entries of {after} differ from those of {before}; they lie between {least} and {most}.",
    zh="{after} 的 {total} 个元素中有 {count} 个与 {before} 不同；它们都在 {least} 与 {most} 之间。",
)
ENTRIES_CHANGED = Bilingual(
    en="{count} of {total} entries; the largest change is {largest}.",
    zh="{total} 个元素中变了 {count} 个，变化最大的一个变了 {largest}。",
)
SAME_NUMBERS_NOTE = Bilingual(
    en="nothing: grad_h has the same numbers as grad_h_relu, in its own memory.",
    zh="数值没有变：grad_h 与 grad_h_relu 数值相同，但各占各的内存。",
)
NOTHING = Bilingual(en="nothing", zh="没有")
IDENTITY = Bilingual(
    en="Without an activation, two layers are equivalent to one: y_pred = x·(w1·w2), a linear model.",
    zh="没有激活函数，两层就等于一层：y_pred = x·(w1·w2)，仍然是线性模型。",
)
IDENTITY_WITH_BIAS = Bilingual(
    en="Without an activation, two layers are equivalent to one: y_pred = x·(w1·w2) + (b1·w2 + b2), a linear model with a "
    "constant.",
    zh="没有激活函数，两层就等于一层：y_pred = x·(w1·w2) + (b1·w2 + b2)，仍然是（带常数项的）线性模型。",
)
MEAN_SQUARED = Bilingual(
    en="This is a sum of squares. The mean squared error is the sum divided by the number of squares: {loss} / ({rows} × "
    '{columns}) = {mean}; np.square(y_pred - y).mean() gives {check}. In PyTorch, MSELoss(reduction="sum") is the sum, '
    "and MSELoss() the mean.",
    zh="这是平方和。均方误差等于它除以平方的个数：{loss} / ({rows} × {columns}) = {mean}；np.square(y_pred - "
    'y).mean() 算出来是 {check}。在 PyTorch 里，MSELoss(reduction="sum") 是平方和，MSELoss() 是均值。',
)
MEAN_RATE = Bilingual(
    en="The gradients of the mean are 1/{count} as large, so the learning rate must be {count} times as large for the "
    "same steps.",
    zh="用均值时梯度缩小为 1/{count}，要走出同样的步子，学习率就要放大到 {count} 倍。",
)
DIRECTION_NOTE = Bilingual(
    en="A gradient has the shape of its variable. Each entry says how fast the loss grows when that number grows a "
    "little. Row 0, output 0: the prediction is {prediction} and the target is {target}. The prediction is too {side}, "
    "so the entry is {sign}.",
    zh="梯度的形状与对应的变量相同，每个元素回答一个问题：如果这个数增大一点点，损失会增大它的多少倍？"
    "第 0 行第 0 个输出：预测值是 {prediction}，目标值是 {target}，预测偏{side}，所以这个元素是{sign}。",
)
HIGH, LOW = Bilingual(en="high", zh="大"), Bilingual(en="low", zh="小")
POSITIVE, NEGATIVE = Bilingual(en="positive", zh="正数"), Bilingual(en="negative", zh="负数")
TRANSPOSE_NOTE = Bilingual(
    en=".T is the transpose: rows become columns. It makes the sizes fit: the result must have the shape of w2, {shape}, "
    "so that it can be subtracted from w2.",
    zh=".T 是转置：行变成列。这样尺寸才对得上：结果的形状必须与 w2 相同，即 {shape}，才能从 w2 里减去。",
)
WITHOUT_COPY = Bilingual(
    en="Why .copy()? Without it, grad_h is only a second name for the same numbers. In a run without it, the next line "
    "also overwrote {count} of the {total} entries of grad_h_relu:",
    zh="为什么要 .copy()？不复制的话，grad_h 只是同一批数的另一个名字。去掉它实际运行一次："
    "下一行连 grad_h_relu 也一起改掉了，{total} 个元素中改了 {count} 个：",
)
COPY_MATTERS = Bilingual(
    en="Here w1 and w2 are still right, because grad_h_relu is not used again. But code that prints or uses it after "
    "that line gets wrong numbers, without an error.",
    zh="在这个程序里 w1、w2 的结果不受影响，因为后面不再用到 grad_h_relu。"
    "但谁要是在这之后打印或使用它，得到的就是错的数，而且不会有任何报错。",
)
COPY_IDLE = Bilingual(
    en="Why .copy()? Without it, grad_h is only a second name for the same numbers, and changing entries of one also "
    "changes them in the other. In this run the next line changes no entry, so there is nothing to see.",
    zh="为什么要 .copy()？不复制的话，grad_h 只是同一批数的另一个名字，改了一个，另一个也跟着变。"
    "本次运行中下一行没有改动任何元素，所以看不出差别。",
)
CLEARED = Bilingual(
    en="{count} of {total} entries are cleared, the same that np.maximum set to 0; the other {rest} are unchanged.",
    zh="{total} 个元素中清零了 {count} 个，正是 np.maximum 变成 0 的那些；其余 {rest} 个不变。",
)
NONE_CLEARED = Bilingual(
    en="No entry of h is negative in this run, so none was cleared.",
    zh="本次运行中 h 没有负的元素，所以没有清零任何元素。",
)
PLACES = Bilingual(
    en="Cleared (row, column): {places}",
    zh="清零的位置（行, 列）：{places}",
)
MASK = Bilingual(
    en="h < 0 is itself an array of the same shape, True where h is negative; in the brackets it selects those entries.",
    zh="h < 0 本身也是一个同样形状的数组，h 为负的地方是 True；放在方括号里，就选中这些元素。",
)
NUDGED = Bilingual(
    en="Is it right? Raise {name}[{row}, {column}] by {nudge} and run the forward pass again: the loss goes from "
    "{before} to {after}, a change of {ratio} times the nudge. The gradient says {gradient}.",
    zh="算得对吗？把 {name}[{row}, {column}] 增大 {nudge}，重新做一次前向传播：损失从 {before} 变为 {after}，"
    "变化量是增量的 {ratio} 倍；而梯度给出的是 {gradient}。",
)
WHY_MINUS = Bilingual(
    en="The gradient points uphill, so the step goes the other way: minus. The line has the same result as w1 = w1 - "
    "learning_rate * grad_w1, but changes the array in place.",
    zh="梯度指向上坡，所以要反着走：用减号。这一行相当于 w1 = w1 - learning_rate * grad_w1，只是直接在原数组上修改。",
)
LOSS_FELL = Bilingual(
    en="After this one step the loss is {after}; before it was {before}.",
    zh="走完这一步，损失从 {before} 变为 {after}。",
)
LOSS_ROSE = Bilingual(
    en="After this one step the loss is {after}; before it was {before}. It rose: the gradient is accurate for small "
    "steps only, and this step was too long. Later steps may correct it.",
    zh="走完这一步，损失从 {before} 变为 {after}：反而变大了。梯度只对小步才准确，这一步迈得太大；后面的步子可能会补回来。",
)

LOOP_IS = Bilingual(
    en="The same lines run again and again; t counts the steps, {steps} in all. The first half only computes; the second "
    "half changes the weights.",
    zh="同样这些代码反复执行；t 是步数，一共 {steps} 步。前一半只是计算，后一半才修改权重。",
)
RAN_TWICE = Bilingual(
    en="The loop ran twice from the same weights: as it is shown (in {seconds:.2f} s), and without the second half.",
    zh="从同样的权重出发运行两次：一次照原样（用时 {seconds:.2f} 秒），一次去掉后一半。",
)
SECOND_HALF = Bilingual(
    en="second half: backward and update",
    zh="后一半：反向传播和更新",
)
WITH_BOTH = Bilingual(en="loss, both halves", zh="损失（完整）")
FORWARD_ONLY = Bilingual(en="loss, first half only", zh="损失（只有前一半）")
NEVER_CHANGES = Bilingual(
    en="Without the second half nothing changes the weights, so the loss is {loss} at every step ({steps} in all).",
    zh="没有后一半，权重就不会变，所以每一步（共 {steps} 步）的损失都是 {loss}。",
)
WEIGHTS_HEADING = Bilingual(en="w1 and w2 after each update", zh="每次更新后的 w1 和 w2")
AFTER_UPDATE = Bilingual(
    en="after update {step} (loss before it: {loss})",
    zh="第 {step} 次更新之后（更新前的损失：{loss}）",
)
UPDATES_SHOWN = Bilingual(
    en="{shown} of {steps} updates are shown; --every 1 shows each of them.",
    zh="{steps} 次更新中显示了 {shown} 次；用 --every 1 可以逐次显示。",
)

WIDTH_NOT_DEPTH = Bilingual(
    en="H is a width. n_hidden = {hidden} (H in the tutorial) is the number of units side by side in the one hidden "
    "layer; h has one column per unit. It is not a number of layers: there are two layers of weights, w1 and w2, "
    "whatever H is.",
    zh="H 是宽度。n_hidden = {hidden}（教程里的 H）是唯一一个隐藏层里并排的单元数，h 的一列对应一个单元。"
    "它不是层数：不管 H 是多少，权重总共只有 w1、w2 两层。",
)
ROWS_NOT_INPUTS = Bilingual(
    en="N is rows. n_rows = {rows} (N in the tutorial) is the number of examples in x, one per row. It is not the number "
    "of inputs, which is n_inputs = {inputs}. A single row goes through the same weights: x[:1].dot(w1) has the shape "
    "{one}.",
    zh="N 是行数。n_rows = {rows}（教程里的 N）是 x 里样本的个数，一行一个样本。它不是输入个数，输入个数是 n_inputs "
    "= {inputs}。单独一行也能通过同样的权重：x[:1].dot(w1) 的形状是 {one}。",
)
WITHOUT_BIAS = Bilingual(
    en="No bias. Books write h = x·w1 + b1 and y_pred = h_relu·w2 + b2; this program has neither b1 nor b2. As a result, "
    "for a row of zeros h is {zero}, whatever the weights. --bias runs the program with both.",
    zh="没有偏置。书上写的是 h = x·w1 + b1、y_pred = h_relu·w2 + b2；这个程序省去了 b1 和 b2。"
    "代价是：不管权重是多少，全 0 的一行得到的 h 总是 {zero}。加上 --bias 就带着两个偏置运行。",
)
WITH_BIAS = Bilingual(
    en="Bias. This run has b1 and b2 (--bias), as in the books: for a row of zeros h is {zero}, which is b1. The "
    "tutorial's program has no biases, although the formulas beside it have them.",
    zh="偏置。本次运行带有 b1 和 b2（--bias），与书上的公式一致：全 0 的一行得到的 h 是 {zero}，也就是 b1。"
    "教程里的程序省去了偏置，尽管旁边的公式里写着。",
)
WHICH_SIDE = Bilingual(
    en="Rows times weights. Here an example is a row, and h = x·w1. In many books an example is a column, and h = W·x "
    "with W = w1ᵀ, of the shape {turned}. The results agree: w1.T.dot(x[0]) and x[0].dot(w1) {difference}.",
    zh="是行乘权重。这里一个样本是一行，h = x·w1。许多书上一个样本是一列，h = W·x，其中 W = w1ᵀ，形状是 {turned}。"
    "算出来的数是一样的：w1.T.dot(x[0]) 与 x[0].dot(w1) {difference}。",
)
GPU_NOT_HERE = Bilingual(
    en='"GPUs are 50 times faster." Not at this size. The products of one step take {products:,} multiplications. In '
    "such a short step a GPU mostly waits for its next instruction. It pays when each step has many more multiplications.",
    zh="“GPU 快 50 倍”：在这个规模上并非如此。一步里的几次矩阵相乘，合起来只有 {products:,} 次乘法，"
    "这么短的一步，GPU 的大部分时间都在等下一条指令。每一步的乘法多得多的时候，GPU 才划算。",
)
GPU_MAYBE = Bilingual(
    en='"GPUs are 50 times faster." Not at the tutorial\'s size (13 million multiplications per step), where a GPU mostly '
    "waits for its next instruction. The products of a step of this run take {products:,}: here a GPU may well pay.",
    zh="“GPU 快 50 倍”：在教程的规模上（每步约 1300 万次乘法）并非如此，那时 GPU 大多在等下一条指令。"
    "本次运行的一步有 {products:,} 次乘法：这个规模上 GPU 可能是划算的。",
)
NUMPY_TOOK = Bilingual(
    en="In the loop above NumPy took {milliseconds:.2g} ms per step.",
    zh="在上面的循环里，NumPy 每步用了 {milliseconds:.2g} 毫秒。",
)
MEASURE = Bilingual(
    en="`twolayer ladder` prints the table for this machine; `twolayer explain --topic timing` shows how to measure.",
    zh="`twolayer ladder` 会列出本机上的实际对比；`twolayer explain --topic timing` 说明怎样正确计时。",
)
MORE = Bilingual(
    en="More: twolayer explain --topic why | autograd | timing | numpy-torch. An example small enough to check by hand: "
    "twolayer explain --n-rows 2 --n-inputs 3 --n-hidden 4 --n-outputs 1 --learning-rate 0.01",
    zh="更多内容：twolayer explain --topic why | autograd | timing | numpy-torch。小到可以手算验证的例子：twolayer explain "
    "--n-rows 2 --n-inputs 3 --n-hidden 4 --n-outputs 1 --learning-rate 0.01",
)
