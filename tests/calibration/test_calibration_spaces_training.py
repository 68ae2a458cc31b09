"""Supernets: trained, stopped and continued, taught, and refused for another space."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from hwenvs.calibration.spaces.bench import open_supernet
from hwenvs.errors import DataError, WeightsError

if TYPE_CHECKING:
    from tests.conftest import Cli


SPACE = "proxyless_digits"


def test_training_that_stopped_ends_with_the_same_supernet(cli: Cli, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    states = []
    for name, parts in (("whole", [[]]), ("parts", [["--until", "1"], []])):
        for part in parts:
            cli.succeed("train-supernet", SPACE, "--out", tmp_path / name, "--epochs", 2, *part)
        states.append(load_file(tmp_path / name / f"{SPACE}.supernet.safetensors"))
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_trained_supernet_knows_more_than_chance(digits_supernet: Path) -> None:
    _, metadata = open_supernet(SPACE, digits_supernet)
    assert float(metadata["test_accuracy"].split()[1].rstrip(",")) > 0.2
    assert metadata["trained_on"] == "digits train, 1000 images"


def test_training_goes_on_from_the_weights_of_an_earlier_run(
    cli: Cli, digits_supernet: Path, tmp_path: Path
) -> None:
    command = ["train-supernet", SPACE, "--epochs", "1", "--batch-size", "50"]
    command += ["--learning-rate", "0.005"]
    done = []
    for name, options in (("fresh", []), ("further", ["--start", digits_supernet])):
        cli.succeed(*command, "--out", tmp_path / name, *options)
        done.append(open_supernet(SPACE, tmp_path / name / f"{SPACE}.supernet.safetensors")[1])
    fresh, further = (float(one["test_accuracy"].split()[1].rstrip(",")) for one in done)
    assert further > fresh + 0.1
    assert done[0]["started_from"] == "random"
    assert done[1]["started_from"].startswith("10 epochs")


def test_a_supernet_learns_from_a_teacher(cli: Cli, tmp_path: Path) -> None:
    command = ["train-supernet", SPACE, "--epochs", 1, "--out", tmp_path]
    cli.succeed(*command, "--teacher", "digits_resnet")
    _, metadata = open_supernet(SPACE, tmp_path / f"{SPACE}.supernet.safetensors")
    assert metadata["teacher"] == "digits_resnet"


def test_weights_of_another_space_are_refused(digits_supernet: Path) -> None:
    with pytest.raises(WeightsError, match="no supernet of proxyless_cifar: missing"):
        open_supernet("proxyless_cifar", digits_supernet)
    with pytest.raises(DataError, match="train-supernet proxyless"):
        open_supernet("proxyless")
