"""Tables of operators belong to the search space that they were measured on, and damage is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import hwenvs  # noqa: F401
from hwenvs.errors import ArgumentError, ProxyError
from hwenvs.networks import Space, get_space
from hwenvs.networks.spaces import Stage
from hwenvs.proxies import OperatorTable, architecture_proxy
from hwenvs.proxies.base import TABLES
from hwenvs.proxies.operators import transferred

CIFAR = get_space("proxyless_cifar")
SHIPPED = TABLES / "proxyless_cifar.operator_selection.npz"
CARD = json.loads(SHIPPED.with_suffix(".json").read_text(encoding="utf-8"))
# As many blocks with the same names as those of the registered space.
WIDE = replace(CIFAR, stages=(Stage(32, 1, 1), Stage(48, 5, 2), Stage(80, 5, 2)))


def written(folder: Path, network: str, space: Space, **told: Any) -> Path:
    """A table of random losses whose card names ``network``, and says what is ``told``."""
    blocks = [block.name for block in space.blocks]
    path = folder / "mine.operator_selection.npz"
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "blocks": np.array(blocks),
        "pairs": random.random((len(blocks), 7, 7)),
        "curve_divergence": np.array([0.0, 3.0]),
        "curve_accuracy": np.array([0.9, 0.1]),
    }
    np.savez(path, **arrays)
    path.with_suffix(".json").write_text(json.dumps({**CARD, "network": network, **told}))
    return path


@pytest.mark.parametrize(
    ("space", "differing"),
    [
        (WIDE, "stages"),
        (replace(CIFAR, head=512, classes=100), "head, classes"),
        (replace(CIFAR, resolution=64), "resolution"),
    ],
)
def test_a_space_that_only_has_the_name_of_a_measured_one_gets_no_table(
    space: Space, differing: str
) -> None:
    with pytest.raises(ProxyError, match=rf"'proxyless_cifar' as given differs in {differing}:"):
        gym.make("NAS-v0", space=space)
    named = replace(space, name="mine")
    with pytest.raises(ProxyError, match=rf"proxyless_cifar, from which 'mine' .* {differing}:"):
        gym.make("NAS-v0", space=named, proxy=str(SHIPPED))


def test_a_table_of_one_width_is_none_of_another(tmp_path: Path) -> None:
    path = written(tmp_path, "proxyless", get_space("proxyless"))
    assert architecture_proxy(str(path), get_space("proxyless")).card.basis == "measured"
    with pytest.raises(ProxyError, match=r"mine.* proxyless, from which 'proxyless_gpu_width'"):
        architecture_proxy(str(path), get_space("proxyless_gpu_width"))


def test_a_measured_space_may_be_called_otherwise() -> None:
    table = architecture_proxy(str(SHIPPED), replace(CIFAR, name="mine", title="Mine"))
    assert table.card.network == "proxyless_cifar"


def test_a_table_of_ones_own_space_is_told_by_its_name(tmp_path: Path) -> None:
    mine = replace(WIDE, name="mine")
    path = str(written(tmp_path, "mine", mine))
    assert gym.make("NAS-v0", space=mine, proxy=path, hardware="gpu").spec is not None
    with pytest.raises(ProxyError, match="mine, from which 'yours' as given differs in name"):
        architecture_proxy(path, replace(WIDE, name="yours"))


def test_a_table_of_ones_own_space_is_told_by_what_its_card_says_of_it(tmp_path: Path) -> None:
    mine = replace(WIDE, name="mine")
    path = str(written(tmp_path, "mine", mine, geometry=mine.geometry))
    assert architecture_proxy(path, mine).card.network == "mine"
    assert architecture_proxy(path, replace(mine, name="ours")).card.network == "mine"
    with pytest.raises(ProxyError, match="'mine' as given differs in stages:"):
        architecture_proxy(path, replace(CIFAR, name="mine"))
    written(tmp_path, "mine", mine, geometry={"stem": mine.stem})
    with pytest.raises(ProxyError, match="'mine' as given differs in first, stages, head, classes"):
        architecture_proxy(path, mine)
    written(tmp_path, "mine", mine, geometry="wide")
    with pytest.raises(ProxyError, match="geometry must be an object, not 'wide'"):
        architecture_proxy(path, mine)


def test_a_transferred_table_does_not_describe_the_space_that_it_was_measured_on(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "proxyless_cifar", CIFAR, geometry=CIFAR.geometry)
    table = OperatorTable.load(path, CIFAR)
    assert table.card.extra["geometry"] == CIFAR.geometry
    assert "geometry" not in transferred(table, get_space("proxyless")).card.extra


def test_an_instance_must_be_of_the_space_too() -> None:
    table = OperatorTable.load(SHIPPED, CIFAR)
    assert architecture_proxy(table, CIFAR) is table
    with pytest.raises(ProxyError, match=r"of another search space than .*differ in stages"):
        architecture_proxy(table, WIDE)
    gpu = get_space("proxyless_gpu_width")
    mapped = transferred(table, gpu)
    assert architecture_proxy(mapped, gpu) is mapped


@pytest.mark.parametrize("name", ["proxyless", "proxyless_cpu_width", "proxyless_gpu_width"])
def test_registered_mappings_by_stage_go_on_and_say_so(name: str) -> None:
    assert architecture_proxy("surrogate", get_space(name)).card.basis == "transferred"


@pytest.mark.parametrize("damage", ["cut off", "empty", "text", "a byte"])
def test_damaged_files_are_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "mine.npz"
    path.with_suffix(".json").write_text(json.dumps(CARD))
    whole = SHIPPED.read_bytes()
    if damage == "a byte":
        for at in range(0, len(whole), 61):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
            try:  # some bytes say nothing that is looked at
                OperatorTable.load(path, CIFAR)
            except ProxyError as error:
                assert "mine.npz" in str(error)  # noqa: PT017 - any other error fails the test
        return
    content = {"cut off": whole[: len(whole) // 2], "empty": b"", "text": b"hello"}[damage]
    path.write_bytes(content)
    with pytest.raises(ProxyError, match=r"cannot read the table .*mine\.npz: damaged, cut off"):
        OperatorTable.load(path, CIFAR)


@pytest.mark.parametrize(
    ("array", "value", "message"),
    [
        ("pairs", np.full((11, 7, 7), "a"), "'pairs' must hold numbers"),
        ("pairs", np.zeros(7), r"'pairs' must have 3 dimension"),
        ("curve_accuracy", np.array(["a", "b"]), "'curve_accuracy' must hold numbers"),
        ("blocks", np.arange(11), "'blocks' must hold text"),
        ("blocks", np.array([{}], dtype=object), "cannot read the table"),
    ],
)
def test_arrays_of_another_kind_are_refused_with_the_file(
    tmp_path: Path, array: str, value: Any, message: str
) -> None:
    path = written(tmp_path, CIFAR.name, CIFAR)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **{**arrays, array: value})
    with pytest.raises(ProxyError, match=message) as caught:
        OperatorTable.load(path, CIFAR)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("proxy", [{}, {"nme": "supernet"}])
def test_a_dictionary_without_a_name_is_told_so(proxy: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=r"lacks 'name': a dictionary is \{'name': 'su"):
        architecture_proxy(proxy, CIFAR)
