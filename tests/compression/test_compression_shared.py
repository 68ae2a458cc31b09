"""Deep Compression without retraining, on the shipped LeNets."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hwenvs.calibration.bench import SHIPPED_WEIGHTS
from hwenvs.compression.coding import Archive, pack
from hwenvs.compression.coding.layers import encode_layer
from hwenvs.compression.folding import fold
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.compression.shared import INDEX_BITS, SharedLibrary
from hwenvs.errors import DesignError
from hwenvs.networks import get_network
from hwenvs.networks.modules import load_module, read_weights
from hwenvs.problems import make_problem

NAME = "lenet_300_100"


@pytest.fixture(scope="module")
def library() -> SharedLibrary:
    state, _ = read_weights(SHIPPED_WEIGHTS / f"{NAME}_mnist.safetensors")
    folded = fold(load_module(get_network(NAME), state))
    images = torch.randn(300, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return SharedLibrary(Reference.measure(folded, images, Recipe()))


@pytest.mark.parametrize("name", ["lenet_300_100", "lenet5"])
def test_the_shipped_weights_are_half_precision_and_say_what_they_reach(name: str) -> None:
    state, facts = read_weights(SHIPPED_WEIGHTS / f"{name}_mnist.safetensors")
    assert {tensor.dtype for tensor in state.values()} == {torch.float16}
    assert float(facts["test_accuracy"]) >= 0.98


@pytest.mark.parametrize(("percent", "bits"), [(10, 4), (30, 1), (100, 3), (7, 32)])
def test_a_layer_keeps_its_density_and_shares_its_values(
    library: SharedLibrary, percent: int, bits: int
) -> None:
    weight = library.weight("fc2", percent, bits)
    assert int((weight != 0).sum()) <= round(percent / 100 * weight.numel())
    assert int((weight != 0).sum()) >= 0.9 * percent / 100 * weight.numel()
    if bits <= 8:
        assert len(weight[weight != 0].unique()) <= 2**bits


def test_making_up_for_errors_beats_rounding_to_the_nearest_value(library: SharedLibrary) -> None:
    from hwenvs.compression.deep import Storage, share_weights

    reference = library.reference
    full = reference.folded.weights["fc2"]
    moments = reference.moments_of(reference.folded.network.layer("fc2"))
    mean = moments.gram[:-1, -1]
    gram = moments.gram[:-1, :-1] - torch.outer(mean, mean)

    def error(weight: torch.Tensor) -> float:
        change = (weight - full).double()
        return float(((change @ gram) * change).sum())

    plain = share_weights(full, Storage(0.15, 3, 5))
    assert error(library.weight("fc2", 15, 3)) < 0.7 * error(plain)


def best_index(weight: torch.Tensor) -> int:
    """Bits of the relative index that makes the encoded weight smallest."""
    array = weight.float().numpy()
    return min(INDEX_BITS, key=lambda bits: len(encode_layer(array, bits)[0]))


def test_a_design_takes_the_bytes_that_the_environment_says(library: SharedLibrary) -> None:
    problem = make_problem("deep_compression", network=NAME)
    for design in ([10, 4, 20, 5, 40, 5], [33, 3, 57, 6, 100, 8]):
        network = library.network(design)
        tensors = {f"{name}.weight": w.float().numpy() for name, w in network.weights.items()}
        tensors |= {f"{name}.bias": b.float().numpy() for name, b in network.biases.items()}
        index = {f"{name}.weight": best_index(w) for name, w in network.weights.items()}
        data, _ = pack(Archive(tensors, {}), index)
        claimed = problem.evaluate([design]).costs["size"][0]
        # These weights were pruned on fewer images than the table's.
        assert claimed == pytest.approx(len(data), rel=0.08)


def test_designs_that_do_not_fit_are_refused(library: SharedLibrary) -> None:
    with pytest.raises(DesignError, match="needs 6 densities and codebooks"):
        library.network([10, 4])
    with pytest.raises(DesignError, match="fc1 codebook: 17 is none"):
        library.network([10, 17, 20, 5, 40, 5])


def test_encoded_sizes_grow_with_density_and_bits(library: SharedLibrary) -> None:
    table = library.encoded("fc3")
    assert table.shape == (100, 9)
    assert (np.diff(table[:, 3]) >= -8).all()
    assert (np.diff(table[20, :8]) > 0).all()
    assert table[99, 8] == 4 * 1000


def test_the_weights_lie_in_the_package() -> None:
    assert Path(SHIPPED_WEIGHTS).parts[-3:] == ("hwenvs", "networks", "weights")
