"""The supernet as a proxy: measured architectures behind an environment."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.calibration.images import load_images
from hwenvs.calibration.spaces.bench import open_supernet_bench
from hwenvs.errors import ArgumentError, DataError, HwenvsError, UnknownNameError
from hwenvs.networks import get_space
from hwenvs.problems import make_problem
from hwenvs.proxies.supernet import SupernetProxy, supernet_proxy
from hwenvs.solving import solve

SPACE = "proxyless_digits"


@pytest.fixture
def options(digits_supernet: Path, tmp_path: Path) -> dict[str, Any]:
    return {"weights": str(digits_supernet), "images": 200, "cache": str(tmp_path)}


def test_accuracies_are_those_of_the_calibration(
    options: dict[str, Any], digits_supernet: Path
) -> None:
    space = get_space(SPACE)
    proxy = supernet_proxy(space, options)
    bench = open_supernet_bench(space, range(256), range(200), weights=digits_supernet)
    designs = space.sample(4, 0)
    expected = [bench.measure(design).top1 for design in designs]
    assert proxy.evaluate(designs).tolist() == expected
    assert len(set(expected)) > 1
    assert proxy.baseline == bench.measure(space.largest).top1
    assert proxy.card.basis == "measured"
    assert proxy.card.images == 200


def test_designs_are_measured_once_and_found_by_other_processes(options: dict[str, Any]) -> None:
    space = get_space(SPACE)
    first = supernet_proxy(space, options)
    designs = space.sample(3, 1)
    found = first.evaluate(designs)
    copy: SupernetProxy = pickle.loads(pickle.dumps(first))
    assert len(copy.cache) == len({tuple(d) for d in [*designs.tolist(), space.largest.tolist()]})
    copy.bench = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        copy.evaluate(space.sample(1, 9))
    copy.bench = first.bench
    assert copy.evaluate(designs).tolist() == found.tolist()


def test_an_environment_pays_the_measured_accuracy(options: dict[str, Any]) -> None:
    proxy = {"name": "supernet", **options}
    run = solve("random", "NAS-v0", evaluations=2, space=SPACE, proxy=proxy)
    judge = supernet_proxy(get_space(SPACE), options)
    assert run.rewards == judge.evaluate(np.array(run.designs)).tolist()
    assert run.scores is None  # no optimum of what no table holds
    assert run.arguments["proxy"] == proxy
    problem = gym.make("NAS-v0", space=SPACE, proxy=proxy).unwrapped.problem  # type: ignore[attr-defined]
    again = make_problem(**problem.spec())
    assert again.evaluate(run.designs).reward.tolist() == run.rewards


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"image": 5}, UnknownNameError, "images"),
        ({"images": 0}, ArgumentError, "of at least 1"),
        ({"norm_images": 1}, ArgumentError, "of at least 2"),
        ({"images": True}, ArgumentError, "True"),
        ({"weights": "nowhere.safetensors"}, HwenvsError, "nowhere"),
    ],
)
def test_wrong_options_are_refused(
    options: dict[str, Any], changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        supernet_proxy(get_space(SPACE), {**options, **changes})


def test_a_space_without_a_supernet_says_how_to_make_one() -> None:
    with pytest.raises(DataError, match="train-supernet proxyless"):
        make_problem("operator_selection", space="proxyless", proxy="supernet")


def test_other_pixels_have_a_file_of_their_own(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = supernet_proxy(get_space(SPACE), options)

    def darker(*given: Any) -> tuple[Any, Any]:
        images, labels = load_images(*given)
        return images - 0.5, labels

    monkeypatch.setattr("hwenvs.calibration.spaces.bench.load_images", darker)
    other = supernet_proxy(get_space(SPACE), options)
    assert other.about["images"] == first.about["images"]
    assert other.cache.path != first.cache.path


def test_a_space_of_other_strides_has_a_file_of_its_own(options: dict[str, Any]) -> None:
    space = get_space(SPACE)
    narrow, *wide = space.stages
    other = replace(space, stages=(replace(narrow, stride=3 - narrow.stride), *wide))
    first, second = (supernet_proxy(one, options) for one in (space, other))
    assert first.about["supernet_sha256"] == second.about["supernet_sha256"]
    assert first.cache.path != second.cache.path
