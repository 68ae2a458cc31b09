"""Pictures and films of architectures, and architectures trained from scratch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from hwenvs import proxies
from hwenvs.calibration.spaces.bench import open_supernet_bench
from hwenvs.errors import ArgumentError, DesignError
from hwenvs.networks import get_space
from hwenvs.reporting.architectures import architectures

if TYPE_CHECKING:
    from tests.conftest import Cli


def test_every_block_that_stays_is_a_bar_as_high_as_its_kernel() -> None:
    space = get_space("proxyless_cifar")
    design = [4, 1, 5, 1, 3, 2, 7, 1, 6, 1, 4]
    axes = architectures(space, [("one", design), ("other", space.largest)]).axes
    heights = [bar.get_height() for bar in axes[0].patches]
    assert heights == [7, 3, 5, 3, 7, 5, 7]
    assert [bar.get_height() for bar in axes[1].patches] == [7] * 11
    with pytest.raises(DesignError):
        architectures(space, [("short", [1])])
    with pytest.raises(ArgumentError, match="no architecture"):
        architectures(space, [])


def test_specialise_draws_the_architectures_of_the_chips(cli: Cli, tmp_path: Path) -> None:
    told = cli.succeed(
        *("specialise", "NAS-ProxylessCIFAR-v0", "--hardware", "mobile,cpu"),
        *("--budget", 0.6, "--out", tmp_path),
    )
    assert "on mobile" in told
    with Image.open(tmp_path / "architectures.png") as picture:
        assert picture.size[0] > 500
    record = json.loads((tmp_path / "specialisation.json").read_text())
    fraction = np.array(record["fraction"])
    assert (fraction.diagonal() <= 0.6 + 1e-9).all()
    assert len(record["designs"]["cpu"]) == 11


@pytest.mark.parametrize(
    ("env_id", "solver"),
    [("NAS-ProxylessCIFAR-v0", "reinforce"), ("AMC-ResNet20-v0", "random")],
)
def test_a_film_of_a_search_has_a_frame_a_step(
    cli: Cli, tmp_path: Path, env_id: str, solver: str
) -> None:
    # Square brackets in a name are no markup.
    out = tmp_path / "search[red].gif"
    told = cli.succeed("animate", env_id, "--solver", solver, "--evaluations", 6, "--out", out)
    assert "search[red].gif (6 frames)" in told
    with Image.open(out) as film:
        assert film.n_frames >= 6  # type: ignore[attr-defined]
    assert ".gif" in cli.fail("animate", env_id, "--out", "search.mp4")


def test_architectures_trained_from_scratch_are_compared_with_predictions(
    cli: Cli, tmp_path: Path, digits_table: Path
) -> None:
    command = ["train-architectures", "proxyless_digits", "--proxy", digits_table]
    command += ["--count", "3", "--epochs", "2", "--batch-size", "50", "--out", tmp_path]
    card = tmp_path / "card.json"
    card.write_text(digits_table.with_suffix(".json").read_text())
    command += ["--teacher", "digits_resnet", "--card", card]
    told = cli.succeed(*command)
    assert told.count("trained") >= 3
    found = json.loads((tmp_path / "proxyless_digits.trained.json").read_text())
    assert (found["architectures"], found["teacher"]) == (3, "digits_resnet")
    assert found["predicted"] == sorted(found["predicted"])
    assert all(0 <= right <= 1 for right in found["trained"])
    before = json.loads(digits_table.with_suffix(".json").read_text())
    assert json.loads(card.read_text()) == {**before, "trained_from_scratch": found}
    assert not list(tmp_path.glob("*.checkpoint.pt"))
    journal = (tmp_path / "proxyless_digits.trained.journal.jsonl").read_text()
    cli.succeed(*command)  # nothing is trained again
    assert (tmp_path / "proxyless_digits.trained.journal.jsonl").read_text() == journal


def test_results_are_not_added_to_the_card_of_another_space(cli: Cli, tmp_path: Path) -> None:
    command = ["train-architectures", "proxyless_digits", "--out", tmp_path]
    card = Path(proxies.__file__).parent / "tables" / "proxyless_cifar.operator_selection.json"
    said = cli.fail(*command, "--proxy", "zero_cost:macs", "--card", card)
    assert "of proxyless_cifar, not of proxyless_digits" in said


def test_architectures_are_taken_out_of_the_supernet_and_measured(
    cli: Cli, tmp_path: Path, digits_table: Path, digits_supernet: Path
) -> None:
    command = ["verify-architecture", "proxyless_digits", "--hardware", "roofline"]
    command += ["--proxy", digits_table, "--weights", digits_supernet]
    command += ["--design", "optimum", "--design", "largest=7,7,7,7", "--out"]
    told = cli.succeed(*command, tmp_path / "found.json", "--evaluation-rows", "0:100")
    assert "on 100 images (rows 0 to 99)" in " ".join(told.split())
    optimum, largest = json.loads((tmp_path / "found.json").read_text())
    assert largest["design"] == [7, 7, 7, 7]
    assert (optimum["label"], largest["latency_fraction"]) == ("optimum", 1.0)
    assert optimum["latency_fraction"] <= 0.5
    bench = open_supernet_bench("proxyless_digits", range(256), range(100), weights=digits_supernet)
    assert largest["top1"] == bench.measure([7, 7, 7, 7]).top1
    assert 0 <= largest["standard_error"] <= 0.05


def test_scores_without_training_are_ranked_on_the_card(digits_table: Path) -> None:
    card = json.loads(digits_table.with_suffix(".json").read_text())
    assert card["zero_cost"]["architectures"] == 12
    assert {"synflow", "naswot", "params"} <= set(card["zero_cost"]["spearman"])
