"""Proxies by name: built in, plugged in, from a file, or an object."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.errors import ArgumentError, ProxyError, UnknownNameError
from hwenvs.networks import ZOO, channel_groups, get_network
from hwenvs.proxies import AccuracyProxy, analytic_proxy, get_proxy, list_proxies, table_path
from hwenvs.proxies.analytic import tail

PLUG_IN = """
from hwenvs.proxies import analytic_proxy

def good(network):
    return analytic_proxy(network)

def bad(network):
    raise RuntimeError("no licence")

def wrong(network):
    return 3
"""


@pytest.fixture
def _plugged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with three plug-ins, two of them broken."""
    (tmp_path / "my_proxies.py").write_text(PLUG_IN, encoding="utf-8")
    info = tmp_path / "my_proxies-1.0.dist-info"
    info.mkdir()
    metadata = "Metadata-Version: 2.1\nName: my-proxies\nVersion: 1.0\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    lines = "".join(f"{name}_one = my_proxies:{name}\n" for name in ("good", "bad", "wrong"))
    (info / "entry_points.txt").write_text(f"[hwenvs.proxies]\n{lines}", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'analytic'"):
        get_proxy("analitic", get_network("resnet20"))


@pytest.mark.parametrize("options", [{}, {"images": 3}])
def test_options_without_a_proxy_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ArgumentError, match=r"\{'name': \.\.\., \.\.\.\}, not"):
        get_proxy(options, get_network("resnet20"))


@pytest.mark.usefixtures("_plugged_in")
def test_plug_ins_are_found_and_broken_ones_named() -> None:
    network = get_network("resnet20")
    assert list_proxies()["good_one"] == "my_proxies:good"
    assert isinstance(get_proxy("good_one", network), AccuracyProxy)
    with pytest.raises(ProxyError, match=r"'bad_one' \(my_proxies:bad\) failed: no licence"):
        get_proxy("bad_one", network)
    with pytest.raises(ProxyError, match="not an accuracy proxy: it lacks baseline"):
        get_proxy("wrong_one", network)
    assert isinstance(get_proxy("surrogate", network), AccuracyProxy)


@pytest.mark.usefixtures("_plugged_in")
def test_plug_ins_work_in_an_environment() -> None:
    env = gym.make("AMC-ResNet20-v0", proxy="good_one")
    assert env.unwrapped.problem.spec()["proxy"] == "good_one"


def test_objects_are_used_as_they_are_or_refused() -> None:
    network = get_network("resnet20")
    proxy = analytic_proxy(network)
    assert get_proxy(proxy, network) is proxy
    with pytest.raises(ProxyError, match="lacks"):
        get_proxy(object(), network)  # type: ignore[arg-type]


def test_a_table_that_is_not_there_is_named() -> None:
    with pytest.raises(ProxyError, match=r"cannot read the table nowhere\.npz"):
        gym.make("AMC-ResNet20-v0", proxy="nowhere.npz")


@pytest.mark.parametrize("name", ZOO)
def test_every_network_has_a_surrogate_whose_card_says_what_it_rests_on(name: str) -> None:
    network = get_network(name)
    proxy = get_proxy("surrogate", network)
    measured = table_path(network).is_file()
    assert proxy.card.basis == ("measured" if measured else "analytic")
    assert proxy.card.network == name
    assert abs(proxy.card.baseline_accuracy - proxy.baseline) < 0.02


@pytest.mark.parametrize("name", [name for name in ZOO if channel_groups(get_network(name))])
def test_analytic_accuracy_falls_with_every_channel(name: str) -> None:
    proxy = analytic_proxy(get_network(name))
    full = [sweep.channels for sweep in proxy.sweeps]
    designs = np.maximum(np.outer(np.linspace(1.0, 0.1, 20), full).astype(np.int64), 1)
    accuracy = proxy.evaluate(designs)
    assert accuracy[0] == proxy.baseline
    assert (np.diff(accuracy) < 0).all()
    assert accuracy[-1] >= 1 / get_network(name).classes - 1e-12


def test_the_analytic_tail_is_the_harmonic_one() -> None:
    assert tail(4)[-1] == 0.0
    assert tail(2).tolist() == [1 - 1 / 1.5, 0.0]
    assert (np.diff(tail(100)) < 0).all()


def test_an_analytic_table_warns_once_per_process() -> None:
    code = (
        "import warnings, gymnasium, hwenvs\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    for _ in range(2):\n"
        "        gymnasium.make('AMC-ResNet20-v0', proxy='analytic')\n"
        "        gymnasium.make_vec('AMC-ResNet20-v0', num_envs=2, proxy='analytic')\n"
        "print([str(w.message)[:39] for w in caught])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['accuracies of resnet20 come from an ana']"
