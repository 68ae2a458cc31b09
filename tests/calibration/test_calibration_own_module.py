"""Tables measured on a module of one's own, and environments that rest on them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import pytest
import torch
from torch import Tensor, nn

from hwenvs.calibration.own import calibrate_module
from hwenvs.calibration.plan import Plan
from hwenvs.compression.recipe import Recipe
from hwenvs.errors import DataError, UnknownNameError
from hwenvs.networks import Network, from_torch

PLAN = Plan(
    sweep_images=10,
    fitted=8,
    heldout_spread=3,
    heldout_random=4,
    heldout_guided=3,
    budget=0.6,
    recipe=Recipe(points=4),
)


class Small(nn.Module):
    """Two branches, concatenated."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.left, self.right = nn.Conv2d(8, 6, 1), nn.Conv2d(8, 6, 3, padding=1)
        self.last = nn.Conv2d(12, 12, 3, 2, 1)
        self.out = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.cat([self.left(x), self.right(x)], 1).relu()
        return self.out(self.last(x).relu().mean((2, 3)))


@pytest.fixture(scope="module")
def own() -> tuple[Small, Network, Tensor, Tensor]:
    """A module, its table, images and labels."""
    torch.manual_seed(0)
    module, images = Small().eval(), torch.randn(50, 3, 8, 8)
    with torch.no_grad():
        labels = module(images).argmax(1)
    return module, from_torch(module, images), images, labels


@pytest.mark.parametrize(
    ("family", "env_id", "arguments"),
    [
        ("channel_pruning", "AMC-v0", {}),
        ("bit_allocation", "HAQ-v0", {"floor": 3, "budget": 0.6}),
        ("fine_grained_pruning", "AMC-FineGrained-v0", {"floor": 0.2, "budget": 0.5}),
        ("deep_compression", "DeepCompression-v0", {"floor": 0.1, "budget": 0.7}),
    ],
)
def test_a_measured_table_makes_an_environment(
    own: tuple[Small, Network, Tensor, Tensor],
    tmp_path: Path,
    family: str,
    env_id: str,
    arguments: dict,
) -> None:
    module, network, images, labels = own
    tensors = (images[:20], images[20:], labels[20:])
    plan = replace(PLAN, floor=0.25) if family == "bit_allocation" else PLAN
    path = calibrate_module(module, network, *tensors, tmp_path, family, plan, "noise")
    assert path.name == f"Small.{family}.npz"
    card = json.loads(path.with_suffix(".json").read_text())
    assert (card["network"], card["data"], card["basis"]) == ("Small", "noise", "measured")
    problem = gym.make(env_id, network=network, proxy=str(path), **arguments).unwrapped.problem  # type: ignore[attr-defined]
    assert problem.card.basis == "measured"
    assert problem.reference.feasible.all()


def test_the_same_call_measures_nothing_again_and_other_images_are_refused(
    own: tuple[Small, Network, Tensor, Tensor], tmp_path: Path
) -> None:
    module, network, images, labels = own
    tensors = (images[:20], images[20:], labels[20:])
    first = calibrate_module(module, network, *tensors, tmp_path, plan=PLAN).read_bytes()
    journal = tmp_path / "Small.channel_pruning.journal.jsonl"
    before = journal.read_bytes()
    assert calibrate_module(module, network, *tensors, tmp_path, plan=PLAN).read_bytes() == first
    assert journal.read_bytes() == before
    with pytest.raises(DataError, match=r"other settings \(images\)"):
        calibrate_module(
            module, network, images[:20] + 1, images[20:], labels[20:], tmp_path, plan=PLAN
        )


def test_images_and_labels_that_do_not_fit_are_refused(
    own: tuple[Small, Network, Tensor, Tensor], tmp_path: Path
) -> None:
    module, network, images, labels = own
    with pytest.raises(DataError, match=r"images must be \[N, 3, 8, 8\], not \[50, 3, 7, 8\]"):
        calibrate_module(module, network, images, images[:, :, 1:], labels, tmp_path)
    with pytest.raises(DataError, match=r"whole numbers \[50\], not torch.int64 \[49\]"):
        calibrate_module(module, network, images, images, labels[1:], tmp_path)
    with pytest.raises(DataError, match="classes from 0 to 3"):
        calibrate_module(module, network, images, images, labels + 4, tmp_path)
    with pytest.raises(UnknownNameError, match="Did you mean 'channel_pruning'"):
        calibrate_module(module, network, images, images, labels, tmp_path, "chanel_pruning")
