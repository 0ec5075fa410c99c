"""The pictures of weights, units, predictions, classes and importances: what is drawn, by itself and in the extremes."""

import numpy as np
import pytest
from matplotlib.cbook import is_math_text
from sklearn import metrics

import twolayer as tl
from twolayer import InputError, plots


def labels(ticks):
    return [tick.get_text() for tick in ticks]


def overlapping(texts, renderer):
    """Pairs of texts whose boxes overlap."""
    boxes = [text.get_window_extent(renderer) for text in texts if text.get_text()]
    return sum(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def renderer_of(ax):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    return canvas.get_renderer()


# ---- training


def test_validation_stands_at_the_steps_of_its_looks():
    ax = plots.loss_curve([4.0, 3.0, 2.0, 1.0], validation=[5.0, 6.0], best_step=2)
    _, held, best = ax.get_lines()
    assert held.get_xdata().tolist() == [2, 4]
    assert held.get_ydata().tolist() == [5, 6]
    assert best.get_xdata() == [2, 2]
    assert labels(ax.get_legend().get_texts()) == ["training rows", "held-out rows"]


def test_gradient_and_update():
    ax = plots.step_sizes([4.0, 2.0], [0.4, 0.2])
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == [[4, 2], [0.4, 0.2]]
    assert ax.get_yscale() == "log"
    with pytest.raises(InputError, match="shape of gradient_norms"):
        plots.step_sizes([4.0, 2.0], [0.4])


# ---- weights


def test_a_heat_map_is_the_matrix_and_its_colours_are_even_around_0():
    w = np.array([[1.0, -3.0], [0.5, 2.0]])
    image = plots.weight_map(w).images[0]
    assert image.get_array().tolist() == w.tolist()
    low, high = image.get_clim()
    assert low == -high


def test_of_a_wide_table_the_strongest_inputs_are_shown():
    w = np.random.default_rng(0).standard_normal((5748, 50)) * 0.01
    w[[7, 4000]] = [[3.0], [5.0]]
    ax = plots.weight_map(w, rows=[f"gene{j}" for j in range(5748)])
    assert labels(ax.get_yticklabels())[:2] == ["gene4000", "gene7"]
    assert ax.images[0].get_array().shape == (40, 50)
    assert "40 of 5,748" in ax.get_ylabel()
    assert overlapping(ax.get_yticklabels(), renderer_of(ax)) == 0


def lines_of(ax):
    return [
        (*collection.get_segments()[k].ravel().tolist(), width, tuple(colour))
        for collection in ax.collections
        if hasattr(collection, "get_segments")
        for k, (width, colour) in enumerate(
            zip(collection.get_linewidths(), collection.get_edgecolors(), strict=True)
        )
    ]


def test_black_is_positive_grey_negative_and_width_is_the_weight():
    params = tl.Params(np.array([[1.0], [-2.0]]), None, np.array([[4.0]]), None)
    drawn = lines_of(plots.network_drawing(params))
    assert len(drawn) == 3
    small, large = sorted(drawn[:2], key=lambda line: line[4])
    assert small[5][:3] == (0, 0, 0)
    assert large[5][:3] == (0.65, 0.65, 0.65)
    assert small[4] / large[4] == pytest.approx(0.5, rel=0.02)


def test_a_large_weight_does_not_thin_the_others_out():
    w1 = np.full((10, 12), 1.0)
    w1[0, 0] = 1000.0
    params = tl.Params(w1, None, np.ones((12, 1)), None)
    widths = [line[4] for line in lines_of(plots.network_drawing(params))]
    assert len(widths) == 132
    assert min(widths) == max(widths)  # 1000 is cut off at the cap


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((4, 3, 1), ["4 inputs", "3 hidden units", "1 output"]),
        ((5748, 50, 14), ["top 10\nof 5,748 inputs", "top 12\nof 50 hidden units", "14 outputs"]),
    ],
)  # fmt: skip
def test_a_network_of_any_size_can_be_read(sizes, words):
    params = tl.init_params(*sizes, skip=True, random_state=0)
    names = [f"the quite long name {k}" for k in range(max(sizes))]
    ax = plots.network_drawing(params, inputs=names, outputs=names)
    texts = [text.get_text() for text in ax.texts]
    assert texts[-3:] == words
    assert overlapping(ax.texts, renderer_of(ax)) == 0


def test_the_strongest_inputs_are_drawn_in_units_of_their_spread():
    params = tl.Params(np.eye(20), None, np.ones((20, 1)), None)
    spread = np.ones(20)
    spread[13] = 50.0
    ax = plots.network_drawing(params, spread=spread, max_inputs=1)
    assert ax.texts[0].get_text() == "x14"


def test_one_network_at_a_time():
    with pytest.raises(InputError, match="holds 3 networks"):
        plots.network_drawing(
            tl.Params.stack([tl.init_params(2, 2, 1, random_state=k) for k in range(3)])
        )


def test_dead_units_are_counted():
    h = np.array([[0.0, 1.0, 0.0, 2.0], [0.0, 2.0, 3.0, 2.0]])
    ax = plots.unit_activity(h)
    assert ax.get_title(loc="right") == "2 of 4 units dead"  # always 0, and always 2
    assert [bar.get_height() for bar in ax.patches] == [1.0, 0.5, 1.0, 0.0]


# ---- predictions


def test_residuals_and_their_running_median():
    y_pred = np.arange(100.0)
    ax = plots.residuals(y_pred + np.where(y_pred < 50, 1.0, -2.0), y_pred)
    dots, middle = ax.get_lines()[0], ax.get_lines()[2]
    assert set(dots.get_ydata()) == {1.0, -2.0}
    assert middle.get_ydata()[0] == 1.0
    assert middle.get_ydata()[-1] == -2.0


def test_of_few_rows_no_median_goes_up_and_down():
    y_pred = np.arange(40.0)
    assert len(plots.residuals(y_pred + 1, y_pred).get_lines()) == 2  # the dots, and 0


def test_a_constant_prediction_is_not_drawn_as_a_spread():
    y = np.linspace(-1, 1, 60)
    ax = plots.residuals(y, 3 + 1e-9 * y)
    assert ax.get_xlim() == pytest.approx((2, 4))
    assert len(ax.get_lines()) == 2


def test_both_axes_of_predicted_and_true_are_alike():
    ax = plots.predicted_against_actual([0.0, 10.0], [4.0, 6.0], y_std=[1.0, 2.0])
    assert ax.get_xlim() == ax.get_ylim()
    with pytest.raises(InputError, match="they have 2 and 3"):
        plots.predicted_against_actual([1.0, 2.0], [1.0, 2.0, 3.0])


def test_of_very_many_rows_an_even_choice_is_drawn_and_the_median_is_of_all():
    y_pred = np.linspace(0, 1, 50_000)
    residual = 1.0 + np.arange(50_000) % 3
    residual[25_000:] = 7.0
    ax = plots.residuals(y_pred + residual, y_pred)
    dots, middle = ax.get_lines()[0], ax.get_lines()[2]
    assert len(dots.get_xdata()) == 4000
    assert dots.get_xdata()[[0, -1]].tolist() == [0, 1]
    np.testing.assert_allclose(middle.get_ydata(), [2] * 6 + [7] * 6)


def test_rows_given_the_same_probability_are_one_bin():
    p = np.repeat([[0.2, 0.8]], 20, axis=0)
    y = np.array(["yes"] * 12 + ["no"] * 8)
    line = plots.calibration_curve(y, p, ["no", "yes"]).get_lines()[1]
    assert line.get_xdata() == pytest.approx([0.8])
    assert line.get_ydata() == pytest.approx([0.6])


def test_bins_hold_every_row_once():
    rng = np.random.default_rng(0)
    said = np.round(rng.random(97), 1)  # many alike
    means, shares, _ = plots.classification._calibration_bins(said, rng.random(97) < said)
    assert len(np.unique(means)) == len(means) > 3
    ends = np.searchsorted(np.sort(said), np.unique(said), side="right")
    assert 0 <= shares.min() <= shares.max() <= 1
    assert means[0] <= np.sort(said)[: ends[-1]].mean() <= means[-1]


@pytest.mark.parametrize("tail", ["", " of the genus"])
def test_the_legend_of_many_names_is_inside_the_picture(tail):
    y, p, names = answers(14)
    ax = plots.roc_curve(y + tail, p, [name + tail for name in names])
    box = ax.get_legend().get_window_extent(renderer_of(ax))
    assert box.x1 <= ax.figure.bbox.x1


def answers(n_classes, n_rows=400, seed=0):
    rng = np.random.default_rng(seed)
    names = [f"class number {k}" for k in range(n_classes)]
    places = np.arange(n_rows) % n_classes
    p = rng.random((n_rows, n_classes)) + 0.8 * np.eye(n_classes)[places]
    return np.array(names, dtype=object)[places], p / p.sum(axis=1, keepdims=True), names


@pytest.mark.parametrize("n_classes", [2, 14])
def test_bars_of_recall_and_precision_are_scikit_learns(n_classes):
    y, p, names = answers(n_classes)
    y_pred = np.array(names, dtype=object)[p.argmax(axis=1)]
    counts = metrics.confusion_matrix(y, y_pred, labels=names)
    ax = plots.per_class_scores(counts, names)
    widths = [bar.get_width() for bar in ax.patches]
    precision, recall, _, _ = metrics.precision_recall_fscore_support(y, y_pred, labels=names)
    np.testing.assert_allclose(widths, np.r_[recall, precision])
    assert overlapping(ax.get_yticklabels(), renderer_of(ax)) == 0


@pytest.mark.parametrize("n_classes", [2, 14])
def test_the_confusion_matrix_can_be_read(n_classes):
    y, p, names = answers(n_classes)
    counts = metrics.confusion_matrix(
        y, np.array(names, dtype=object)[p.argmax(axis=1)], labels=names
    )
    ax = plots.confusion_matrix(counts, names)
    renderer = renderer_of(ax)
    for texts in (ax.texts, ax.get_xticklabels(), ax.get_yticklabels()):
        assert overlapping(texts, renderer) == 0
    shown = {
        (int(t.get_position()[1]), int(t.get_position()[0])): int(t.get_text()) for t in ax.texts
    }
    assert shown == {(a, b): count for (a, b), count in np.ndenumerate(counts) if count}


@pytest.mark.parametrize("n_classes", [2, 14])
def test_areas_under_the_curves_are_scikit_learns(n_classes):
    y, p, names = answers(n_classes)
    told = plots.roc_curve(y, p, names).get_legend_handles_labels()[1]
    wanted = names[1:] if n_classes == 2 else names
    expected = [
        f"{name}: area {metrics.roc_auc_score(y == name, p[:, names.index(name)]):.3f}"
        for name in wanted
    ]
    assert told == expected


def test_a_class_that_is_not_there_has_no_curve():
    y, p, names = answers(3)
    kept = y != names[2]
    assert len(plots.roc_curve(y[kept], p[kept], names).get_legend_handles_labels()[1]) == 2


def test_honest_probabilities_lie_on_the_line_and_boasts_below():
    rng = np.random.default_rng(0)
    chance = rng.random(20_000)
    y = np.where(rng.random(20_000) < chance, "yes", "no")

    def curve(p):
        ax = plots.calibration_curve(y, np.stack([1 - p, p], axis=1), ["no", "yes"])
        container = ax.containers[0]
        return container.lines[0].get_data()

    said, true = curve(chance)
    np.testing.assert_allclose(said, true, atol=0.04)
    assert len(said) == 10
    said, true = curve(np.where(chance > 0.5, 0.99, 0.01))
    assert true[-1] == pytest.approx(0.75, abs=0.02)  # the mean of the chances above a half


def test_ranges_of_calibration_are_wilsons():
    p = np.repeat([[0.1, 0.9], [0.05, 0.95]], 5, axis=0)
    ax = plots.calibration_curve(["yes"] * 9 + ["no"], p, ["no", "yes"])
    (low, high) = ax.containers[0].lines[2][0].get_segments()[0][:, 1]
    # R: binom::binom.wilson(5, 5) is 0.5655 to 1, binom.wilson(4, 5) 0.3755 to 0.9638; bins of five rows each
    assert (low, high) == (pytest.approx(0.5655, abs=1e-3), pytest.approx(1, abs=1e-9))


# ---- inputs


def test_regions_are_what_the_model_says():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 2))
    y = np.where(x[:, 0] > 0, "right", "left")
    model = tl.TwoLayerClassifier(4, alpha=0.1, n_networks=1, random_state=0).fit(x, y)
    ax = plots.decision_regions(model, x, y, names=["across", "up"])
    picture = ax.images[0].get_array()
    west, east = picture[75, 5], picture[75, -5]
    assert west[2] > west[1] > west[0]  # blue, the colour of "left"
    assert east[0] > east[1] > east[2]  # orange
    assert labels(ax.get_legend().get_texts()) == ["left", "right"]
    with pytest.raises(InputError, match="two different columns"):
        plots.decision_regions(model, x, y, inputs=(1, 1))


def test_regions_of_numbers_hold_the_others_still():
    asked = []

    class Model:
        def predict(self, rows):
            asked.append(rows)
            return rows[:, 0]

    x = np.array([[0.0, 1.0, 5.0], [1.0, 2.0, 7.0], [2.0, 4.0, 90.0]])
    plots.decision_regions(Model(), x, np.arange(3.0))
    assert set(asked[0][:, 2]) == {7.0}


def test_the_largest_importances_are_on_top_and_negative_ones_count_if_signed():
    values = [0.1, -0.9, 0.5]
    ax = plots.importance_bars(values, ["a", "b", "c"], max_bars=2)
    assert labels(ax.get_yticklabels()) == ["c", "a"]
    ax = plots.importance_bars(values, ["a", "b", "c"], max_bars=2, signed=True)
    assert labels(ax.get_yticklabels()) == ["b", "c"]
    assert [bar.get_width() for bar in ax.patches] == [-0.9, 0.5]


def test_names_are_printed_as_they_are_and_not_as_formulas():
    names = ["from 5 $ to 6 $", "price in $", "a^b_c"]
    ax = plots.importance_bars([3.0, 2.0, 1.0], names, notes=["$x$", "", ""])
    texts = [*labels(ax.get_yticklabels()), ax.texts[0].get_text()]
    assert [text.replace(r"\$", "$") for text in texts] == [*names, "$x$"]
    assert not any(is_math_text(text) for text in texts)


@pytest.mark.parametrize("bad", [[], [[1.0]], [np.nan, np.nan]])
def test_nothing_to_draw(bad):
    with pytest.raises(InputError, match="values must be an array"):
        plots.importance_bars(bad, ["a"] * len(bad))
