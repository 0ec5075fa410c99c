"""How linear a model is: a model that is linear, one that is half so, and rows that cannot tell."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneOut, cross_val_predict

import twolayer as tl
from twolayer.inspection.linear_share import left_out_residuals, linear_share

SETTINGS = {"n_hidden": 4, "n_networks": 2, "alpha": 0.1, "random_state": 0}


class Function:
    """A fitted model, as far as the share needs it, whose outputs are a known function of x."""

    several_labels_ = False
    params_ = tl.init_params(3, 2, 1)

    def __init__(self, function, classes=None):
        self.function = function
        if classes:
            self.classes_ = np.arange(classes)

    def network_outputs(self, x):
        return self.function(x).reshape(1, len(x), -1)

    def decision_function(self, x):
        return self.function(x)


def rows(n_rows=4000, n_inputs=3):
    return np.random.default_rng(0).standard_normal((n_rows, n_inputs))


def test_the_share_is_that_of_the_variance():
    # var(2a) = 4 and var(b²) = 2 of independent standard normal a and b, and b² is not correlated with b
    found = linear_share(Function(lambda x: 2 * x[:, 0] + x[:, 1] ** 2), rows())
    assert found.shares == pytest.approx([4 / 6], abs=0.03)
    assert linear_share(
        Function(lambda x: 5 + 100 * x @ [1, 2, 3]), rows()
    ).shares == pytest.approx([1.0])
    both = linear_share(Function(lambda x: np.c_[x[:, 0], x[:, 1] ** 2]), rows())
    assert both.shares == pytest.approx([1.0, 0.0], abs=0.01)


def test_classes_count_as_one_by_logits_without_their_common_shift():
    def logits(x):
        return x @ np.eye(3) + 7 * x[:, :1] ** 2

    assert linear_share(Function(logits, classes=3), rows()).shares == pytest.approx([1.0])
    assert (linear_share(Function(logits), rows()).shares < 0.2).all()


def test_residuals_are_those_of_a_linear_model_without_the_row():
    x = rows(40, 6)
    x[:, 4] = x[:, 3] + x[:, 2]  # of less than full rank
    f = np.abs(x[:, 0]) + x[:, 1]
    expected = f - cross_val_predict(LinearRegression(), x, f, cv=LeaveOneOut())
    np.testing.assert_allclose(left_out_residuals(x, f - f.mean()), expected, atol=1e-9)


def test_columns_of_noise_do_not_make_a_model_linear():
    """The least squares of f on half as many columns as rows explain half its variance, whatever f is."""
    found = linear_share(Function(lambda x: x[:, 0] ** 2), rows(60, 28))
    assert found.shares < 0.2
    assert not found.of_skip


def test_with_few_rows_it_cannot_be_told():
    x = rows(40, 30)
    model = tl.TwoLayerRegressor(**SETTINGS).fit(x, x[:, 0])
    found = linear_share(model, x)
    assert found.shares is None
    assert found.sentences(["y"], False) == [
        "How linear the network is cannot be told: with 30 columns and 40 rows, a linear model can follow nearly any outputs."
    ]


@pytest.mark.parametrize("n_rows", [1, 2, 3, 10])
def test_of_rows_that_are_all_alike_there_is_nothing_to_say(n_rows):
    found = linear_share(Function(lambda x: x.sum(axis=1)), np.ones((n_rows, 3)))
    told = found.sentences(["y"], False)
    assert not told or (n_rows == 1 and "cannot be told" in told[0])


@pytest.mark.parametrize("classes", [2, 3])
def test_with_few_rows_the_skip_layer_says_what_is_linear_at_least(classes):
    x = rows(60, 200)
    y = np.arange(60) % classes
    x[:, :50] += y[:, None]
    model = tl.TwoLayerClassifier(**(SETTINGS | {"alpha": 30.0, "n_networks": 1}), skip=True).fit(
        x, y
    )
    found = linear_share(model, x)
    assert found.of_skip
    (one,) = model.networks_
    direct = (model.network_inputs(x)[0] @ one.w_skip).reshape(60, -1)
    logits = model.decision_function(x).reshape(60, -1)
    if classes == 2:
        expected = np.corrcoef(direct[:, 0], logits[:, 0])[0, 1] ** 2
        assert found.shares == pytest.approx([expected], abs=0.02)
    assert 0.5 < found.shares[0] <= 1
    told = found.sentences(["y"], True)
    assert told[0].startswith("At least ")
    assert "skip layer" in told[0]
    assert "with 200 columns and 60 rows" in told[1]


def test_the_words_name_each_of_several_targets():
    found = linear_share(Function(lambda x: np.c_[x[:, 0], 0 * x[:, 0], np.abs(x[:, 1])]), rows())
    (told,) = found.sentences(["u", "v", "w"], False)
    assert (
        "100% of what the network says about 'u' and 0% of what the network says about 'w' is a"
        in told
    )
    assert "'v'" not in told
    many = linear_share(Function(lambda x: np.repeat(x, 2, axis=1) ** [1, 2, 1, 1, 1, 1]), rows())
    assert many.sentences("uvwxyz", False)[0].startswith(
        "0% to 100% of what the network says about each target is"
    )
    assert (
        linear_share(Function(lambda x: np.full(len(x), 3.0)), rows()).sentences(["y"], False) == []
    )
