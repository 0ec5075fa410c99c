"""The texts below the loop: where its loss went, and what that means."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual

FELL = Bilingual(
    en="With the second half, the loss goes from {first} to {last}.",
    zh="有了后一半，损失从 {first} 变为 {last}。",
)
ROSE_ON_THE_WAY = Bilingual(
    en="It did not fall at every step: at step {step} it was {most}.",
    zh="它并不是每一步都下降：第 {step} 步时是 {most}。",
)
BEYOND_THE_BOUND = Bilingual(
    en="Why: in the direction of the strongest curvature, λ = {curvature} at the start, a step with a learning rate "
    "above "
    "2/λ = {bound} goes so far past the lowest point that it ends higher than it began. The learning rate here is "
    "{rate}.",
    zh="原因：在弯曲最厉害的方向上，起点处的曲率 λ = {curvature}；学习率超过 2/λ = {bound} 时，一步远远越过最低点，"
    "落到比出发点更高的地方。这里的学习率是 {rate}。",
)
BELOW_THE_BOUND = Bilingual(
    en="At the start the learning rate {rate} is below 2/λ = {bound}, where λ = {curvature} is the largest curvature, "
    "but λ "
    "changes as the weights move, and a step that goes too far past the lowest point ends higher than it began.",
    zh="在起点，学习率 {rate} 小于 2/λ = {bound}（λ = {curvature} 是最大的曲率）；但是权重一变，λ 也跟着变，"
    "一步越过最低点太远，就会落到更高的地方。",
)
CURVATURE_FELL = Bilingual(
    en="The weights moved to where the curvature is smaller: after the loop 2/λ = {bound}, and steps of this length fit.",
    zh="后来权重移到了曲率较小的地方：循环之后 2/λ = {bound}，这样的步子就不算太大了。",
)
MEMORISED = Bilingual(
    en="The weights fit the rows of x ({rows}) better and better. The numbers are random, so there is nothing to learn "
    "except the rows themselves.",
    zh="权重对 x 的这些行（{rows} 行）拟合得越来越好；不过数据本来就是随机的，除了记住这些行，没有别的规律可学。",
)
STILL_FALLING = Bilingual(
    en="It was still falling at the end: more steps (--steps) bring it lower.",
    zh="到最后还在下降：步数再多一些（--steps），还会更低。",
)
LOOP_STUCK = Bilingual(
    en="That is no success: it stopped falling near {zero}, the loss of predicting 0 everywhere.",
    zh="这不算成功：损失停在 {zero} 附近不再下降，而那正是处处预测 0 的损失。",
)
DEAD = Bilingual(
    en="{dead} of {units} hidden units are dead: they are below 0 for every row, so their gradient is 0 and they never "
    "change again.",
    zh="{units} 个隐藏单元中有 {dead} 个已经“死了”：对每一行都小于 0，梯度就是 0，从此再也不会变。",
)
ONE_DEAD = Bilingual(
    en="{dead} of {units} hidden units is dead: it is below 0 for every row, so its gradient is 0 and it never changes "
    "again.",
    zh="{units} 个隐藏单元中有 {dead} 个已经“死了”：对每一行都小于 0，梯度就是 0，从此再也不会变。",
)
DIED = Bilingual(
    en="At the start there were {before}.",
    zh="起初有 {before} 个。",
)
DEAD_BY_RATE = Bilingual(
    en="At the start there were {before}: steps that were too long threw them there.",
    zh="起初有 {before} 个：是迈得太大的步子把它们抛到了那里。",
)
ROSE = Bilingual(
    en="The loss did not end below its start: the learning rate {rate} is too large.",
    zh="损失最后没有降到起点以下：学习率 {rate} 太大。",
)
LOOP_DIVERGED = Bilingual(
    en="At step {step} the loss is no longer a finite number. Each step went so far past the lowest point that it ended "
    "higher than it began, the gradient grew, and the next step was longer still. The learning rate {rate} is too large.",
    zh="到第 {step} 步，损失已经不是有限的数了：每一步都远远越过最低点，落到比出发点更高的地方；"
    "那里梯度更大，下一步迈得更远。学习率 {rate} 太大。",
)
TRY_RATE = Bilingual(
    en="Try --learning-rate {smaller}: it was tried here, and after the same number of steps the loss was lower and no "
    "unit "
    "had died.",
    zh="可以试试 --learning-rate {smaller}：这里试过，走同样多的步数，损失降了下来，也没有单元死掉。",
)
NO_RATE_HOLDS = Bilingual(
    en="No smaller rate that was tried here lowers the loss in {steps} steps.",
    zh="这里试过的更小的学习率，走 {steps} 步都不能让损失下降。",
)

ROWS_COLUMN = Bilingual(en="loss on", zh="损失")
BEFORE_COLUMN = Bilingual(en="before", zh="循环之前")
AFTER_COLUMN = Bilingual(en="after", zh="循环之后")
ZERO_COLUMN = Bilingual(en="predicting 0", zh="处处预测 0")
TRAINING_ROWS = Bilingual(en="training rows ({rows})", zh="训练的行（{rows}）")
NEW_ROWS = Bilingual(en="new rows ({rows})", zh="新的行（{rows}）")
PREDICTING_0 = Bilingual(
    en="Predicting 0 everywhere costs the sum of the squares of y: a network that has learnt anything must cost less.",
    zh="处处预测 0 的损失就是 y 的平方和：网络只要学到了东西，损失就应该比它小。",
)
NEW_RANDOM = Bilingual(
    en="New rows are drawn in the same way as x and y.",
    zh="新的行与 x、y 用同样的方式抽取。",
)
NEW_HIGHER = Bilingual(
    en="On new rows the network costs more than predicting 0: what it learnt holds for the rows of training alone.",
    zh="在新的行上，网络的损失比处处预测 0 还大：它学到的只对训练的行成立。",
)
CLASSES_RIGHT = Bilingual(
    en="The largest of the outputs names the class: right for {right} of {rows} rows of training, and for {right_new} of "
    "{rows_new} new rows.",
    zh="哪个输出最大，就答哪一类：训练的 {rows} 行答对 {right} 行，新的 {rows_new} 行答对 {right_new} 行。",
)
POINT_COLUMN = Bilingual(en="new point", zh="新的点")
ANSWER_COLUMN = Bilingual(en="answer", zh="回答")
TRUE_COLUMN = Bilingual(en="true quadrant", zh="正确的象限")
