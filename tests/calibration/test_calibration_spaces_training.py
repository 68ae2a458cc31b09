"""Supernets and architectures: trained, stopped and continued, taught, refused where unfit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from hwenvs.calibration.spaces.bench import open_supernet
from hwenvs.errors import ArgumentError, DataError, WeightsError
from hwenvs.networks import get_network, get_space
from hwenvs.training.architectures import Task, train_all
from hwenvs.training.supernet import settings_of
from hwenvs.training.teacher import load_teacher
from tests.calibration.conftest import write_split

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


def test_training_that_began_with_other_weights_is_not_gone_on_with(
    cli: Cli, digits_supernet: Path, tmp_path: Path
) -> None:
    command = ["train-supernet", SPACE, "--epochs", 2, "--batch-size", 500, "--out"]
    begun = ["--start", digits_supernet]
    for name, first, other in (("random", [], begun), ("given", begun, [])):
        cli.succeed(*command, tmp_path / name, *first, "--until", 1)
        refused = cli.call(*command, tmp_path / name, *other)  # a blank line of progress as well
        assert refused.exit_code == 2
        assert "belongs to a run with other starting weights" in refused.stderr
        assert "2 epochs" in cli.succeed(*command, tmp_path / name, *first)


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


@pytest.mark.parametrize(
    ("teacher", "student", "message"),
    [
        (
            "resnet20",
            get_network("digits_lenet"),
            "it knows 10 classes of 3-channel images of cifar10, not 10 classes of 1-channel",
        ),
        ("resnet20", get_network("resnet20", classes=7), "10 classes .*, not 7 classes"),
        ("digits_resnet", get_space("proxyless_cifar"), "of digits, not .* of cifar10"),
    ],
)
def test_a_teacher_that_knows_something_else_is_refused(
    small_data: Path, teacher: str, student: Any, message: str
) -> None:
    with pytest.raises(ArgumentError, match=f"{teacher} cannot teach {student.name}: .*{message}"):
        load_teacher(teacher, student, small_data)


def test_a_teacher_that_does_not_fit_is_refused_before_training(
    cli: Cli, small_data: Path, tmp_path: Path
) -> None:
    options = ["--teacher", "resnet20", "--out", tmp_path, "--data", small_data]
    for command in (
        ["train", "digits_lenet"],
        ["train-supernet", SPACE],
        ["train-architectures", SPACE, "--proxy", "zero_cost:macs"],
    ):
        refused = cli.call(*command, *options)
        assert refused.exit_code == 2
        assert "resnet20 cannot teach" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_results_on_other_images_are_not_taken_for_those_of_these(tmp_path: Path) -> None:
    space = "proxyless_cifar"
    for name, train, test in (("one", 0, 1), ("train", 2, 1), ("test", 0, 3)):
        write_split(tmp_path / name / "cifar10", "train", 32, train)
        write_split(tmp_path / name / "cifar10", "test", 32, test)
    smallest = tuple(block.entries[0] for block in get_space(space).blocks)

    def trained(data: str) -> list[float]:
        settings = settings_of(space, epochs=1, batch_size=16, learning_rate=0.05, seed=0)
        return train_all([Task(space, smallest, settings, tmp_path / "out", tmp_path / data)])

    found = trained("one")
    for data, differing in (("train", "lesson"), ("test", "tests")):
        with pytest.raises(DataError, match=rf"made with other settings \({differing}\)"):
            trained(data)
    assert trained("one") == found
    journal = tmp_path / "out" / f"{space}.trained.journal.jsonl"
    head, *rest = journal.read_text().splitlines(keepends=True)
    settings = json.loads(head)["settings"]
    untold = {key: settings[key] for key in settings.keys() - {"lesson", "tests"}}
    journal.write_text(json.dumps({"settings": untold}) + "\n" + "".join(rest))
    assert trained("train") == found  # older journals do not tell, and are believed


@pytest.mark.parametrize("command", ["train-supernet", "train-architectures"])
def test_a_seed_below_zero_is_refused(cli: Cli, command: str, tmp_path: Path) -> None:
    refused = cli.call(command, SPACE, "--out", tmp_path / "out", "--seed=-1")
    assert refused.exit_code == 2
    assert "Invalid value for '--seed'" in refused.stderr


def test_norms_are_not_estimated_on_one_image(cli: Cli, digits_supernet: Path) -> None:
    command = ["verify-architecture", SPACE, "--design", "largest=7,7,7,7"]
    command += ["--hardware", "roofline", "--proxy", "zero_cost:macs"]
    command += ["--weights", digits_supernet]
    said = cli.fail(*command, "--norm-rows", "5:6")
    assert "batch norms are estimated on 2 images or more, not on 1" in said
