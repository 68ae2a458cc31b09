"""Fine-tuning of designs: what is trained, what is kept, what is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
import torch

from hwenvs.calibration.bench import Bench, open_bench, open_network
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.recipe import Recipe
from hwenvs.errors import ArgumentError, DataError, TrainingError, WeightsError
from hwenvs.export.tensors import load, load_facts
from hwenvs.networks import get_network
from hwenvs.training.finetuning import (
    Tuned,
    check_tunable,
    finetune_design,
    tuning_settings,
)
from hwenvs.training.folded_module import FoldedModule
from hwenvs.training.lessons import Lesson, load_lesson


@pytest.fixture(autouse=True)
def _images() -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("safetensors")


@lru_cache(None)
def digits(family: str = "channel_pruning", network: str = "digits_resnet") -> Bench:
    """A digits network on few calibration images: pruned hard, it has much to learn."""
    recipe = Recipe(points=4, method="none" if family == "channel_pruning" else "sequential")
    return open_bench(network, range(60), range(797), recipe, family=family)


@lru_cache(None)
def lesson(network: str = "digits_resnet") -> Lesson:
    preprocessing = open_network(get_network(network))[1]
    return load_lesson(network, preprocessing, range(797))


def design(bench: Bench, share: float) -> tuple[int, ...]:
    return tuple(max(1, int(group.channels * share)) for group in bench.groups)


def tune(bench: Bench, out: Path, epochs: int = 4, **options: object) -> Tuned:
    settings = tuning_settings("digits_resnet", lesson().preprocessing, epochs)
    chosen = options.pop("design", design(bench, 0.5))
    settings = replace(settings, **options.pop("changes", {}))  # type: ignore[arg-type]
    return finetune_design(bench, chosen, lesson(), settings, out, **options)  # type: ignore[arg-type]


def compressed(bench: Bench, share: float) -> FoldedNetwork:
    return bench.family.compress(bench.reference, design(bench, share))


@pytest.mark.parametrize("network", ["digits_resnet", "digits_mobilenet", "digits_lenet"])
def test_before_training_the_module_computes_what_the_network_does(network: str) -> None:
    bench = digits(network=network)
    pruned = compressed(bench, 0.5)
    module = FoldedModule(pruned)
    torch.testing.assert_close(module(bench.images[:32].float()), pruned(bench.images[:32].float()))
    count = sum(parameter.numel() for parameter in module.parameters())
    assert count == sum(
        t.numel() for part in (pruned.weights, pruned.biases) for t in part.values()
    )
    assert count < sum(weight.numel() for weight in bench.folded.weights.values())


@pytest.mark.parametrize("taught", [True, False])
def test_fine_tuning_raises_the_accuracy_of_a_hard_pruned_network(
    tmp_path: Path, taught: bool
) -> None:
    tuned = tune(digits(), tmp_path, taught=taught)
    assert tuned.after.top1 > tuned.before.top1 + 0.05
    assert tuned.full.top1 > 0.97


def test_a_run_that_stopped_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = tune(digits(), tmp_path / "whole", epochs=2)
    first = tune(digits(), tmp_path / "parts", epochs=2, until=1)
    half = load(first.path)
    second = tune(digits(), tmp_path / "parts", epochs=2)
    assert (first.epochs, second.epochs) == (1, 2)
    assert second.losses == whole.losses
    one, other = load(whole.path), load(second.path)
    for name, weight in one.weights.items():
        assert torch.equal(weight, other.weights[name]), name
        assert torch.equal(one.biases[name], other.biases[name]), name
    assert any(not torch.equal(half.weights[name], w) for name, w in one.weights.items())


def test_zeros_stay_zeros_and_the_others_move(tmp_path: Path) -> None:
    bench = digits("fine_grained_pruning")
    chosen = (20,) * len(bench.groups)
    before = bench.family.compress(bench.reference, chosen)
    tuned = tune(bench, tmp_path, design=chosen)
    after = load(tuned.path)
    for name, weight in before.weights.items():
        assert torch.equal(weight == 0, after.weights[name] == 0), name
        assert not torch.equal(weight, after.weights[name]), name
    assert tuned.after.top1 > tuned.before.top1


def test_removed_channels_stay_away_and_gathers_pick_the_same(tmp_path: Path) -> None:
    bench = digits()
    before, after = compressed(bench, 0.5), load(tune(bench, tmp_path, epochs=1).path)
    shapes = {name: weight.shape for name, weight in before.weights.items()}
    assert {name: weight.shape for name, weight in after.weights.items()} == shapes
    assert after.gathers.keys() == before.gathers.keys()
    assert all(torch.equal(after.gathers[name], kept) for name, kept in before.gathers.items())


def test_the_file_holds_what_was_measured(tmp_path: Path) -> None:
    bench = digits()
    tuned = tune(bench, tmp_path, epochs=1, facts={"command": "hwenvs finetune"})
    facts = load_facts(tuned.path)
    right = load(tuned.path)(bench.images.float()).argmax(1) == bench.labels
    assert right.float().mean().item() == pytest.approx(facts["accuracy"]["after"])
    assert facts["accuracy"]["before"] == tuned.before.top1
    assert facts["design"] == list(design(bench, 0.5))
    assert (facts["family"], facts["command"]) == ("channel_pruning", "hwenvs finetune")
    assert facts["trained_on"] == "digits train all, 1000 images"


def test_another_design_does_not_continue_from_the_checkpoint_of_this_one(tmp_path: Path) -> None:
    tune(digits(), tmp_path, epochs=1)
    other = tune(digits(), tmp_path, epochs=1, design=design(digits(), 0.7))
    expected = compressed(digits(), 0.7).weights
    weights = load(other.path).weights
    assert {n: w.shape for n, w in weights.items()} == {n: w.shape for n, w in expected.items()}
    assert len(list(tmp_path.glob("*.checkpoint.pt"))) == 2


def test_other_pixels_do_not_continue_from_the_checkpoint_of_these(tmp_path: Path) -> None:
    tune(digits(), tmp_path, epochs=1)
    darker = replace(lesson(), images=lesson().images // 2)
    settings = tuning_settings("digits_resnet", lesson().preprocessing, 1)
    finetune_design(digits(), design(digits(), 0.5), darker, settings, tmp_path)
    assert len(list(tmp_path.glob("*.checkpoint.pt"))) == 2


def test_another_design_of_the_same_shape_starts_anew(tmp_path: Path) -> None:
    bench = digits("fine_grained_pruning")
    for percent in (20, 40):
        tuned = tune(bench, tmp_path, epochs=1, design=(percent,) * len(bench.groups))
        weights = load(tuned.path).weights.values()
        left = sum(int(w.count_nonzero()) for w in weights) / sum(w.numel() for w in weights)
        assert left == pytest.approx(percent / 100, abs=0.02)


def test_other_settings_of_the_same_run_are_refused(tmp_path: Path) -> None:
    tune(digits(), tmp_path, epochs=2, until=1)
    with pytest.raises(WeightsError, match="another learning_rate"):
        tune(digits(), tmp_path, epochs=2, changes={"learning_rate": 0.5})


def test_long_gradients_are_shortened(tmp_path: Path) -> None:
    """At so high a rate only short steps keep the network alive."""
    high = {"learning_rate": 0.05, "warmup": 0.0}
    short = tune(digits(), tmp_path / "short", epochs=1, changes=high)
    assert short.after.top1 > 0.2  # guessing: 0.1
    with pytest.raises(TrainingError, match="went astray"):
        tune(digits(), tmp_path / "wild", epochs=1, changes={**high, "clip_norm": None})


@pytest.mark.parametrize("family", ["bit_allocation", "deep_compression"])
def test_families_of_few_bits_are_refused(family: str) -> None:
    told = rf"{family.replace('_', '-')} .* valid: channel-pruning, fine-grained"
    with pytest.raises(ArgumentError, match=told):
        check_tunable(family)


def test_networks_that_round_their_inputs_are_refused() -> None:
    bench = digits("bit_allocation")
    rounded = bench.family.compress(bench.reference, (8,) * len(bench.groups))
    with pytest.raises(ArgumentError, match="rounds its inputs"):
        FoldedModule(rounded)


def test_training_images_that_are_evaluated_on_are_refused() -> None:
    preprocessing = lesson().preprocessing
    for rows in (None, range(50, 150)):
        with pytest.raises(DataError, match="name training rows"):
            load_lesson("digits_resnet", preprocessing, range(100), rows, None, "digits:test")
    kept = load_lesson(
        "digits_resnet", preprocessing, range(100), range(100, 200), None, "digits:test"
    )
    assert len(kept.labels) == 100
