"""PyTorch's layers from ours and back; expected values are torch's own."""

import subprocess
import sys

import numpy as np
import pytest
from export_models import fitted, rows

import twolayer as tl
from twolayer.errors import FileError, InputError
from twolayer.maths.activations import ACTIVATIONS

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn


def same_bits(one, other):
    pairs = zip(one.items(), other.items(), strict=True)
    return all(p == q and a.tobytes() == b.tobytes() for (p, a), (q, b) in pairs)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_plain_network_is_sequential_of_torchs_own_layers(activation):
    module = tl.to_torch(tl.init_params(6, 4, 2), activation=activation)
    assert type(module) is nn.Sequential
    assert {type(layer).__module__.split(".")[0] for layer in module} == {"torch"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("bias", "skip"), [(False, False), (True, False), (True, True), (False, True)]
)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_there_and_back_to_the_last_bit(activation, bias, skip, dtype):
    params = tl.init_params(6, 4, 2, bias=bias, skip=skip, dtype=dtype)
    back, name = tl.from_torch(tl.to_torch(params, activation=activation))
    assert same_bits(back, params)
    assert name == activation


@pytest.mark.parametrize("kind", ["number", "two classes", "classes"])
def test_several_networks_come_back_side_by_side(kind):
    model = fitted(kind, n_networks=3, skip=True)
    back, name = tl.from_torch(tl.to_torch(model))
    assert same_bits(back, model.params_)
    assert name == "relu"


@pytest.mark.parametrize("threshold", [20, 40])
def test_layers_of_ones_own_are_read(threshold):
    module = nn.Sequential(
        nn.Linear(6, 4), nn.Softplus(threshold=threshold), nn.Dropout(), nn.Linear(4, 2)
    )
    params, activation = tl.from_torch(module.double())
    expected = module.eval()(torch.from_numpy(rows())).detach().numpy()
    assert np.abs(tl.forward(rows(), params, activation) - expected).max() < 1e-8


def test_two_linear_layers_are_a_network_without_activation():
    module = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2)).double()
    params, activation = tl.from_torch(module)
    assert activation == "identity"
    expected = module(torch.from_numpy(rows())).detach().numpy()
    assert np.abs(tl.forward(rows(), params, activation) - expected).max() < 1e-12


class OfOnesOwn(nn.Module):
    pass


REFUSED = {
    "module": (OfOnesOwn, "got OfOnesOwn: put its layers in one"),
    "no module": (lambda: 3, "got int"),
    "empty": (nn.Sequential, "this one is empty"),
    "three layers": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)),
        "this one is Linear, ReLU, Linear, ReLU, Linear",
    ),
    "a link": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.Softmax(-1)),
        "Linear, ReLU, Linear, Softmax",
    ),
    "another slope": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(0.2), nn.Linear(2, 2)),
        r"nn.LeakyReLU\(negative_slope=0.2\) is not one of twolayer's",
    ),
    "gelu by tanh": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.GELU("tanh"), nn.Linear(2, 2)),
        "approximate='tanh'",
    ),
    "softplus that ends early": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.Softplus(threshold=5), nn.Linear(2, 2)),
        "Softplus",
    ),
    "half": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)).half(),
        r"torch.float16; twolayer has float32 and float64: module.float\(\)",
    ),
    "not finite": (
        lambda: tl.to_torch(tl.init_params(2, 2, 1)).requires_grad_(False).apply(spoil),
        "w1 has 4 values that are not finite",
    ),
    "layers that do not fit": (
        lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(4, 2)),
        "w2 has the shape|it must be",
    ),
}  # fmt: skip


def spoil(layer):
    if isinstance(layer, nn.Linear):
        layer.weight[:] = torch.nan


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused_in_words(what):
    make, words = REFUSED[what]
    with pytest.raises(InputError, match=words):
        tl.from_torch(make())


def test_the_module_is_a_copy_that_can_be_trained():
    params = tl.init_params(6, 4, 1, skip=True)
    before = params.copy()
    module = tl.to_torch(params)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = module(torch.from_numpy(rows())).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
    assert same_bits(params, before)


def test_the_weights_alone_are_read_by_torchs_safe_loader(tmp_path):
    model = fitted("classes", "tanh")
    tl.to_torch(model, tmp_path / "net.pt", dtype="float32")
    module = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3))
    module.load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True))
    logits = module(torch.from_numpy(rows("float32"))).detach().numpy()
    assert (
        np.abs(logits - model.decision_function(rows("float32"))).max()
        < 1e-6 * np.abs(logits).max()
    )


def test_another_ending_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(FileError, match=r"must end in \.pt2"):
        tl.to_torch(tl.init_params(2, 2, 1), tmp_path / "net.pth")
    assert list(tmp_path.iterdir()) == []


ALONE = """
import sys
sys.modules["twolayer"] = None  # importing it would fail
import numpy, torch
extra = {"activation": "", "classes": ""}
module = torch.export.load("net.pt2", extra_files=extra).module()
numpy.save("logits.npy", module(torch.from_numpy(numpy.load("x.npy"))).detach().numpy())
print(extra)
"""


@pytest.mark.slow
def test_the_whole_program_runs_where_there_is_no_twolayer(tmp_path):
    model = fitted("classes", "gelu", skip=True, n_networks=3)
    tl.to_torch(model, tmp_path / "net.pt2")
    np.save(tmp_path / "x.npy", rows()[:5])
    done = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str({"activation": "gelu", "classes": "[0, 10, 20]"})
    logits = np.load(tmp_path / "logits.npy")
    assert np.abs(logits - model.decision_function(rows()[:5])).max() < 1e-12
