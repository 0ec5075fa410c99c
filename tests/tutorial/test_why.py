"""`twolayer explain --topic why`: every answer's figures computed here once more, with NumPy of this file's own."""

import contextlib
import io
import re

import numpy as np
import pytest
from command_line import done
from explain_pages import arrays, flat, numpy_run, read
from slow_cases import slow
from threadpoolctl import threadpool_limits

from twolayer.engines import contract
from twolayer.tutorial.explain import why
from twolayer.tutorial.explain.why import QUESTIONS, explain_why
from twolayer.tutorial.ladder import LadderProgram

QUICK = ["start", "zeros", "mean", "product", "entries", "twice"]
LONG = [name for name in QUESTIONS if name not in QUICK]


def answer(question, lang="en", seed=0):
    return read(explain_why, seed, question, lang=lang)


@pytest.fixture(scope="module")
def runs():
    """Of the tutorial's program: losses and the weights at the end for some rates; and its numbers."""
    x, y, params = arrays(LadderProgram())
    found = {}
    with np.errstate(all="ignore"), threadpool_limits(1):
        for rate, steps in ((1e-8, 500), (1e-7, 500), (1e-6, 500), (2e-6, 500), (1e-5, 12)):
            losses, w1, _, w2, _ = numpy_run(x, y, params, rate, steps)
            found[rate] = losses, w1, w2
    return x, y, params, found


def outputs(lines):
    """What stands behind the bars, each wrapped line in one."""
    return "\n".join(line.partition("| ")[2] for line in lines if re.match(r"     \| ?", line))


# The page


@pytest.mark.parametrize(
    ("name", "lang"),
    [(name, lang) for name in QUICK for lang in ("en", "zh")] + slow(*[(name, "zh") for name in LONG]),
)  # fmt: skip
def test_an_answer_fits_80_columns_and_is_in_one_language(name, lang):
    from rich.cells import cell_len

    lines = answer(name, lang)
    assert max(map(cell_len, lines)) <= 80
    prose = [line for line in lines if line and not line.startswith("     ")]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in "".join(prose)) == (lang == "zh")
    assert "{" not in "".join(prose)
    assert "Error:" not in outputs(lines)


@pytest.mark.parametrize("name", ["zeros", "product", "entries", "overfitting"])
def test_the_code_typed_into_python_prints_what_is_shown(name):
    lines = answer(name)
    source = "\n".join(line[5:] for line in lines if re.match(r" {5}[^|]|$", line))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), threadpool_limits(1):
        exec(source, {})
    assert " ".join(printed.getvalue().split()) == " ".join(outputs(lines).split())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_question_is_asked_for_by_its_name(capsys, lang):
    code, out, err = done(capsys, "explain", "--question", "product", "--lang", lang)
    assert (code, err) == (0, "")
    assert QUESTIONS["product"].title.said(lang) in out
    assert not any(f"[{name}]" in out for name in QUESTIONS if name != "product")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_list_names_every_question_and_runs_nothing(capsys, monkeypatch, lang):
    never = {name: asked._replace(answer=None) for name, asked in QUESTIONS.items()}
    monkeypatch.setattr(why, "QUESTIONS", never)
    code, out, err = done(capsys, "explain", "--question", "list", "--lang", lang)
    assert (code, err) == (0, "")
    rows = {name: title for name, _, title in (line.strip().partition("  ") for line in out.splitlines())}  # fmt: skip
    for name, asked in QUESTIONS.items():
        assert rows[name].split()[0] == asked.title.said(lang).split()[0]


def test_all_answers_begin_with_the_list(monkeypatch):
    one = {"product": QUESTIONS["product"], "twice": QUESTIONS["twice"]}
    monkeypatch.setattr(why, "QUESTIONS", one)
    lines = read(explain_why, 0)
    places = [next(at for at, line in enumerate(lines) if re.match(pattern, line)) for pattern in (r"  product  ", r"  twice  ", r".* \[product\]")]  # fmt: skip
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--question rates", "did you mean 'rate'?"),
        ("--topic why --n-rows 3", "--n-rows has no meaning with --topic why"),
        ("--topic why --line 3", "--line has no meaning with --topic why"),
        ("--topic timing --question rate", "--question has no meaning with --topic timing"),
    ],
)
def test_what_does_not_fit_is_one_line(capsys, words, said):
    code, out, err = done(capsys, "explain", *words.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_without_torch_the_answer_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(contract, "find_spec", lambda name: None)
    assert flat(answer("twice")).count("pip install 'twolayer[torch]'") == 2


# The answers


def test_rate(runs):
    *_, found = runs
    lines = answer("rate")
    for rate in (1e-8, 1e-7, 1e-6):
        losses = found[rate][0]
        assert f"rate {rate:g}: {losses[0]:.3g} at first, {losses[-1]:.3g} at step 499" in outputs(lines)  # fmt: skip
    step = int(np.flatnonzero(~np.isfinite(found[1e-5][0]))[0])
    assert f"rate 1e-05: 3.15e+07 at first, inf at step {step}" in outputs(lines)
    assert "Of these, 1e-06 ends lowest." in flat(lines)


def test_limit(runs):
    from scipy.sparse.linalg import LinearOperator, eigsh

    x, y, params, found = runs
    cut = params.w1.size

    def gradient(w1, w2):
        h = x @ w1
        residual = 2 * (np.maximum(h, 0) @ w2 - y)
        first = x.T @ (residual @ w2.T * (h >= 0))
        return np.concatenate([first.ravel(), (np.maximum(h, 0).T @ residual).ravel()])

    def times(v):
        d1, d2 = (1e-5 * part for part in (v[:cut].reshape(1000, 100), v[cut:].reshape(100, 10)))
        ahead = gradient(params.w1 + d1, params.w2 + d2)
        return (ahead - gradient(params.w1 - d1, params.w2 - d2)) / 2e-5

    size = cut + params.w2.size
    hessian = LinearOperator((size, size), matvec=lambda v: times(v.ravel()))
    with threadpool_limits(1):
        largest = eigsh(hessian, k=1, which="LA", tol=1e-3, return_eigenvectors=False, v0=np.ones(size))[0]  # fmt: skip
    lines = answer("limit")
    bound = float(re.search(r"2 / curvature = (\S+)", outputs(lines))[1])
    assert bound == pytest.approx(2 / largest, rel=0.01)
    assert ("just above it" in flat(lines)) == (bound < 1e-6)
    losses, w1, _ = found[2e-6]
    assert f"rate 2e-06: largest loss {losses.max():.3g}" in outputs(lines)
    assert (x @ w1 < 0).all(0).sum() > 0
    assert int(re.search(r"rate 2e-06: .*dead units (\d+)", outputs(lines))[1]) > 0
    assert f"predicting 0 everywhere costs {(y**2).sum():.4g}" in outputs(lines)


def test_start(runs):
    x, _, params, found = runs
    lines = answer("start")
    assert f"seed 0: {found[1e-6][0][0]:.4g}" in outputs(lines)
    assert f"mean square of h: {((x @ params.w1) ** 2).mean():.4g}" in outputs(lines)
    # E h² = n_inputs; half of it passes; E y_pred² = n_hidden · n_inputs / 2
    assert f"= {64 * 10 * (100 * 1000 / 2 + 1):.3g}." in flat(lines)


def test_noise(runs):
    x, y, _, found = runs
    lines = answer("noise")
    rng = np.random.default_rng(12345)
    x_new, y_new = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
    for rate in (1e-7, 1e-6):
        _, w1, w2 = found[rate]
        known, new = (
            ((np.maximum(a @ w1, 0) @ w2 - b) ** 2).sum() for a, b in ((x, y), (x_new, y_new))
        )
        assert f"rate {rate:g}: training rows {known:.3g}, new rows {new:.3g}" in outputs(lines)
        assert new > 1e4 * (y_new**2).sum()


def test_zeros(runs):
    _, y, *_ = runs
    lines = answer("zeros")
    same = f"{(y**2).sum():.4g}"
    assert f"all 0: {same} at first, {same} at last, 1 different units" in outputs(lines)
    assert re.search(r"all 0\.1: .*, 1 different units", outputs(lines))
    assert re.search(r"random: .*, 100 different units", outputs(lines))


def test_mean(runs):
    *_, found = runs
    at_99 = found[1e-6][0][99]
    lines = answer("mean")
    assert f"sum, rate 1e-06: {at_99:.6g}" in outputs(lines)
    assert f"mean, rate 0.00064: {at_99 / 640:.6g}, times 640: {at_99:.6g}" in outputs(lines)


def test_shape(runs):
    x, y, params, _ = runs
    y_pred = (np.maximum(x @ params.w1, 0) @ params.w2)[:, 0]
    pairs = sum((p - t) ** 2 for p in y_pred for t in y[:, 0])
    lines = answer("shape")
    assert f"y (64,), difference (64, 64): {pairs:.4g}" in outputs(lines)
    assert f"y (64, 1), difference (64, 1): {((y_pred - y[:, 0]) ** 2).sum():.4g}" in outputs(lines)
    assert "not aligned" in outputs(lines)
    means = re.findall(r"mean (\S+), spread (\S+)", outputs(lines))
    assert float(means[0][0]) == pytest.approx(y[:, 0].mean(), abs=0.006)
    assert float(means[1][0]) == pytest.approx(y[:, 0].mean(), abs=0.1)
    assert float(means[1][1]) < 0.2 * float(means[0][1])


def test_entries():
    """x, y and the weights with whole numbers; the gradients by finite differences of a loss written out here."""
    x, y = np.array([[1, 2, -1], [0, 1, 3.0]]), np.array([[1, 0], [0, 2.0]])
    weights = [np.array(w, float) for w in ([[1, -1], [2, 1], [0, 1]], [[1, -2], [3, 1]], [-1, -1], [1, 0])]  # fmt: skip

    def slope(which, place):
        ends = []
        for sign in (1, -1):
            w1, w2, b1, b2 = (w.copy() for w in weights)
            (w1, w2, b1, b2)[which][place] += sign * 1e-5
            ends.append(((np.maximum(x @ w1 + b1, 0) @ w2 + b2 - y) ** 2).sum())
        return (ends[0] - ends[1]) / 2e-5

    page = flat(answer("entries"))
    assert f"(4)·(-16) + (1)·(-2) = {slope(1, (0, 1)):.0f}." in page
    assert f"(40) + (26) = {slope(2, 0):.0f}." in page
    assert f"(-16) + (-2) = {slope(3, 1):.0f}." in page
    assert 8 * 3 + -16 * 1 == 8
    assert "(8)·(3) + (-16)·(1) = 8." in page


def test_product():
    assert "first entry by hand: 10 and 70" in outputs(answer("product"))
    assert "could not be broadcast" in outputs(answer("product"))


def test_twice():
    """(relu(1·1 + 2·1) - 1)² = 4; in the cure the slope is 2·2·(1, 2), so the next h is 3 - 0.05·(4 + 16) = 2."""
    lines = outputs(answer("twice")).splitlines()
    assert lines[:2] == ["0 4.0", "1 4.0"]
    assert "backward through the graph a second time" in " ".join(lines)
    assert lines[-3:] == ["0 4.0", "1 1.0", "2 0.25"]


def test_row(runs):
    _, y, _, found = runs
    _, w1, w2 = found[1e-6]
    row = np.random.default_rng(12345).standard_normal(1000)
    lines = answer("row")
    assert f"the new row: {(np.maximum(row @ w1, 0) @ w2)[:3].round(3)}" in outputs(lines)
    assert f"its target: {y[0, :3].round(3)}" in outputs(lines)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_overfitting(seed):
    lines = answer("overfitting", seed=seed)
    course = re.findall(r"step (\d+): training rows (\S+), new rows (\S+)", outputs(lines))
    new = {int(step): float(loss) for step, _, loss in course}
    known = [float(loss) for _, loss, _ in course]
    assert known == sorted(known, reverse=True)
    best = min(new, key=new.get)
    assert 0 < best < 10000
    assert f"lowest at step {best} ({new[best]:.3f}) and then rises to {new[10000]:.3f}" in flat(lines)  # fmt: skip
    rng = np.random.default_rng(seed)
    x, _ = rng.standard_normal((20, 5)), rng.standard_normal((1000, 5))
    y = x[:, :1] + rng.standard_normal((20, 1))
    rng.standard_normal((1000, 1))
    w1, w2 = 0.3 * rng.standard_normal((5, 50)), 0.1 * rng.standard_normal((50, 1))
    assert known[0] == pytest.approx(((np.maximum(x @ w1, 0) @ w2 - y) ** 2).mean(), abs=6e-4)


def test_units():
    shares = dict(re.findall(r"^(\d+) units: .*?, (\d+)% of new", outputs(answer("units")), re.M))
    assert int(shares["1"]) < 60
    assert int(shares["100"]) > 90


def test_columns(runs):
    x, y, params, _ = runs
    lines = answer("columns")
    w1 = numpy_run(x, y, params, 1e-6, 200)[1]
    share = np.sqrt(((w1 - params.w1) ** 2).sum() / (params.w1**2).sum())
    assert f"changed by only {share:.0%} of its length" in flat(lines)
    printed = outputs(lines)
    columns = np.array(re.findall(r"-?\d+\.\d*", printed.split("point")[0]), float).reshape(3, 6)
    for a, b, on in re.findall(r"point \((-?\d+), (-?\d+)\): \[(.*)\]", printed):
        h = np.array([int(a), int(b), 1]) @ columns
        clear = abs(h) > 0.15  # of rounding to two decimals
        assert ((h > 0) == [word == "1" for word in on.split()])[clear].all()
