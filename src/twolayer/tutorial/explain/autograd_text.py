"""The texts of the page on autograd."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual

AUTOGRAD_TITLE = Bilingual(
    en="Autograd: PyTorch computes the gradients", zh="自动求导：让 PyTorch 来算梯度"
)
AUTOGRAD_INTRODUCTION = Bilingual(
    en="All code below ran just now in PyTorch {version}; lines behind a bar are its output.",
    zh="以下代码都是刚刚在 PyTorch {version} 里运行的；竖线后面是它打印的内容。",
)

ONE_LINE_HEADING = Bilingual(en="1. Autograd in one line", zh="1. 一行代码看懂自动求导")
RECORDS = Bilingual(
    en="requires_grad=True makes PyTorch record every computation with a tensor. backward() follows the record backwards "
    "by the chain rule and stores each derivative in .grad.",
    zh="requires_grad=True 让 PyTorch 记录从这个张量出发做了哪些运算；backward() 沿着记录用链式法则往回走，"
    "把各个导数放进 .grad。",
)
ONE_LINE_SAYS = Bilingual(
    en="y = w·x + b at x = 1, w = 2, b = 3. By hand: dy/dx = w = 2, dy/dw = x = 1, dy/db = 1. These are the same three "
    "numbers.",
    zh="y = w·x + b，取 x = 1、w = 2、b = 3。手算：dy/dx = w = 2，dy/dw = x = 1，dy/db = 1。三个数完全一致。",
)

NETWORK_HEADING = Bilingual(
    en="2. The two-layer program with autograd", zh="2. 用自动求导写两层网络"
)
NETWORK_IS = Bilingual(
    en="The forward half is that of the NumPy program. The backward half, all its grad_ lines, is now loss.backward(). "
    "The data and the initial weights are those of the NumPy program too; requires_grad=True marks the weights.",
    zh="前一半与 NumPy 程序相同；后一半里所有 grad_ 开头的行都变成了一句 loss.backward()。"
    "起始的数也与 NumPy 程序相同；requires_grad=True 标明哪些是要求梯度的权重。",
)
NO_GRAD = Bilingual(
    en="torch.no_grad(): the update is not part of the function to differentiate, so it must not be recorded.",
    zh="torch.no_grad()：更新不属于要求导的函数，所以不让它被记录。",
)
IN_PLACE = Bilingual(
    en="w1 -= ...: the update is in place, so w1 stays the same tensor, a leaf (created by you, not computed), and "
    "backward() fills the .grad of leaves.",
    zh="w1 -= ...：原地修改，w1 始终是同一个张量，是叶子张量（由你创建，不是算出来的），.grad 才会被填入。",
)
CLEAR = Bilingual(
    en="w1.grad = None: backward() adds to .grad and does not replace it, so it must be cleared before the next step.",
    zh="w1.grad = None：backward() 是往 .grad 上累加，而不是覆盖，所以下一步之前必须清零。",
)
COMPARED = Bilingual(
    en="{steps} steps took {seconds:.2f} s. The same loop in NumPy, with gradients by hand, gives the same losses: the "
    "largest relative difference of any step is {difference}.",
    zh="{steps} 步用时 {seconds:.2f} 秒。用 NumPy 手写梯度的同一个循环给出同样的损失：各步中最大的相对差是 {difference}。",
)
AUTOGRAD_DIVERGED = Bilingual(
    en="At step {step} the loss is no longer a finite number: the learning rate {rate:g} is too large.",
    zh="到第 {step} 步，损失已经不是有限的数：学习率 {rate:g} 太大。",
)
AUTOGRAD_LABEL = Bilingual(en="autograd", zh="自动求导")
BY_HAND_LABEL = Bilingual(en="NumPy, by hand", zh="NumPy 手写梯度")

TRAPS = Bilingual(en="3. Four traps, and their cures", zh="3. 四个陷阱，以及解决办法")
TRAPS_ARE = Bilingual(
    en="Each of these updates looks right. Each was run, and the messages of PyTorch are shown unchanged.",
    zh="下面每种更新写法看上去都没错。每一种都实际运行过，PyTorch 的原话照样显示。",
)
STOPPED = Bilingual(en="It stopped at: {line}", zh="停在这一行：{line}")
RAN_ON = Bilingual(en="There is no error and no warning.", zh="没有报错，也没有警告。")

TRAP_NEW = Bilingual(
    en="Trap 1: w1 = w1 - learning_rate * w1.grad",
    zh="陷阱一：w1 = w1 - learning_rate * w1.grad",
)
TRAP_NEW_WHY = Bilingual(
    en="The line creates a new tensor, computed from the old w1: it is not a leaf, and backward() fills the .grad of "
    "leaves only. So at the next step w1.grad is None, and a number times None is a TypeError.",
    zh="这一行造出了一个新的张量，它是由旧的 w1 算出来的，不是叶子张量；而 backward() 只给叶子张量填 .grad。"
    "于是下一步 w1.grad 是 None，数乘 None 就是 TypeError。",
)
TRAP_LOST = Bilingual(
    en="Trap 2: the same inside torch.no_grad()",
    zh="陷阱二：把同一行放进 torch.no_grad()",
)
TRAP_LOST_WHY = Bilingual(
    en="Nothing is recorded under no_grad, so the new w1 no longer requires a gradient. At the next step no path leads "
    "from the loss back to a weight, and backward() fails.",
    zh="no_grad 之下什么都不记录，新的 w1 就不再需要梯度了。下一步从损失出发找不到任何需要梯度的权重，"
    "backward() 无事可做，于是报错。",
)
TRAP_RECORDED = Bilingual(
    en="Trap 3: w1 -= learning_rate * w1.grad without torch.no_grad()",
    zh="陷阱三：w1 -= learning_rate * w1.grad，但没有 torch.no_grad()",
)
TRAP_RECORDED_WHY = Bilingual(
    en="An update in place is right, but here autograd would record it: w1 would become the result of a computation, so no "
    "leaf any more, and no later backward() would fill its .grad. PyTorch refuses that at once.",
    zh="原地修改是对的，但这里的修改会被自动求导记录下来：w1 就变成了“算出来的”张量，不再是叶子张量，"
    "以后的 backward() 都不会再填它的 .grad。所以 PyTorch 当场拒绝。",
)
TRAP_ADDED = Bilingual(
    en="Trap 4: the gradients are never cleared",
    zh="陷阱四：从不把梯度清零",
)
TRAP_ADDED_WHY = Bilingual(
    en="This is the worst trap, as there is no message. Each step moves along the sum of all gradients so far, not along "
    "the last one.",
    zh="这个最糟，因为什么提示都没有。每一步都沿着至今所有梯度之和移动，而不是沿着当前的梯度。",
)
TWICE = Bilingual(
    en="After two backward passes from the same weights, {name}.grad is {ratio} times the gradient.",
    zh="从同样的权重出发做两次 backward()，{name}.grad 就是梯度的 {ratio} 倍。",
)
ADDED_LOSSES = Bilingual(
    en="At the last of {steps} steps the loss is {wrong}; with clearing it is {right}.",
    zh="走 {steps} 步，最后一步的损失是 {wrong}；每步把梯度清零的话是 {right}。",
)
CURES = Bilingual(en="Three cures", zh="三种解决办法")
CURE_IN_PLACE = Bilingual(
    en="Update in place without recording, then clear (the program above):",
    zh="不记录，原地修改，然后清零（就是上面的程序）：",
)
CURE_LEAF = Bilingual(
    en="Create a new tensor and make it a leaf again: detach() drops the record of its computation, requires_grad_() "
    "asks for its gradient. Its .grad is None at first, so there is nothing to clear:",
    zh="造一个新的张量，再让它成为叶子：detach() 忘掉它是怎么算出来的，requires_grad_() 重新要求梯度。"
    "它的 .grad 一开始就是 None，不用再清零：",
)
CURE_OPTIMIZER = Bilingual(
    en="Use an optimiser, which does the same as the first cure:",
    zh="交给优化器，它做的就是第一种办法：",
)
CURED = Bilingual(
    en="{steps} steps: the loss goes from {first} to {last}, {same} NumPy by hand.",
    zh="{steps} 步：损失从 {first} 变为 {last}，与 NumPy 手写梯度的结果{same}。",
)
SAME_AS = Bilingual(en="the same as", zh="相同")
NOT_SAME_AS = Bilingual(en="not the same as", zh="不同")

OWN_FUNCTION_HEADING = Bilingual(en="4. A function of your own", zh="4. 自定义求导函数")
OWN_IS = Bilingual(
    en="Autograd knows the derivative of every operation of PyTorch. For anything else you write a pair: forward returns "
    "the value and saves what backward needs; backward gets the gradient of the output and returns that of the input. "
    "Here is the rectifier, with the same lines as in the NumPy program.",
    zh="PyTorch 自带的运算，它都知道导数。除此之外的，由你成对给出：forward 给出值，并保存 backward 要用的东西；"
    "backward 拿到输出的梯度，返回输入的梯度。下面是 ReLU，写法与 NumPy 程序里的那几行相同。",
)
OWN_COMPARED = Bilingual(
    en="{steps} steps with Rectifier.apply in place of clamp: the largest relative difference of any loss is "
    "{difference}. backward was called {calls} times, once per step.",
    zh="用 Rectifier.apply 代替 clamp 走 {steps} 步：各步损失的最大相对差是 {difference}。"
    "backward 被调用了 {calls} 次，每步一次。",
)
AT_ZERO = Bilingual(
    en="At exactly 0 the rectifier has a kink, and any slope from 0 to 1 is a valid choice. PyTorch's own functions "
    "differ; this is the derivative of each at 0:",
    zh="在恰好等于 0 的地方，ReLU 有个尖点（折点），取 0 到 1 之间的任何斜率都说得通。PyTorch 自己的几个函数也不一致；"
    "下面是它们在 0 处各自给出的导数：",
)
WRITTEN = Bilingual(en="written as", zh="写法")
AT_0 = Bilingual(en="derivative at 0", zh="0 处的导数")
WHICH_AT_ZERO = Bilingual(
    en="The tutorial clears the gradient where h < 0 and so keeps it at 0: slope 1. With random numbers h is practically "
    "never exactly 0. With whole numbers in x and w1 it can be, and then these programs give different gradients of w1, "
    "unless that row of x is all 0: its share of the gradient is 0 with any slope.",
    zh="教程只把 h < 0 处的梯度清零，所以在 0 处保留：斜率是 1。用随机数时 h 几乎不会恰好等于 0；x 和 w1 都是整数时却可能，"
    "那时这几种写法得到的 w1 的梯度就不一样。例外是 x 的那一行全是 0：不管斜率取多少，它对梯度的贡献都是 0。",
)
