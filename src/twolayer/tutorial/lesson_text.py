"""The texts of the notebook and the handout, but for those of the lines and the questions, which are `explain`'s own."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual

NOTEBOOK_HOW = Bilingual(
    en="Run the cells one after another (Shift+Enter). Before you run a cell, say what it will print.",
    zh="依次运行每个单元格（Shift+Enter）。每次运行之前，先说说它会打印什么。",
)
GUESS_SHAPE = Bilingual(
    en="Guess first: which shape will {name} have?", zh="先猜一猜：{name} 的形状是什么？"
)
CHAIN_RULE = Bilingual(en="Chain rule: {equation}", zh="链式法则：{equation}")
AGAIN = Bilingual(
    en="The cells above have taken one step. The loop begins again from the same numbers:",
    zh="上面的单元格已经走了一步。循环从同样的数重新开始：",
)
QUESTIONS_HEADING = Bilingual(en="8. Questions", zh="8. 问题")
YOUR_ANSWER = Bilingual(
    en="Write your own answer here first, then run the cells and compare.",
    zh="先在这里写下自己的答案，再运行下面的单元格来对照。",
)

HANDOUT_TITLE = Bilingual(
    en="The two-layer program with a pencil", zh="用铅笔算一遍两层神经网络程序"
)
KEY_TITLE = Bilingual(en="Key", zh="答案")
SHEET = Bilingual(en="sheet {seed}", zh="第 {seed} 号卷")
NAME_AND_DATE = Bilingual(
    en="Name: ______________________  Date: ____________",
    zh="姓名：______________________  日期：____________",
)
HANDOUT_HOW = Bilingual(
    en="One step of the program, with {rows} rows, {inputs} inputs, {hidden} hidden units and {outputs} outputs. Work "
    "out "
    "every line: fill in the shape and the entries. Below each table stands what its entries add up to, so that you "
    "can check.",
    zh="程序的一步：{rows} 行、{inputs} 个输入、{hidden} 个隐藏单元、{outputs} 个输出。逐行算出来：填写形状和每个元素。"
    "每张表下面给出了各元素之和，用来检验。",
)
GIVEN_HEADING = Bilingual(en="Given", zh="已知")
STEP_TITLE = Bilingual(en="One step", zh="走一步")
SHAPE_IS = Bilingual(en="shape", zh="形状")
ADDS_UP = Bilingual(en="adds up to {total}", zh="各元素之和：{total}")
THINK_HEADING = Bilingual(en="Think", zh="想一想")
THINK_ABOUT = Bilingual(
    en="These are about the same program at its usual size: {rows} rows, {inputs} inputs, {hidden} hidden units, {outputs} "
    "outputs, all random, and learning_rate = {rate}.",
    zh="下面的问题针对平常大小的同一个程序：{rows} 行、{inputs} 个输入、{hidden} 个隐藏单元、{outputs} 个输出，"
    "数据和权重都是随机的，learning_rate = {rate}。",
)
LOSS_AFTER_STEP = Bilingual(
    en="After this step the loss is {after}; before it was {before}.",
    zh="走完这一步，损失从 {before} 变为 {after}。",
)
WROTE = Bilingual(en="written: {path}", zh="已写入：{path}")
NO_FOLDER = Bilingual(
    en="{path} cannot be written: there is no folder {folder}",
    zh="{path} 无法写入：没有 {folder} 这个文件夹",
)
SAME_FILE = Bilingual(
    en="{path}: the handout and the notebook cannot be one file",
    zh="{path}：讲义和笔记本不能写到同一个文件",
)
