"""The lines that make the data and the weights: random numbers as in the ladder, its quadrants, or a table of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.source import SourceLine

if TYPE_CHECKING:
    from twolayer.tutorial.lesson_table import LessonTable

IMPORT = Bilingual(
    en="NumPy is Python's library for tables of numbers (arrays); np is its usual short name.",
    zh="NumPy 是 Python 处理数字表格（数组）的库，np 是它惯用的简称。",
)
SIZES = Bilingual(
    en="The sizes: rows of the table, inputs, hidden units, outputs. The tutorial calls them N, D_in, H, D_out.",
    zh="各个尺寸：表的行数、输入个数、隐藏单元个数、输出个数。教程里写作 N、D_in、H、D_out。",
)
SEED = Bilingual(
    en="A generator of random numbers. The seed makes them the same in every run; the tutorial has no seed, so its "
    "numbers differ each time.",
    zh="随机数发生器。固定种子后每次运行得到的随机数都相同；教程没有固定种子，所以每次的数字都不一样。",
)
DRAW_X = Bilingual(
    en="A table of random numbers as inputs: one row per example, one column per input.",
    zh="用随机数表作为输入：一行是一个样本，一列是一个输入。",
)
DRAW_Y = Bilingual(
    en="A table of random numbers as targets: one column per output.",
    zh="用随机数表作为目标值：一列对应一个输出。",
)
DRAW_W1 = Bilingual(
    en="Random initial weights: one row of w1 per input, one column per hidden unit.",
    zh="随机的初始权重：w1 的一行对应一个输入，一列对应一个隐藏单元。",
)
DRAW_W2 = Bilingual(
    en="Random initial weights: one row of w2 per hidden unit, one column per output.",
    zh="随机的初始权重：w2 的一行对应一个隐藏单元，一列对应一个输出。",
)
DRAW_B1 = Bilingual(
    en="Random initial biases: one number per hidden unit.",
    zh="随机的初始偏置：每个隐藏单元一个数。",
)
DRAW_B2 = Bilingual(
    en="Random initial biases: one number per output.",
    zh="随机的初始偏置：每个输出一个数。",
)
RATE = Bilingual(
    en="The learning rate: in one step each weight moves by this multiple of its gradient.",
    zh="学习率：每一步里权重移动的量，等于梯度乘以它。",
)
RATE_TRIED = Bilingual(
    en="The learning rate: in one step each weight moves by this multiple of its gradient. Of 0.5, 0.2, 0.1, 0.05 and "
    "so on, "
    "those were left out whose loss rose above its start; of the others this one ended lowest.",
    zh="学习率：每一步里权重移动的量，等于梯度乘以它。依次试过 0.5、0.2、0.1、0.05 等等，去掉那些让损失升到起点以上的，"
    "剩下的里面，它最后的损失最低。",
)

POINTS = Bilingual(
    en="Twelve points of the plane, one per row: near both axes, far out to the side, far up or down.",
    zh="平面上的 12 个点，一行一个：有的离两条轴都近，有的左右离得远，有的上下离得远。",
)
QUADRANT = Bilingual(
    en="The quadrant of each point, 1 to 4, counted anticlockwise from the upper right.",
    zh="每个点所在的象限，1 到 4，从右上角起逆时针数。",
)
ONE_HOT = Bilingual(
    en="The targets, one-hot: in each row a 1 in the column of the right class, and 0 in the others.",
    zh="目标值，写成 one-hot：每一行在正确类别那一列是 1，其余各列是 0。",
)
NEW_QUADRANT_POINTS = Bilingual(
    en="Four new points and their quadrants, which training never sees.",
    zh="四个新的点和它们的象限，训练时从不使用。",
)
NEW_ONE_HOT = Bilingual(en="The same for the new points.", zh="对新的点做同样的事。")

READ = Bilingual(
    en="The file is read as a table of text; its first row holds the names of the columns.",
    zh="把文件读成一张文字表；第一行是各列的名字。",
)
VALUES = Bilingual(
    en="The inputs: every column but the target's, without the row of names, turned into numbers.",
    zh="输入：除目标列之外的各列，去掉列名那一行，变成数字。",
)
LABELS = Bilingual(
    en="The column that is to be predicted.",
    zh="要预测的那一列。",
)
CLASSES = Bilingual(
    en="The different classes in the order of the alphabet, and the number of each row's class.",
    zh="所有不同的类别（按字母顺序），以及每一行的类别编号。",
)
TARGET_NUMBERS = Bilingual(
    en="The column that is to be predicted, as a table with one column.",
    zh="要预测的那一列，写成只有一列的表。",
)
SPLIT = Bilingual(
    en="Every fifth row is put aside as a new row, which training never sees; x has the others.",
    zh="每五行取出一行，当作训练时从不使用的新行；其余的行留在 x 里。",
)
SPLIT_TARGETS = Bilingual(
    en="The targets are split in the same way.",
    zh="目标值也照同样的办法分开。",
)
MEAN = Bilingual(
    en="The mean and the standard deviation of each input, over the rows of training.",
    zh="每个输入在训练行上的均值和标准差。",
)
MEAN_Y = Bilingual(
    en="The mean and the standard deviation of the target, over the rows of training.",
    zh="目标值在训练行上的均值和标准差。",
)
STANDARD_X = Bilingual(
    en="Each input gets mean 0 and standard deviation 1 over the rows of training, so that columns in grams and in "
    "metres "
    "count alike.",
    zh="让每个输入在训练行上均值为 0、标准差为 1，这样以克计的列和以米计的列分量相同。",
)
STANDARD_Y = Bilingual(
    en="The same for the targets: a prediction of 0 then means the mean of the rows of training.",
    zh="对目标值做同样的事：这样一来，预测 0 的意思就是预测训练行的平均值。",
)
TABLE_SIZES = Bilingual(
    en="The sizes: rows, inputs and outputs are those of the table; the number of hidden units is chosen.",
    zh="各个尺寸：行数、输入个数、输出个数由表决定；隐藏单元的个数由人选定。",
)

QUADRANT_LINES = [
    (
        "x = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1],\n"
        "              [10, 1], [-10, 1], [-10, -1], [10, -1],\n"
        "              [1, 10], [-1, 10], [-1, -10], [1, -10]], dtype=float)",
        POINTS,
    ),
    ("quadrant = np.array([1, 2, 3, 4] * 3)", QUADRANT),
    ("y = np.eye(4)[quadrant - 1]", ONE_HOT),
    ("x_new = np.array([[111, -111], [1, 9], [8, 1], [1, 8]], dtype=float)", NEW_QUADRANT_POINTS),
    ("y_new = np.eye(4)[np.array([4, 1, 1, 1]) - 1]", NEW_ONE_HOT),
]
WEIGHT_LINES = [
    ("w1 = rng.standard_normal((n_inputs, n_hidden))", DRAW_W1),
    ("w2 = rng.standard_normal((n_hidden, n_outputs))", DRAW_W2),
]
BIAS_LINES = [
    ("b1 = rng.standard_normal(n_hidden)", DRAW_B1),
    ("b2 = rng.standard_normal(n_outputs)", DRAW_B2),
]


def setup_source(
    problem: str,
    sizes: tuple[int, int, int, int],
    seed: int,
    bias: bool,
    learning_rate: float,
    table: LessonTable | None = None,
) -> list[SourceLine]:
    """Return the lines that make the data and the weights, in the order in which the ladder draws its numbers."""
    size_line = (
        f"n_rows, n_inputs, n_hidden, n_outputs = {', '.join(str(size) for size in sizes)}",
        SIZES,
    )
    draw = (f"rng = np.random.default_rng({seed})", SEED)
    if table is not None:
        data = [*table_lines(table, sizes[2]), draw]
    elif problem == "quadrants":
        data = [size_line, *QUADRANT_LINES, draw]
    else:
        data = [
            size_line,
            draw,
            ("x = rng.standard_normal((n_rows, n_inputs))", DRAW_X),
            ("y = rng.standard_normal((n_rows, n_outputs))", DRAW_Y),
        ]
    was_tried = table is not None and table.rate_was_tried
    rate = (f"learning_rate = {learning_rate!r}", RATE_TRIED if was_tried else RATE)
    lines = [("import numpy as np", IMPORT), *data, *WEIGHT_LINES, *BIAS_LINES * bias, rate]
    return [SourceLine("setup", code, *meaning) for code, meaning in lines]


def table_lines(table: LessonTable, n_hidden: int) -> list[tuple[str, Bilingual]]:
    """Return the lines that make x and y of a table of one's own."""
    read = (
        f"table = np.loadtxt({str(table.path)!r}, dtype=str, comments=None,\n"
        f"                   delimiter={table.delimiter!r}, quotechar='\"', encoding='utf-8-sig')"
    )
    lines = [
        (read, READ),
        (f"values = np.delete(table[1:], {table.target}, axis=1).astype(float)", VALUES),
    ]
    if table.is_classes:
        lines += [
            (f"labels = table[1:, {table.target}]", LABELS),
            ("classes, number = np.unique(labels, return_inverse=True)", CLASSES),
            ("targets = np.eye(len(classes))[number]", ONE_HOT),
        ]
    else:
        lines.append((f"targets = table[1:, [{table.target}]].astype(float)", TARGET_NUMBERS))
    lines += [
        ("x, x_new = np.delete(values, np.s_[4::5], axis=0), values[4::5]", SPLIT),
        ("y, y_new = np.delete(targets, np.s_[4::5], axis=0), targets[4::5]", SPLIT_TARGETS),
        ("mean, spread = x.mean(axis=0), x.std(axis=0)", MEAN),
        ("x, x_new = (x - mean) / spread, (x_new - mean) / spread", STANDARD_X),
    ]
    if not table.is_classes:
        lines += [
            ("mean_y, spread_y = y.mean(axis=0), y.std(axis=0)", MEAN_Y),
            ("y, y_new = (y - mean_y) / spread_y, (y_new - mean_y) / spread_y", STANDARD_Y),
        ]
    sizes = f"(n_rows, n_inputs), n_hidden, n_outputs = x.shape, {n_hidden}, y.shape[1]"
    return [*lines, (sizes, TABLE_SIZES)]
