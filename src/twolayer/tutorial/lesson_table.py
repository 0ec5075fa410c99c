"""A table of one's own for the lesson: plain text with commas, semicolons or tabs, read by lines of NumPy that are shown.

What such lines cannot read, gaps and text among the inputs, is refused in one sentence; `twolayer fit` reads far more.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twolayer.errors import InputError
from twolayer.tables.target import are_few
from twolayer.text import single_line
from twolayer.tutorial.bilingual import Bilingual

LEAST_ROWS = 5  # of which one is put aside
TABLE_DELIMITERS = ",;\t"

NOT_READ = Bilingual(
    en="{path}: cannot be read as a table of text with a row of names: {reason}",
    zh="{path}：不能读成一张带列名的文字表：{reason}",
)
TOO_FEW_ROWS = Bilingual(
    en="{path}: the lesson needs at least {least} rows below the names of the columns, and there are {rows}",
    zh="{path}：列名下面至少要有 {least} 行数据，这里只有 {rows} 行",
)
NO_INPUTS = Bilingual(
    en="{path}: there is one column only: the lesson needs inputs and a target, with commas, semicolons or tabs between",
    zh="{path}：只有一列：需要若干列输入和一列目标，用逗号、分号或制表符隔开",
)
NO_COLUMN = Bilingual(
    en="{path}: there is no column '{name}'; the columns are {names}",
    zh="{path}：没有名为 '{name}' 的列；现有的列是 {names}",
)
TWO_COLUMNS = Bilingual(
    en="{path}: {count} columns are called '{name}': give each its own name",
    zh="{path}：有 {count} 列都叫 '{name}'：请给每列不同的名字",
)
NOT_A_NUMBER = Bilingual(
    en="{path}: row {row} of column '{name}' is '{word}', which is no finite number: the lesson takes inputs that are "
    "numbers without gaps (`twolayer fit` takes text and gaps as well)",
    zh="{path}：'{name}' 列第 {row} 行是 '{word}'，不是有限的数：这里的输入必须全是数，不能有空缺"
    "（`twolayer fit` 可以处理文字和空缺）",
)
NO_TARGET = Bilingual(
    en="{path}: row {row} of the target '{name}' is empty: leave out that row",
    zh="{path}：目标列 '{name}' 的第 {row} 行是空的：请删去这一行",
)
MIXED_TARGET = Bilingual(
    en="{path}: the target '{name}' holds numbers, but '{word}' in row {row}: leave out that row, or choose a column "
    "with "
    "--target",
    zh="{path}：目标列 '{name}' 是数字，但第 {row} 行是 '{word}'：请删去这一行，或者用 --target 选另一列",
)
MANY_CLASSES = Bilingual(
    en="{path}: the target '{name}' holds {classes} different texts in {rows} rows, names rather than classes: choose "
    "a column "
    "with --target",
    zh="{path}：目标列 '{name}' 的 {rows} 行里有 {classes} 种不同的文字，更像名字而不是类别：请用 --target 选另一列",
)
ONE_VALUE = Bilingual(
    en="{path}: column '{name}' has one value only in the rows of training: leave it out",
    zh="{path}：'{name}' 列在训练行里只有一个值：请去掉这一列",
)


@dataclass(frozen=True)
class LessonTable:
    """Where a table stands, and which of its columns is the target; all others are inputs.

    Attributes
    ----------
    path : Path
    delimiter : str
    names : list of str
        Of all columns.
    target : int
        The place of its column.
    is_classes : bool
        Whether the target holds classes: text, or few different whole numbers.
    n_rows, n_outputs : int
        Of the part that is trained on.
    rate_was_tried : bool
        Whether the learning rate is the one that ended lowest of those tried on this table.
    """

    path: Path
    delimiter: str
    names: list[str]
    target: int
    is_classes: bool
    n_rows: int
    n_outputs: int
    rate_was_tried: bool = False


def read_lesson_table(path: Path, target: str | None, lang: str) -> LessonTable:
    """Return what there is to know of the table, checked; by default its last column is the target.

    Raises
    ------
    InputError
        If the file or the column is not there, is not plain text, or holds gaps, or text among the inputs.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline()
        delimiter = max(TABLE_DELIMITERS, key=first.count)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an empty file: counted below
            table = np.loadtxt(
                path, dtype=str, comments=None, delimiter=delimiter, quotechar='"', ndmin=2,
                encoding="utf-8-sig",
            )  # fmt: skip
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).split(";", maxsplit=1)[0]
        raise InputError(NOT_READ.said(lang, path=path, reason=single_line(reason))) from None
    names, rows = [str(name) for name in table[:1].ravel()], table[1:]
    if len(rows) < LEAST_ROWS:
        raise InputError(
            TOO_FEW_ROWS.said(lang, path=path, least=LEAST_ROWS, rows=max(0, len(rows)))
        )
    if len(names) < 2:
        raise InputError(NO_INPUTS.said(lang, path=path))
    for name in names:
        if names.count(name) > 1:
            raise InputError(TWO_COLUMNS.said(lang, path=path, name=name, count=names.count(name)))
    if target is not None and target not in names:
        shown = ", ".join(names[:10]) + ", ..." * (len(names) > 10)
        raise InputError(NO_COLUMN.said(lang, path=path, name=target, names=shown))
    column = len(names) - 1 if target is None else names.index(target)
    for number, name in enumerate(names):
        if number != column:
            check_input(path, name, rows[:, number], lang)
    is_classes, n_outputs = check_lesson_target(path, names[column], rows[:, column], lang)
    trained = len(rows) - len(rows) // 5
    return LessonTable(path, delimiter, names, column, is_classes, trained, n_outputs)


def check_input(path: Path, name: str, words: np.ndarray, lang: str) -> None:
    """Raise unless a column holds finite numbers that are not all the same in the rows of training."""
    for row, word in enumerate(words, 1):
        if not is_finite_number(word):
            raise InputError(NOT_A_NUMBER.said(lang, path=path, row=row, name=name, word=word))
    check_column_spread(path, name, words.astype(float), lang)


def check_lesson_target(path: Path, name: str, words: np.ndarray, lang: str) -> tuple[bool, int]:
    """Return whether the target holds classes, and how many outputs it takes; raise if it cannot be used."""
    empty = np.flatnonzero(np.char.strip(words) == "")
    if len(empty):
        raise InputError(NO_TARGET.said(lang, path=path, row=empty[0] + 1, name=name))
    is_number = np.array([is_finite_number(word) for word in words])
    if is_number.all():
        numbers = words.astype(float)
        if not ((numbers == np.floor(numbers)).all() and are_few(numbers)):
            check_column_spread(path, name, numbers, lang)
            return False, 1
    elif 2 * is_number.sum() >= len(words):
        row = int(np.flatnonzero(~is_number)[0])
        raise InputError(
            MIXED_TARGET.said(lang, path=path, name=name, row=row + 1, word=words[row])
        )
    classes = np.unique(words)
    if len(classes) < 2:
        raise InputError(ONE_VALUE.said(lang, path=path, name=name))
    if 2 * len(classes) > len(words):
        raise InputError(
            MANY_CLASSES.said(lang, path=path, name=name, classes=len(classes), rows=len(words))
        )
    return True, len(classes)


def check_column_spread(path: Path, name: str, numbers: np.ndarray, lang: str) -> None:
    """Raise unless the rows of training differ: a column is divided by their standard deviation."""
    trained = np.delete(numbers, np.s_[4::5])
    if trained.min() == trained.max() or not 0 < trained.std() < math.inf:
        raise InputError(ONE_VALUE.said(lang, path=path, name=name))


def is_finite_number(word: str) -> bool:
    """Return whether NumPy reads the word as a finite number."""
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
