"""ONNX graphs compute what the folded networks compute."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from hwenvs.errors import ArgumentError  # noqa: E402
from hwenvs.export.onnx_graph import to_onnx  # noqa: E402
from hwenvs.networks import get_network  # noqa: E402
from hwenvs.profiling.designs import pruned_shape, random_designs  # noqa: E402

NETWORKS = ("digits_lenet", "digits_mobilenet", "digits_resnet", "resnet20", "lenet_300_100")


@pytest.mark.parametrize("name", NETWORKS)
def test_pruned_networks_come_out_the_same(name: str) -> None:
    network = get_network(name)
    folded = pruned_shape(network, random_designs(network, 1, seed=0)[0])
    model = to_onnx(folded)
    onnx.checker.check_model(model, full_check=True)
    shape = (2, network.in_channels, network.resolution, network.resolution)
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (logits,) = session.run(None, {"input": images.numpy()})
    assert np.allclose(logits, folded(images).numpy(), rtol=1e-4, atol=1e-5)


def test_tensorflows_padding_comes_out_the_same() -> None:
    network = get_network("mobilenet_v1", resolution=64)
    folded = pruned_shape(network, random_designs(network, 1, seed=0)[0])
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(to_onnx(folded).SerializeToString())
    (logits,) = session.run(None, {"input": images.numpy()})
    assert np.allclose(logits, folded(images).numpy(), rtol=1e-4, atol=1e-5)


def test_a_cell_is_refused_by_name() -> None:
    from hwenvs.compression.folding import fold
    from hwenvs.networks.modules import TableModule

    with pytest.raises(ArgumentError, match="Recurrent node"):
        to_onnx(fold(TableModule(get_network("lstm"))))
