"""Where the estimators train: what is asked for reaches every training, and what cannot be had is refused before any work."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

import twolayer as tl
from twolayer.estimators import fit
from twolayer.estimators.selection import alpha_path, search_fit

QUICK = {"n_hidden": 3, "n_networks": 2, "max_iter": 5, "random_state": 0}
PLAIN = [tl.TwoLayerRegressor, tl.TwoLayerClassifier]
CHOOSING = [tl.TwoLayerRegressorCV, tl.TwoLayerClassifierCV]
no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
with_cuda = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here"
)


def made(kind, **more):
    own = {"alphas": [1.0, 0.1], "cv": 2} if kind in CHOOSING else {}
    return kind(**QUICK, **own, **more)


def rows(kind, n=24):
    x = np.random.default_rng(0).standard_normal((n, 4))
    return x, x[:, 0] > 0 if "Classifier" in kind.__name__ else x[:, 0] ** 2


@pytest.fixture
def asked(monkeypatch):
    """The device that each training was asked to run on, but for those of the search for alpha."""
    devices = []
    for module in (fit, search_fit):

        def spy(*arguments, train=module.train, **settings):
            devices.append(settings["device"])
            return train(*arguments, **settings)

        monkeypatch.setattr(module, "train", spy)
    return devices


@pytest.mark.parametrize("kind", [*PLAIN, *CHOOSING])
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_every_training_is_asked_to_run_there(kind, device, asked):
    views = {"scaling": "standard"} if kind in PLAIN else {}
    model = made(kind, device=device, **views).fit(*rows(kind))
    assert set(asked) == {device}
    # once; or in two folds and all rows, at two alphas
    assert len(asked) == (1 if kind in PLAIN else 3 * 2)
    assert model.device_ == "cpu"  # too small a training to be worth a GPU


@pytest.mark.parametrize("kind", [*PLAIN, *CHOOSING])
def test_it_is_the_processor_unless_asked_for(kind):
    assert kind().device == "cpu"
    model = kind(device="cuda:1")
    assert clone(model).device == model.get_params()["device"] == "cuda:1"


@no_cuda
@pytest.mark.parametrize("kind", [*PLAIN, *CHOOSING])
def test_a_device_that_is_not_there_is_refused_before_any_work(kind, monkeypatch):
    def never(*arguments, **settings):
        raise AssertionError("work had begun")

    for module, name in ((fit, "choose_alpha"), (fit, "train"), (search_fit, "train")):
        monkeypatch.setattr(module, name, never)
    message = "^device 'cuda' needs a CUDA device, and PyTorch sees none here: use device='cpu'$"
    model = made(kind, device="cuda")
    with pytest.raises(tl.EngineError, match=message):
        model.fit(*rows(kind))
    with pytest.raises(tl.EngineError, match=message):
        model.permutation_test(*rows(kind), n=2, cv=2)
    if kind in PLAIN:
        with pytest.raises(tl.EngineError, match=message):
            model.preflight(*rows(kind))


@pytest.mark.parametrize("kind", [*PLAIN, *CHOOSING])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "numpy", "device": "cuda"}, "engine 'numpy' runs on device 'cpu' only"),
        ({"engine": "compiled", "device": "cuda:0"}, "'compiled' runs on device 'cpu' only"),
        ({"device": "gpu"}, "'gpu' is not a device: use cpu, cuda, cuda:1, or auto"),
        ({"device": None}, "there is no device None: use cpu, cuda, cuda:1, or auto"),
    ],
)
def test_what_is_no_place_to_train(kind, settings, message):
    with pytest.raises(tl.EngineError, match=message):
        made(kind, **settings).fit(*rows(kind))


@pytest.mark.parametrize("kind", [*PLAIN, *CHOOSING])
def test_a_saved_model_knows_where_it_was_trained(kind, tmp_path):
    model = made(kind, device="auto").fit(*rows(kind))
    tl.save(model, tmp_path / "model.safetensors")
    again = tl.load(tmp_path / "model.safetensors")
    assert again.device == "auto"
    assert again.device_ == "cpu"


def test_the_search_for_alpha_stays_on_the_processor(monkeypatch):
    places = []

    def spy(*arguments, train=alpha_path.train, **settings):
        run = train(*arguments, **settings)
        places.append(run.device)
        return run

    monkeypatch.setattr(alpha_path, "train", spy)
    made(tl.TwoLayerRegressor, device="auto").fit(*rows(tl.TwoLayerRegressor))
    assert set(places) == {"cpu"}


def test_partial_fit_works_on_the_processor():
    x, y = rows(tl.TwoLayerRegressor)
    assert tl.TwoLayerRegressor(3, alpha=1.0).partial_fit(x, y).device_ == "cpu"


@with_cuda
@pytest.mark.parametrize("kind", [*PLAIN, *CHOOSING])
def test_on_cuda_the_weights_are_those_of_the_processor(kind):
    x, y = rows(kind)
    there, here = made(kind, device="cuda").fit(x, y), made(kind).fit(x, y)
    assert there.device_.startswith("cuda")
    np.testing.assert_allclose(there.w1_, here.w1_, rtol=0, atol=1e-6)


class TestTheCommand:
    @pytest.fixture
    def table(self, here):
        x, y = rows(tl.TwoLayerRegressor, n=40)
        lines = [",".join(f"{value:.6f}" for value in row) for row in np.column_stack([x, y])]
        (here / "t.csv").write_text("\n".join(["a,b,c,d,y", *lines]))
        return ["t.csv", "--target", "y", "--n-hidden", "3", "--max-iter", "5"]

    @no_cuda
    def test_a_device_that_is_not_there_is_refused_before_the_table_is_read(self, twolayer, here):
        code, out, err = twolayer("fit", "no.csv", "--target", "y", "--device", "cuda")
        assert (code, out) == (2, "")
        assert err == (
            "twolayer: device 'cuda' needs a CUDA device, and PyTorch sees none here: use device='cpu'\n"
        )

    @pytest.mark.parametrize("options", [[], ["--cv", "2", "--alpha", "1,0.1"]])
    def test_the_device_is_passed_on_and_kept(self, twolayer, table, here, options, asked):
        assert twolayer("fit", *table, *options, "--device", "auto", "-q")[0] == 0
        assert set(asked) == {"auto"}
        assert tl.load("t.twolayer.safetensors").device == "auto"
        assert 'device = "auto"\n' in (here / "t.fit.toml").read_text()

    def test_a_place_that_is_not_the_processor_is_said(self):
        from twolayer.cli.fit_results import training_line

        model = made(tl.TwoLayerRegressor).fit(*rows(tl.TwoLayerRegressor))
        assert "1.00 s (all steps taken" in training_line(model, 1.0)
        model.device_ = "cuda:1"
        assert "1.00 s on cuda:1 (all steps taken" in training_line(model, 1.0)
