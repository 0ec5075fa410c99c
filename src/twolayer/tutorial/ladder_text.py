"""The texts of `twolayer ladder`."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual

PROBLEM = Bilingual(
    en="{problem}: {rows}, {inputs}, {units}, {outputs}, {bias}, {activation}, {loss}, {dtype}",
    zh="{problem}：{rows}，{inputs}，{units}，{outputs}，{bias}，{activation}，{loss}，{dtype}",
)
COUNTS = {
    "row": Bilingual(en="{count} rows", zh="{count} 行"),
    "input": Bilingual(en="{count} inputs", zh="{count} 个输入"),
    "unit": Bilingual(en="{count} hidden units", zh="{count} 个隐藏单元"),
    "output": Bilingual(en="{count} outputs", zh="{count} 个输出"),
    "step": Bilingual(en="{count} steps", zh="{count} 步"),
    "number": Bilingual(en="{count} numbers", zh="{count} 个数"),
}
SINGLE = {
    "row": Bilingual(en="1 row", zh="1 行"),
    "input": Bilingual(en="1 input", zh="1 个输入"),
    "unit": Bilingual(en="1 hidden unit", zh="1 个隐藏单元"),
    "output": Bilingual(en="1 output", zh="1 个输出"),
    "step": Bilingual(en="1 step", zh="1 步"),
    "number": Bilingual(en="1 number", zh="1 个数"),
}
WITH_BIAS_WORD = Bilingual(en="bias", zh="带偏置")
NO_BIAS_WORD = Bilingual(en="no bias", zh="无偏置")
LEARNING_RATE = Bilingual(en="learning rate {rate:g}", zh="学习率 {rate:g}")
MOMENTUM = Bilingual(en="momentum {momentum:g}", zh="动量 {momentum:g}")
NESTEROV = Bilingual(en="Nesterov momentum {momentum:g}", zh="Nesterov 动量 {momentum:g}")
ALPHA = Bilingual(en="alpha {alpha:g}", zh="权重衰减 alpha {alpha:g}")
ROWS_PER_STEP = Bilingual(en="{rows} rows per step", zh="每步 {rows} 行")
SEED_IS = Bilingual(en="seed {seed}", zh="种子 {seed}")

LOSS_AFTER = Bilingual(en="loss after {steps}: {loss:.6g}", zh="走完 {steps} 后的损失：{loss:.6g}")
FLOOR = Bilingual(
    en="least a linear model can reach (least squares): {floor:.6g}",
    zh="线性模型最低能到（最小二乘）：{floor:.6g}",
)
ROWS_RIGHT = Bilingual(
    en="quadrants right: {right} of the {rows} points of training",
    zh="象限答对：训练的 {rows} 个点中 {right} 个",
)
POINTS_RIGHT = Bilingual(
    en="quadrants right: {right} of the {points} points asked for",
    zh="象限答对：所问的 {points} 个点中 {right} 个",
)
NOT_DONE = Bilingual(
    en="Not done: the nearer the floor, the flatter the way and the shorter each step. Try --steps {further}.",
    zh="还没走完：离最低点越近，坡越平，每一步就越短。可以试试 --steps {further}。",
)
DONE = Bilingual(
    en="Done: without an activation the network is a linear model, and this is its floor.",
    zh="走完了：没有激活函数，网络就是线性模型，这就是它的最低点。",
)
BELOW_FLOOR = Bilingual(
    en="Below the floor of every linear model: the activation lets the network bend. That is a loss on the points of "
    "training; the answers to new points show what it is worth.",
    zh="比任何线性模型都低：有了激活函数，网络就能弯曲。不过这只是训练点上的损失；值不值，要看它对新的点怎样回答。",
)
QUADRANT_ANSWER = Bilingual(
    en="quadrant {answer} (true: {true})", zh="第 {answer} 象限（正确：{true}）"
)
ON_AN_AXIS = Bilingual(en="quadrant {answer} (on an axis)", zh="第 {answer} 象限（在坐标轴上）")
CLASS_ANSWER = Bilingual(en="class {answer}", zh="第 {answer} 类")

ENGINE_COLUMN = Bilingual(en="engine", zh="引擎")
LADDER_DEVICE = Bilingual(en="device", zh="设备")
FINAL_LOSS = Bilingual(en="final loss", zh="最后的损失")
SECONDS_COLUMN = Bilingual(en="seconds", zh="秒")
FASTER_COLUMN = Bilingual(en="faster", zh="快几倍")
DIFFERENCE_COLUMN = Bilingual(en="difference", zh="差异")
EARLY_COLUMN = Bilingual(en="{steps} steps", zh="{steps} 步")
ALL_COLUMN = Bilingual(en="all steps", zh="全部")

SECONDS_NOTE = Bilingual(
    en="seconds: a whole call of train, on one thread, after two untimed steps; of short calls the fastest of three.",
    zh="秒：整个 train 调用，单线程，计时前先空跑两步；时间短的取三次中最快的一次。",
)
FASTER_NOTE = Bilingual(
    en="faster: numpy's seconds divided by this engine's.",
    zh="快几倍：numpy 的秒数除以这个引擎的秒数。",
)
DIFFERENCE_NOTE = Bilingual(
    en="difference: |loss - numpy's loss| / numpy's loss, the largest of any step.",
    zh="差异：|损失 - numpy 的损失| / numpy 的损失，取各步中最大的。",
)
FLOAT32_NOTE = Bilingual(
    en="float32 keeps 7 digits. Engines add in different orders, so the last digit differs, and every step builds on "
    "the one "
    "before: the runs drift apart. Compare the first 100 steps.",
    zh="float32 约有 7 位有效数字。各个引擎相加的次序不同，最后一位就不同，而每一步都建立在上一步之上：越往后差得越多。"
    "只比较前 100 步。",
)
ROUNDING_NOTE = Bilingual(
    en="At the end the loss, {end:.0e} of {start:.0e}, is what rounding leaves: its digits are noise.",
    zh="最后的损失 {end:.0e}（起初 {start:.0e}）只是舍入留下的零头：它的数字没有意义。",
)

NOT_A_RACE = Bilingual(
    en="program {name} is not a race between engines: run `{command}`",
    zh="程序 {name} 不是引擎之间的比较：请运行 `{command}`",
)
BAD_ENGINES = Bilingual(
    en="--engines takes the names of engines: {names}; got '{given}'",
    zh="--engines 要的是引擎的名字：{names}；而给出的是 '{given}'",
)
BAD_POINTS = Bilingual(
    en="--predict takes points of finite numbers like '111,-111; 1,9'; got '{given}'",
    zh="--predict 要的是由有限的数组成的点，例如 '111,-111; 1,9'；而给出的是 '{given}'",
)
WRONG_LENGTH = Bilingual(
    en="--predict: '{given}' has {numbers}, but the network has {inputs}",
    zh="--predict：'{given}' 有 {numbers}，而网络有 {inputs}",
)
STOPPED_EARLY = Bilingual(
    en="stopped in engine '{engine}' after {done} of {steps}: it has no row",
    zh="在引擎 '{engine}' 处中断，{steps} 中走了 {done} 步：表里没有它",
)
LADDER_DIVERGED = Bilingual(
    en="training diverged at step {step}: choose a smaller --learning-rate",
    zh="训练在第 {step} 步发散，损失不再是有限的数：请用小一些的 --learning-rate",
)
