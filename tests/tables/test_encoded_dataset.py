"""A dataset in Python: read, split and encoded as `twolayer fit` does, from the training rows alone."""

import numpy as np
import pytest

from twolayer.errors import InputError
from twolayer.tables import TableOptions, encode_dataset, read_dataset


def dataset(path, text, **more):
    path.write_text(text)
    return read_dataset(TableOptions.of({"table": path, "target": "y", **more}))


def test_the_split_parts_the_rows_and_gaps_are_filled_from_the_training_rows(tmp_path):
    lines = ["a,y", *(f"{'' if i == 3 else i * i},{i % 7 + 0.5}" for i in range(40))]
    subject = encode_dataset(dataset(tmp_path / "t.csv", "\n".join(lines)), 0.25, 0)
    parts = subject.parts
    assert sorted([*parts.train, *parts.test]) == list(range(40))
    assert len(parts.test) == 10
    training = [i * i for i in parts.train if i != 3]
    assert subject.x[3, 0] == np.median(training)
    assert len(subject.notes) == 1


def test_a_name_that_would_steer_a_terminal_is_refused(tmp_path):
    lines = ["a\x1b[2J,y", *(f"{i * i},{i % 7 + 0.5}" for i in range(40))]
    with pytest.raises(InputError, match="holds a control character"):
        encode_dataset(dataset(tmp_path / "t.csv", "\n".join(lines)), 0.25, 0)


def test_a_part_without_weight_is_refused(tmp_path):
    lines = ["a,w,y", *(f"{i * i},{int(i == 0)},{i % 7 + 0.5}" for i in range(40))]
    with pytest.raises(InputError, match="has a weight above 0"):
        encode_dataset(dataset(tmp_path / "t.csv", "\n".join(lines), weights="w"), 0.25, 0)
