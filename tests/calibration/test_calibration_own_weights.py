"""One's own checkpoint and images: a torch file, and an ImageNet unpacked into class folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import gymnasium as gym
import pyarrow.parquet as pq
import pytest
import torch

from hwenvs.calibration.bench import fitting_network, open_bench
from hwenvs.compression.recipe import Recipe
from hwenvs.networks import get_network
from hwenvs.networks.modules import TableModule, read_weights

if TYPE_CHECKING:
    from tests.conftest import Cli

IMAGES = 24


@pytest.fixture(scope="module")
def unpacked(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sample images in class folders, and MobileNetV2 as a torch checkpoint."""
    root = tmp_path_factory.mktemp("own")
    (file,) = (data / "imagenet_sample").glob("validation-*.parquet")
    table = pq.read_table(file).slice(0, IMAGES)
    for number, (struct, label) in enumerate(
        zip(table["image"].to_pylist(), table["label"].to_pylist(), strict=True)
    ):
        folder = root / "imagenet" / "val" / f"n{label:08d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.JPEG").write_bytes(struct["bytes"])
    state, _ = read_weights(data / "weights" / "mobilenet_v2_imagenet.safetensors")
    torch.save({"state_dict": state}, root / "mobilenet_v2.pth")
    return root


def test_designs_are_verified_on_a_checkpoint_and_class_folders(
    cli: Cli, unpacked: Path, tmp_path: Path
) -> None:
    out = tmp_path / "verdicts.json"
    own = ["--data", unpacked, "--dataset", "imagenet:val"]
    own += ["--weights", unpacked / "mobilenet_v2.pth"]
    rows = ["--calibration-rows", "0:8", "--evaluation-rows", f"8:{IMAGES}"]
    command = ["verify-design", "mobilenet_v2", "--design", "uniform", "--budget", 0.9]
    cli.succeed(*command, *own, *rows, "--points", 4, "--out", out)
    full, uniform = json.loads(out.read_text())
    assert full["cost"] == 1.0
    assert uniform["cost"] <= 0.9
    assert uniform["divergence"] > 0


def test_a_checkpoint_of_torchvision_is_padded_symmetrically(unpacked: Path) -> None:
    state, metadata = read_weights(unpacked / "mobilenet_v2.pth")
    network = fitting_network(get_network("mobilenet_v2"), state, metadata)
    assert network.layers[0].padding == 1
    same = fitting_network(get_network("mobilenet_v2"), state, {"padding": "same"})
    assert same.layers[0].padding == -1


def test_weights_for_fewer_classes_at_another_size_bring_their_own_table(
    tmp_path: Path, data: Path
) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    module = TableModule(get_network("resnet18", classes=10, resolution=48))
    path = tmp_path / "resnet18_cifar10.safetensors"
    save_file(dict(module.state_dict()), path, {"resolution": "48"})
    bench = open_bench(
        "resnet18", range(10), range(10, 30), Recipe(points=2), data, path,
        dataset="cifar10:test:train",
    )  # fmt: skip
    assert (bench.network.classes, bench.network.resolution) == (10, 48)
    assert (bench.counted.classes, bench.counted.resolution) == (1000, 224)
    assert bench.images.shape == (20, 3, 48, 48)


def test_a_table_is_measured_on_a_checkpoint_and_class_folders(
    cli: Cli, unpacked: Path, tmp_path: Path
) -> None:
    arguments = {
        "--data": unpacked,
        "--dataset": "imagenet:val",
        "--weights": unpacked / "mobilenet_v2.pth",
        "--calibration-rows": "0:8",
        "--evaluation-rows": "8:16",
        "--fitted": 4,
        "--heldout": 6,
        "--criterion": "magnitude",
        "--method": "independent",
        "--precision": "bfloat16",
        "--out": tmp_path,
    }
    words = [word for pair in arguments.items() for word in pair]
    cli.succeed("calibrate", "channel-pruning", "mobilenet_v2", *words)
    card = json.loads((tmp_path / "mobilenet_v2.channel_pruning.json").read_text())
    assert card["data"] == "imagenet"
    assert card["basis"] == "measured"
    env = gym.make("AMC-MobileNetV2-v0", proxy=str(tmp_path / "mobilenet_v2.channel_pruning.npz"))
    problem = env.unwrapped.problem
    assert problem.baseline == pytest.approx(card["baseline_accuracy"], abs=1e-3)
    assert problem.reference.feasible.all()
