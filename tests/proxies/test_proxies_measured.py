"""The measured proxy: the real network on real images, each design once."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

import hwenvs
from hwenvs.baselines.exact import optimum
from hwenvs.calibration.digits import load_digits
from hwenvs.calibration.images import DATASETS
from hwenvs.calibration.plans import DIGITS_NETWORKS, FAMILY_PLANS, plan_of
from hwenvs.environment import DesignEnv
from hwenvs.errors import ArgumentError, DataError, SolverError, UnknownNameError, WeightsError
from hwenvs.networks import ZOO, get_network
from hwenvs.problems import FAMILIES, ChannelPruningProblem, make_problem
from hwenvs.proxies import MeasuredProxy, get_proxy
from hwenvs.proxies.cache import DesignCache, cache_folder

MEASURED = [n for n, given in hwenvs.ENVIRONMENTS.items() if given.get("proxy") == "measured"]
SMALL: dict[str, Any] = {"network": "digits_lenet", "proxy": "measured", "images": 100}


def proxy_of(**arguments: Any) -> MeasuredProxy:
    """The proxy of a small problem."""
    problem = make_problem("channel_pruning", **{**SMALL, **arguments})
    assert isinstance(problem, ChannelPruningProblem)
    assert isinstance(problem.proxy, MeasuredProxy)
    return problem.proxy


@pytest.mark.parametrize("name", MEASURED)
def test_the_reward_is_the_accuracy_of_the_real_network(name: str) -> None:
    env = gym.make(name)
    problem = env.unwrapped.problem
    env.reset()
    for action in problem.actions(problem.reference.designs)[0]:
        _, reward, _, _, info = env.step(action)
    bench = problem.proxy.bench
    network = bench.family.compress(bench.reference, info["design"].tolist())
    right = (network(bench.images).argmax(1) == bench.labels).float().mean().item()
    assert reward == info["accuracy"] == pytest.approx(right, abs=1e-6)
    assert 0.5 < reward < problem.baseline
    assert problem.card.basis == "measured"
    assert problem.card.data == "digits test rows 0 to 796"


@pytest.mark.parametrize("family", FAMILY_PLANS)
@pytest.mark.parametrize("network", [name for name in ZOO if name in DATASETS])
def test_no_image_is_both_re_fitted_on_and_tried(family: str, network: str) -> None:
    _, tried, fitted_on = DATASETS[network]
    plan = plan_of(network, family)
    rows = range(*plan.evaluation_images)
    assert tried != fitted_on or not set(rows) & set(range(*plan.calibration_images))
    assert plan.sweep_images <= len(rows)
    if network in DIGITS_NETWORKS:
        assert len(rows) <= len(load_digits("test")[1])


@pytest.mark.parametrize("family", FAMILY_PLANS)
def test_whatever_torchs_default_type_is_designs_are_measured_in_single_precision(
    family: str,
) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        problem = make_problem(family, **{**SMALL, "images": 98, "cache": False, "budget": 0.9})
        design = [[decision.kept[-1] for decision in problem.decisions]]
        assert problem.evaluate(np.array(design)).accuracy[0] > 0.9
    finally:
        torch.set_default_dtype(torch.float32)
    assert problem.proxy.bench.reference.folded.dtype == torch.float32


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "operator_selection"])
def test_designs_of_every_family_can_be_measured(family: str) -> None:
    problem = make_problem(family, **SMALL, budget=0.9)
    full = np.array([[decision.size for decision in problem.decisions]])
    least = np.array([[decision.kept[0] for decision in problem.decisions]])
    outcome = problem.evaluate(np.concatenate([full, least]))
    assert outcome.accuracy[0] == problem.baseline > outcome.accuracy[1]


def test_channels_that_a_design_drops_are_gone_from_the_network_that_is_run() -> None:
    problem = make_problem("channel_pruning", **{**SMALL, "network": "digits_resnet"})
    assert isinstance(problem, ChannelPruningProblem)
    design = problem.reference.designs[0].tolist()
    bench = problem.proxy.bench
    network = bench.family.compress(bench.reference, design)
    sizes = {layer.name: layer.size**2 for layer in problem.network.layers}
    macs = sum(weight.numel() * sizes[name] for name, weight in network.weights.items())
    assert macs == problem.reference.costs["macs"][0]


def test_equal_designs_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = proxy_of(cache=False)
    asked: list[tuple[int, ...]] = []
    measure = proxy.bench.measure
    monkeypatch.setattr(proxy.bench, "measure", lambda d: asked.append(tuple(d)) or measure(d))
    design = [9, 20, 20, 40]
    first = proxy.evaluate(np.array([design, design]))
    assert proxy.evaluate(np.array([design])).tolist() == [first[0]] == [first[1]]
    assert asked == [tuple(design)]


def test_what_was_measured_is_found_again_on_disk(tmp_path: Path) -> None:
    proxy = proxy_of(cache=tmp_path)
    design = [8, 16, 16, 32]
    accuracy = proxy.evaluate(np.array([design]))[0]
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("digits_lenet.channel_pruning.")
    settings, record = map(json.loads, path.read_text().splitlines())
    assert settings["settings"]["images"] == "digits test rows 0 to 99"
    assert record["design"] == design
    assert record["top1"] == accuracy
    again = DesignCache(tmp_path, "digits_lenet.channel_pruning", proxy.about)
    assert again.get(design)["top1"] == accuracy  # type: ignore[index]


def test_measurements_of_other_images_or_recipes_are_kept_apart(tmp_path: Path) -> None:
    for changes in ({}, {"images": "100:200"}, {"calibration": 50}, {"recipe": {"points": 4}}):
        proxy_of(cache=tmp_path, **changes)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_torn_line_is_skipped_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    cache = DesignCache(tmp_path, "c", {"a": 1})
    cache.add([1, 2], {"top1": 0.5})
    with cache.path.open("a") as file:  # type: ignore[union-attr]
        file.write('{"design": [[1]]}\n{"design": [3, 4], "to')
    other = DesignCache(tmp_path, "c", {"a": 1})
    assert other.get([3, 4]) is None
    other.add([5, 6], {"top1": 0.7})
    third = DesignCache(tmp_path, "c", {"a": 1})
    assert (third.get([1, 2]), third.get([5, 6])) == ({"top1": 0.5}, {"top1": 0.7})
    assert cache.get([5, 6]) == {"top1": 0.7}
    assert len(third) == 2


def test_several_processes_write_one_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from hwenvs.proxies.cache import DesignCache\n"
        "cache = DesignCache(Path(sys.argv[1]), 'c', {})\n"
        "for i in range(200): cache.add([int(sys.argv[2]), i], {'top1': i / 1000})\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    working = [subprocess.Popen([*arguments, str(number)]) for number in range(3)]
    assert [process.wait() for process in working] == [0, 0, 0]
    cache = DesignCache(tmp_path, "c", {})
    assert len(cache) == 600
    assert cache.get([2, 199]) == {"top1": 0.199}
    (path,) = tmp_path.iterdir()
    assert len(path.read_text().splitlines()) == 601


def test_a_cache_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="pass cache='folder', cache=False, or set HWENVS_CACHE"):
        DesignCache(tmp_path / "file", "c", {})


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWENVS_CACHE", "somewhere")
    assert cache_folder() == Path("somewhere")
    monkeypatch.delenv("HWENVS_CACHE")
    assert cache_folder().name in ("hwenvs", "cache")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"proxy": "surrogate"}, ArgumentError, "images go with proxy='measured' only"),
        ({"proxy": "table.npz"}, ArgumentError, "not with 'table.npz'"),
        ({"images": 0}, ArgumentError, "images must be a positive number or rows"),
        ({"images": "5:3"}, ArgumentError, "rows such as '0:500', not '5:3'"),
        ({"images": 798}, DataError, "digits test has 797 rows, row 797 was asked for"),
        ({"threads": 0}, ArgumentError, "threads must be"),
        ({"recipe": "quick"}, ArgumentError, "recipe must be a mapping"),
        ({"recipe": {"pionts": 3}}, UnknownNameError, "Did you mean 'points'"),
        ({"recipe": {"method": "sequentially"}}, UnknownNameError, "Did you mean 'sequential'"),
        ({"proxy": {"name": "measured", "imagse": 3}}, UnknownNameError, "mean 'images'"),
        ({"weights": "nowhere.safetensors"}, WeightsError, "no weights file at nowhere"),
        ({"dataset": "cifar10"}, DataError, "a data set looks like"),
    ],
)
def test_bad_arguments_raise_one_clear_error(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_problem("channel_pruning", **{**SMALL, **arguments})


def test_options_of_a_table_are_refused() -> None:
    with pytest.raises(ArgumentError, match="'surrogate' takes no images"):
        get_proxy({"name": "surrogate", "images": 3}, get_network("resnet20"))


def test_the_spec_rebuilds_the_problem() -> None:
    problem = gym.make("AMC-DigitsLeNet-v0", images=100, recipe={"points": 4}).unwrapped.problem
    arguments = json.loads(json.dumps(problem.spec()))
    assert arguments["proxy"] == {"name": "measured", "images": 100, "recipe": {"points": 4}}
    again = make_problem(**arguments)
    assert again.spec() == problem.spec()
    assert again.proxy.bench is problem.proxy.bench


def test_copies_share_the_network_and_its_images() -> None:
    proxy = proxy_of()
    assert pickle.loads(pickle.dumps(proxy.on("top5"))).bench is proxy.bench


def test_no_optimum_is_certified_and_there_is_no_score() -> None:
    problem = make_problem("channel_pruning", **SMALL)
    with pytest.raises(SolverError, match="additive tables"):
        optimum(problem)
    assert "score" not in problem.info(problem.reference)


def test_top5_accuracy_can_be_what_is_rewarded() -> None:
    one, five = proxy_of(), proxy_of(metric="top5")
    design = np.array([[4, 8, 8, 13]])
    assert one.evaluate(design)[0] < five.evaluate(design)[0] <= five.baseline
    assert five.card.metric == "top5"


def test_one_thread_is_deterministic_and_the_callers_threads_come_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        proxy = proxy_of(cache=False)
        design = [7, 13, 11, 29]
        alike = {proxy.bench.measure(design).divergence for _ in range(3)}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert len(alike) == 1
    assert proxy.deterministic
    assert not proxy_of(threads=2).deterministic


def test_a_bench_of_ones_own_can_be_passed() -> None:
    bench = proxy_of().bench
    env = DesignEnv("channel_pruning", network="digits_lenet", proxy=MeasuredProxy(bench))
    assert env.problem.baseline == pytest.approx(bench.baseline.top1)
    assert env.problem.spec()["proxy"] == "measured"


def test_without_torch_one_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['safetensors'] = None\n"
        "import gymnasium, hwenvs\n"
        "try: gymnasium.make('AMC-DigitsLeNet-v0')\n"
        "except hwenvs.errors.MissingExtraError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "pip install 'hwenvs[measure]'" in done.stdout


def test_residual_networks_are_measured_on_real_photographs(data: Path, tmp_path: Path) -> None:
    env = gym.make(
        "AMC-ResNet56-v0",
        proxy="measured",
        weights=data / "weights" / "resnet56_cifar10.safetensors",
        data=data,
        images=50,
        calibration=20,
        recipe={"criterion": "magnitude"},
        cache=tmp_path,
    )
    problem = env.unwrapped.problem
    assert problem.baseline > 0.9
    assert 0.1 <= problem.reference.accuracy[0] <= problem.baseline
