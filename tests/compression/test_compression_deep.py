"""Deep Compression without retraining, and the two commands around it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from hwenvs.compression.coding import read_archive, unpack
from hwenvs.compression.deep import (
    Storage,
    changed_storage,
    compress,
    default_storage,
    share_weights,
)
from hwenvs.errors import ArgumentError, UnknownNameError
from hwenvs.networks import get_network
from hwenvs.networks.modules import TableModule, load_module, read_weights

if TYPE_CHECKING:
    from tests.conftest import Cli

NETWORK = get_network("lenet_300_100")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "lenet.safetensors"
    save_file(TableModule(NETWORK).state_dict(), path, {"resolution": "28"})
    return path


def test_the_smallest_weights_go_and_the_others_share_values() -> None:
    weight = torch.randn(64, 50, generator=torch.Generator().manual_seed(0))
    shared = share_weights(weight, Storage(0.1, 4))
    kept = shared != 0
    assert int(kept.sum()) == 320
    assert weight[kept].abs().min() >= weight[~kept].abs().max()
    assert len(shared[kept].unique()) <= 16
    assert (shared[kept] - weight[kept]).abs().max() < 0.5


def test_a_layer_of_zeros_stays_one() -> None:
    assert not share_weights(torch.zeros(5, 5), Storage(0.2, 3)).any()


def test_the_file_holds_every_layer_as_it_was_shared(weights: Path) -> None:
    state, facts = read_weights(weights)
    storage = changed_storage(default_storage(NETWORK, 0.1), {"fc3": "0.26:6"})
    compressed = compress(state, storage, facts)
    archive = unpack(compressed.data)
    assert archive.metadata == {"resolution": "28"}
    for name, how in storage.items():
        stored = torch.from_numpy(archive.tensors[f"{name}.weight"])
        assert torch.equal(stored, share_weights(state[f"{name}.weight"], how))
    assert compressed.full == 4 * sum(layer.parameters for layer in NETWORK.layers)
    assert compressed.full / len(compressed.data) == pytest.approx(compressed.ratio)
    assert 25 < compressed.ratio < 45  # the paper, with retraining: 40


def test_the_matrices_of_an_lstm_are_compressed_under_their_own_names() -> None:
    network = get_network("lstm")
    state = TableModule(network).state_dict()
    compressed = compress(state, default_storage(network, 0.2), {})
    stored = unpack(compressed.data).tensors["lstm.weight_hh_l0"]
    assert (stored != 0).mean() == pytest.approx(0.2, abs=1e-3)
    assert [row.name for row in compressed.layers] == [layer.name for layer in network.layers]


def test_what_was_compressed_can_be_used_again(cli: Cli, weights: Path, tmp_path: Path) -> None:
    file, back = tmp_path / "lenet.hwnz", tmp_path / "back.safetensors"
    printed = cli.succeed(
        *("compress", "lenet_300_100", "--weights", weights, "--density", 0.08),
        *("--layer", "fc2=0.09", "--layer", "fc3=0.26:6", "--out", file),
    )
    assert f"became {file.stat().st_size:,}" in " ".join(printed.split())
    cli.succeed("decompress", file, "--out", back)
    module = load_module(NETWORK, back)
    assert float((module.state_dict()["fc1.weight"] != 0).float().mean()) == pytest.approx(
        0.08, abs=1e-3
    )
    with safe_open(back, "pt") as tensors:
        assert tensors.metadata() == {"network": "lenet_300_100", "resolution": "28"}
    before = file.read_bytes()
    assert "is the file to decompress" in cli.fail("decompress", file, "--out", file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--density", "0"], "a density lies above 0"),
        (["--density", "0.1", "--layer", "fc9=0.1"], "unknown layer 'fc9'"),
        (["--density", "0.1", "--layer", "fc1:0.1"], "NAME=DENSITY"),
        (["--density", "0.1", "--layer", "fc1=0.1:many"], "DENSITY or DENSITY:BITS"),
        (["--density", "0.1", "--layer", "fc1=0.1:30"], "bits are 1 to 11"),
    ],
)
def test_bad_input_leaves_no_file(
    cli: Cli, weights: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    out = tmp_path / "some.hwnz"
    said = cli.fail("compress", "lenet_300_100", "--weights", weights, "--out", out, *words)
    assert message in said
    assert not out.exists()


def test_weights_that_come_with_the_package_are_found(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HWENVS_DATA", raising=False)
    out = tmp_path / "small.hwnz"
    cli.succeed("compress", "digits_resnet", "--density", 0.5, "--out", out)
    assert read_archive(out).metadata["network"] == "digits_resnet"
    said = cli.fail("compress", "resnet20", "--density", 0.5, "--out", tmp_path / "no")
    assert "no data folder" in said


def test_a_damaged_file_is_refused(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "bad.hwnz"
    file.write_bytes(b"HWNZ" + bytes(40))
    said = cli.fail("decompress", file, "--out", tmp_path / "x.safetensors")
    assert "damaged or cut off" in said
    assert not (tmp_path / "x.safetensors").exists()


def test_a_layer_without_weights_is_named() -> None:
    with pytest.raises(UnknownNameError, match="fc2"):
        compress({"fc1.weight": torch.ones(3, 3)}, {"fc2": Storage()}, {})
    with pytest.raises(ArgumentError, match="index_bits"):
        Storage(index_bits=0)
