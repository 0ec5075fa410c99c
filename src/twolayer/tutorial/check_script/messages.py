"""What is said of each verdict, in both languages: what is wrong, why, and what to write instead."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual

RIGHT_MESSAGES = {
    "plain": Bilingual(
        en="Every step moves {weights} against the gradient of the loss of line {loss_line}, {loss}. This "
        "was tested with finite differences.",
        zh="每一步都让 {weights} 沿着第 {loss_line} 行的损失 {loss} 的负梯度方向移动，已用有限差分验证。",
    ),
    "optimiser": Bilingual(
        en="The gradients for {weights} are those of the loss of line {loss_line}, {loss}, and the update "
        "follows them. This was tested with finite differences.",
        zh="{weights} 的梯度就是第 {loss_line} 行的损失 {loss} 的梯度，更新也按它进行，已用有限差分验证。",
    ),
    "other_loss": Bilingual(
        en="Every step moves {weights} against the gradient of {kind} of {loss} (line {loss_line}), tested "
        "with finite differences. The script itself shows no loss, or another one.",
        zh="每一步都让 {weights} 沿着{kind}（由第 {loss_line} 行的 {loss} 算出）的负梯度方向移动，已用有限差"
        "分验证。脚本本身没有显示损失，或者显示的是另一种损失。",
    ),
}

REPEATED_LOSS_MESSAGES = {
    "sum": Bilingual(
        en="That line runs {times} times before the weights change; the steps follow the sum of these losses.",
        zh="在权重改变之前，这一行运行了 {times} 次；更新沿着这些损失之和的负梯度。",
    ),
    "one": Bilingual(
        en="That line runs {times} times before the weights change; the steps follow number {which} of these losses alone.",
        zh="在权重改变之前，这一行运行了 {times} 次；更新只沿着其中第 {which} 个损失的负梯度。",
    ),
}

LOSS_KINDS = {
    "squares": Bilingual(
        en="the sum of squares",
        zh="平方和",
    ),
    "binary": Bilingual(
        en="the cross entropy for two classes",
        zh="二分类交叉熵",
    ),
    "classes": Bilingual(
        en="the cross entropy",
        zh="交叉熵",
    ),
}

COURSE_MESSAGES = {
    "falls": Bilingual(
        en="The loss goes from {first} to {last} in {iterations} iterations.",
        zh="经过 {iterations} 次迭代，损失从 {first} 变为 {last}。",
    ),
    "stuck": Bilingual(
        en="But the loss hardly falls: it goes from {first} to {last} in {iterations} iterations. Try a "
        "larger learning rate, or another start of the weights.",
        zh="但损失几乎没有下降：{iterations} 次迭代只从 {first} 变为 {last}。请试试更大的学习率，或换一组初"
        "始权重。",
    ),
}

WRONG_MESSAGES = {
    "mask": Bilingual(
        en="The mask is missing. {name} is the gradient for {output}. Where {input} was negative, {output} "
        "does not depend on it, so there the gradient for {input} is 0: {name}[{input} < 0] = 0.",
        zh="缺少掩码。{name} 是 {output} 的梯度。在 {input} 为负的地方，{output} 与它无关，所以那里 {input} "
        "的梯度是 0：{name}[{input} < 0] = 0。",
    ),
    "slope_missing": Bilingual(
        en="The derivative of the activation is missing. {name} is the gradient for {output}. To get the "
        "gradient for {input}, multiply it by the derivative of the activation at {input}.",
        zh="缺少激活函数的导数。{name} 是 {output} 的梯度。要得到 {input} 的梯度，还要乘以激活函数在 "
        "{input} 处的导数。",
    ),
    "inverted": Bilingual(
        en="The mask is inverted: it clears the gradient where {input} is positive and keeps it where "
        "{input} is negative. It must be the other way round.",
        zh="掩码反了：它清除了 {input} 为正处的梯度，却保留了 {input} 为负处的梯度。应当相反。",
    ),
    "slope": Bilingual(
        en="The derivative of the activation is wrong here. The gradient for {output} arrives correctly; "
        "what it is multiplied by is not the derivative of {output} with respect to {input}.",
        zh="这里激活函数的导数不对。传到这里的 {output} 的梯度是对的，但所乘的因子不是 {output} 对 {input} "
        "的导数。",
    ),
    "mask_nothing": Bilingual(
        en="The mask changes nothing: no entry is cleared. Its condition must be {input} < 0, with {input} "
        "as it was before the activation.",
        zh="掩码没有起作用：没有任何元素被清零。条件应当是 {input} < 0，其中 {input} 是激活之前的值。",
    ),
    "alias": Bilingual(
        en="{name} and {first} are one array with two names. Line {change_line}, {change}, therefore "
        "changes {first} too, and the derivative of the activation can no longer be found from it. Take "
        "a copy: {first}.copy(), in torch {first}.clone().",
        zh="{name} 和 {first} 是同一个数组的两个名字。所以第 {change_line} 行 {change} 也改变了 {first}，之"
        "后就无法再由它求出激活函数的导数。请先复制：{first}.copy()，在 torch 中是 {first}.clone()。",
    ),
    "turn": Bilingual(
        en="The matrix product is not the gradient for {role}: a .T is missing or too many, or the order is "
        "swapped. It must be {product}.",
        zh="这个矩阵乘积不是 {role} 的梯度：少了或多了一个 .T，或者顺序颠倒了。应当是 {product}。",
    ),
    "factor": Bilingual(
        en="The product has {given} where {other} is needed: {role} meets {other} in the forward half, so "
        "its gradient is the product of {other} and the gradient behind it.",
        zh="这个乘积用了 {given}，而应当用 {other}：前向计算中与 {role} 相乘的是 {other}，所以它的梯度"
        "是 {other} 与后一层梯度的乘积。",
    ),
    "updated": Bilingual(
        en="This gradient is computed with the new {other}. It must be computed with the {other} that gave "
        "the loss: compute all gradients first, then update.",
        zh="这个梯度是用更新后的 {other} 算的，而应当用算出损失时的 {other}：先算完所有梯度，再更新。",
    ),
    "changed": Bilingual(
        en="{other} is no longer what it was in the forward half: a line in between has changed it.",
        zh="{other} 已经不是前向计算时的值：中间有一行改变了它。",
    ),
    "sign": Bilingual(
        en="The sign is wrong: the update of {weight} subtracts a gradient, and this is minus the gradient "
        "for {role}. The loss goes up. Turn the difference round.",
        zh="符号错了：{weight} 的更新减去梯度，而这里得到的是 {role} 的梯度的相反数，损失会上升。请把差的两"
        "项对调。",
    ),
    "adds": Bilingual(
        en="The step goes uphill: {weight} moves along its gradient, so the loss rises. Subtract the "
        "gradient: {weight} -= rate * gradient.",
        zh="这一步在上坡：{weight} 沿着梯度方向移动，损失会上升。应当减去梯度：{weight} -= 学习率 * 梯度。",
    ),
    "update": Bilingual(
        en="The gradient for {weight} is right, but this line does not move {weight} against it.",
        zh="{weight} 的梯度是对的，但这一行没有让 {weight} 沿着负梯度移动。",
    ),
    "scale": Bilingual(
        en="This gradient is {factor} times what the other gradients are multiples of. One factor for all "
        "is only another learning rate; different factors are not. A factor, such as the 2 of a square, "
        "is missing or too many on this way back.",
        zh="与其他梯度相比，这个梯度多乘了 {factor}。所有梯度同乘一个数只相当于换了学习率，但各自不同就不行"
        "了。在这条反向路径上少了或多了一个因子，例如平方求导得到的 2。",
    ),
    "scale_mean": Bilingual(
        en="A mean stands here where the other gradients are sums: this one is {factor} times as large as "
        "it should be. Take the sum here too, or the mean everywhere.",
        zh="这里取了平均，而其他梯度取的是求和：这个梯度是应有大小的 {factor} 倍。请在这里也求和，或者全部取"
        "平均。",
    ),
    "scale_sum": Bilingual(
        en="A sum stands here where the other gradients are means: this one is {factor} times as large as "
        "it should be. Take the mean here too, or the sum everywhere.",
        zh="这里求了和，而其他梯度取的是平均：这个梯度是应有大小的 {factor} 倍。请在这里也取平均，或者全部求"
        "和。",
    ),
    "not_summed": Bilingual(
        en="The gradient for {weight} is not summed over the rows. {weight} is added to every row, so its "
        "gradient is the sum of all rows: .sum(axis=0), in torch .sum(dim=0).",
        zh="{weight} 的梯度没有按行求和。{weight} 加到了每一行上，所以它的梯度是所有行之和：.sum(axis=0)，"
        "在 torch 中是 .sum(dim=0)。",
    ),
    "loss_gradient": Bilingual(
        en="This is not the gradient of the loss for {name}. Everything behind it inherits the mistake. For "
        "a sum of squares it is 2 * (prediction - target).",
        zh="这不是损失对 {name} 的梯度，后面的每一步都会继承这个错误。对平方和来说，它是 2 * (预测 - 目标)。",
    ),
    "value": Bilingual(
        en="The value is not the gradient of the loss for {role}.",
        zh="这个值不是损失对 {role} 的梯度。",
    ),
    "autograd": Bilingual(
        en="What backward() gives for {role} is not the gradient of the loss. torch's own operations do not err: "
        "look at the backward of your own Function, and at .detach() or .data between {role} and the loss.",
        zh="backward() 对 {role} 给出的值不是损失的梯度。torch 自己的运算不会出错：请检查你自己写的 Function 的 backward，"
        "以及 {role} 到损失之间的 .detach() 或 .data。",
    ),
    "fixed_loss": Bilingual(
        en="The loss does not depend on what the loop changes: it is {loss} at every iteration, while {weights} change. "
        "Compute the prediction inside the loop, with the new weights.",
        zh="损失与循环所改变的量无关：每次迭代都是 {loss}，而 {weights} 在变化。请在循环里用新的权重重新计算预测。",
    ),
    "unused": Bilingual(
        en="{name} is the right gradient for {weight}, but no line changes {weight} with it. Add {weight} "
        "-= rate * {name}.",
        zh="{name} 是 {weight} 的正确梯度，但没有任何一行用它来更新 {weight}。请加上 {weight} -= 学习率 * "
        "{name}。",
    ),
    "forward_only": Bilingual(
        en="No line changes the weights: the loss is {loss} at every iteration. The loop needs its second "
        "half, the gradients and the update.",
        zh="没有任何一行改变权重：每次迭代的损失都是 {loss}。循环缺少后一半：求梯度和更新。",
    ),
    "rate": Bilingual(
        en="The gradients are right, but the steps are too long: the loss goes from {first} to {last} in "
        "{iterations} iterations. With steps {share} times as long the loss falls at first: make the "
        "learning rate smaller.",
        zh="梯度是对的，但步子太大：{iterations} 次迭代中损失从 {first} 变为 {last}。步长乘以 {share} 时，第"
        "一步损失就会下降：请减小学习率。",
    ),
    "repeated": Bilingual(
        en="{left} has the shape {left_shape} and {right} the shape {right_shape}: their difference is a "
        "table of {rows} × {rows}, every prediction minus every target. Give {flat} the shape ({rows}, "
        "1).",
        zh="{left} 的形状是 {left_shape}，{right} 的形状是 {right_shape}：两者之差是 {rows} × {rows} 的表，"
        "即每个预测减去每个目标。请把 {flat} 的形状改为 ({rows}, 1)。",
    ),
    "not_cleared_array": Bilingual(
        en="The gradients are not cleared: at the second iteration {name} is the sum of the first gradient and the second. "
        "Begin every iteration with {name} = np.zeros_like({weight}).",
        zh="梯度没有清零：到第二次迭代时，{name} 是第一次与第二次梯度之和。请在每次迭代开头写 "
        "{name} = np.zeros_like({weight})。",
    ),
    "not_cleared": Bilingual(
        en="The gradients are not cleared: at the second iteration {name} is the sum of the first gradient "
        "and the second. Clear them at every iteration: {weight}.grad.zero_() after the update, or "
        "zero_grad() of the optimizer or the model.",
        zh="梯度没有清零：第二次迭代时 {name} 是前两次梯度之和。每次迭代都要清零：更新之后写 "
        "{weight}.grad.zero_()，或调用优化器或模型的 zero_grad()。",
    ),
    "rebound": Bilingual(
        en="This line makes a new tensor and gives it the weight's name. The new one is a result, no leaf, "
        "so backward() fills no .grad for it: at the next iteration .grad is None. Change the weight in "
        "place: with torch.no_grad(): w -= rate * w.grad.",
        zh="这一行建立了一个新张量，并让它占用权重的名字。新张量是运算结果，不是叶子，backward() 不会填写它"
        "的 .grad，所以下一次迭代时 .grad 是 None。请原地修改权重：with torch.no_grad(): w -= 学习率 * "
        "w.grad。",
    ),
    "rebound_no_grad": Bilingual(
        en="This line makes a new tensor inside no_grad: it has lost requires_grad, so the next backward() "
        "has nothing to go back to. Change the weight in place: w -= rate * w.grad.",
        zh="这一行在 no_grad 中建立了新张量，它失去了 requires_grad，下一次 backward() 就无路可回。请原地修"
        "改权重：w -= 学习率 * w.grad。",
    ),
    "in_place_leaf": Bilingual(
        en="A weight that requires a gradient is changed in place while torch records. Put the update "
        "inside with torch.no_grad():.",
        zh="在 torch 记录运算时原地修改了需要梯度的权重。请把更新放进 with torch.no_grad(): 里。",
    ),
    "no_graph": Bilingual(
        en="The loss does not depend on anything that requires a gradient. Make the weights with "
        "requires_grad=True, and compute the loss from them without .detach(), .item() or .data.",
        zh="损失不依赖于任何需要梯度的量。请用 requires_grad=True 建立权重，并且计算损失时不要用 .detach()、"
        ".item() 或 .data。",
    ),
    "no_gradient": Bilingual(
        en="The .grad of this line is None: backward() fills .grad only for leaves that require a gradient "
        "and that the loss depends on.",
        zh="这一行的 .grad 是 None：backward() 只为需要梯度、且损失依赖于它的叶子填写 .grad。",
    ),
    "second_backward": Bilingual(
        en="backward() runs a second time over the same operations, which torch has already freed. Compute "
        "the prediction and the loss anew in each iteration.",
        zh="backward() 第二次经过同一批运算，而 torch 已经释放了它们。请在每次迭代中重新计算预测和损失。",
    ),
    "in_place_saved": Bilingual(
        en="A value that backward() still needs was changed in place. Write the result to a new name, or "
        "update after backward().",
        zh="backward() 还需要的某个值被原地修改了。请把结果写到新的名字里，或者在 backward() 之后再更新。",
    ),
    "not_scalar": Bilingual(
        en="backward() needs one number, and this loss is an array. Add .sum() or .mean().",
        zh="backward() 需要一个数，而这里的损失是数组。请加上 .sum() 或 .mean()。",
    ),
    "product": Bilingual(
        en="The shapes do not fit: {left} is {left_shape} and {right} is {right_shape}. The columns of the "
        "left factor must be as many as the rows of the right one.",
        zh="形状不匹配：{left} 是 {left_shape}，{right} 是 {right_shape}。左边的列数必须等于右边的行数。",
    ),
    "product_fits": Bilingual(
        en="The shapes do not fit: {left} is {left_shape} and {right} is {right_shape}. {product} would "
        "have the shape {shape}, that of {name}: a .T is missing or too many, or the order is swapped.",
        zh="形状不匹配：{left} 是 {left_shape}，{right} 是 {right_shape}。{product} 的形状是 {shape}，与 "
        "{name} 相同：少了或多了一个 .T，或者顺序颠倒了。",
    ),
    "update_rows": Bilingual(
        en="{weight} has the shape {shape}, and its gradient {given}: it is not summed over the rows. Use "
        ".sum(axis=0), in torch .sum(dim=0).",
        zh="{weight} 的形状是 {shape}，而它的梯度是 {given}：没有按行求和。请用 .sum(axis=0)，在 torch 中用 "
        ".sum(dim=0)。",
    ),
    "update_shape": Bilingual(
        en="{weight} has the shape {shape}, and what changes it {given}. A gradient has the shape of its "
        "weight.",
        zh="{weight} 的形状是 {shape}，而用来更新它的量是 {given}。梯度的形状与权重相同。",
    ),
}

UNCHECKED_MESSAGES = {
    "no_loss": Bilingual(
        en="no number in the loop before the update depends on the weights, so there is no loss to compare "
        "the steps with: compute one, such as loss = ((y_pred - y) ** 2).sum()",
        zh="循环中更新之前没有任何数依赖于权重，因此没有可以与更新相比较的损失：请算出一个，例如 loss = "
        "((y_pred - y) ** 2).sum()",
    ),
    "not_understood": Bilingual(
        en="the script trains, but its steps could not be followed back to the loss, so nothing is said of "
        "them",
        zh="脚本确实在训练，但无法把它的更新追溯到损失，因此不作判断",
    ),
    "unknown_rule": Bilingual(
        en="the gradients could be followed, but not the rule by which the weights are updated, so nothing "
        "is said of them",
        zh="梯度可以追踪，但看不出权重按什么规则更新，因此不作判断",
    ),
    "several_losses": Bilingual(
        en="line {line} computes the loss {times} times before the weights change, and what a round of the loop changes "
        "follows neither one of these losses nor their sum: let the weights change after every loss, and the lines can be "
        "checked one by one",
        zh="在权重改变之前，第 {line} 行把损失算了 {times} 次，而循环一轮的更新既不沿着其中某一个损失，也不沿着它们的"
        "和：请先改成每算一次损失就更新一次权重，这样各行就能逐一检查",
    ),
    "closure": Bilingual(
        en="{optimiser} computes the loss several times in a step and chooses direction and length by itself, so its steps "
        "cannot be compared with a gradient: put torch.optim.SGD in its place to have the rest checked, and see that "
        "the closure begins with zero_grad() and returns the loss",
        zh="{optimiser} 在一步里多次计算损失，方向和步长都由它自己决定，因此无法与梯度比较：请先换成 torch.optim.SGD，"
        "再检查其余部分；还要确认 closure 以 zero_grad() 开头，并返回损失",
    ),
    "prints": Bilingual(
        en="line {line} prints more than {megabytes} MB: print less, or only every so many iterations",
        zh="第 {line} 行打印了超过 {megabytes} MB：请少打印一些，或者每隔若干次迭代再打印",
    ),
    "loops": Bilingual(
        en="the loop of line {line} was still running after 20 seconds without any weights being trained: "
        "does it end?",
        zh="第 {line} 行的循环运行了 20 秒，仍没有训练任何权重：它会结束吗？",
    ),
    "input": Bilingual(
        en="line {line} waits for the keyboard with input(): write the value into the script",
        zh="第 {line} 行用 input() 等待键盘输入：请把值直接写进脚本",
    ),
    "action": Bilingual(
        en="line {line} removes or moves files or starts another program ({action}): check does not run "
        "that, take the line out",
        zh="第 {line} 行要删除或移动文件，或启动别的程序（{action}）：check 不执行这种操作，请去掉这一行",
    ),
    "slow": Bilingual(
        en="the script takes too long to be run as often as the check needs: make its tables smaller, or "
        "its loops shorter",
        zh="检查需要多次运行脚本，而它太慢：请把表改小，或缩短循环",
    ),
    "memory": Bilingual(
        en="the script needs more memory than the 6 GB that it may have: make its tables smaller",
        zh="脚本需要的内存超过允许的 6 GB：请把表改小",
    ),
    "no_python": Bilingual(
        en="the file is not a Python program, see line {line}: {message}",
        zh="这个文件不是 Python 程序，见第 {line} 行：{message}",
    ),
    "no_text": Bilingual(
        en="the file is not the text of a Python program: {message}",
        zh="这个文件不是 Python 程序的文本：{message}",
    ),
    "crashed": Bilingual(
        en="the script stops at line {line} with {error}: {message}",
        zh="脚本在第 {line} 行停止：{error}：{message}",
    ),
    "no_loop": Bilingual(
        en="there is no training loop: no loop of the script changes arrays again and again by a loss",
        zh="没有训练循环：脚本里没有哪个循环按照损失反复改变数组",
    ),
    "no_loss_in_loop": Bilingual(
        en="the loop of line {line} changes arrays, but nothing in it is a loss that depends on them: is it "
        "a training loop?",
        zh="第 {line} 行的循环改变了数组，但其中没有依赖于这些数组的损失：它是训练循环吗？",
    ),
    "defect": Bilingual(
        en="the check itself failed ({error}): this is a fault of twolayer, not of the script",
        zh="检查程序本身出错（{error}）：这是 twolayer 的错误，不是脚本的错误",
    ),
    "ended": Bilingual(
        en="the script ended its own process (exit code {code}) before it could be checked",
        zh="脚本在检查完成之前结束了自己的进程（退出码 {code}）",
    ),
}
