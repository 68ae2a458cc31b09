"""Unions are frozen by the digests of their parts, and a part that changed is a fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hwenvs.errors import DataError
from hwenvs.leaderboards.board import SUITES, check_board
from hwenvs.leaderboards.freezing import PolicyRecipe, Recipe, UnionRecipe, freeze, frozen, recipes
from hwenvs.leaderboards.suites import UnionSuite, load_suite, read_suite
from hwenvs.leaderboards.unions import members

Recipes = Callable[..., Recipe]


def test_a_union_names_its_parts_with_their_digests_in_order(
    union: UnionSuite, both: UnionRecipe, union_folder: Path
) -> None:
    parts = [load_suite(name, union_folder / SUITES) for name in both.parts]
    assert [part.suite for part in union.parts] == ["bits-v1", "ops-v1"]
    assert [part.digest for part in union.parts] == [part.digest for part in parts]
    assert list(members(union, parts)) == parts


def test_only_a_new_version_of_a_part_makes_a_new_version_of_the_union(
    board: Path, both: UnionRecipe, recipe: Recipes
) -> None:
    suites = board / SUITES
    before = (suites / "both-v1.json").read_bytes()
    assert freeze("both", suites, both).name == "both-v1.json"
    for name in both.parts:
        freeze(name, suites, recipe(name, 5))
    assert freeze("both", suites, both).name == "both-v2.json"
    assert (suites / "both-v1.json").read_bytes() == before
    second = read_suite(suites / "both-v2.json")
    assert isinstance(second, UnionSuite)
    assert [part.suite for part in second.parts] == ["bits-v2", "ops-v2"]
    assert check_board(board, suites).faults == []


def test_a_part_that_is_not_frozen_is_named(recipe: Recipes, tmp_path: Path) -> None:
    freeze("bits", tmp_path, recipe("bits"))
    three = UnionRecipe(title="Three", parts=["bits", "more", "ops"])
    with pytest.raises(DataError, match=r"not frozen yet: more, ops .*freeze more\)"):
        freeze("three", tmp_path, three)
    assert [path.name for path in tmp_path.iterdir()] == ["bits-v1.json"]


def test_parts_that_no_table_can_rank_together_are_refused(board: Path, recipe: Recipes) -> None:
    suites = board / SUITES
    freeze("short", suites, recipe("bits", 5))
    freeze("again", suites, recipe("bits"))
    freeze("policies", suites, PolicyRecipe(title="P", instances=10, families=["haq"]))
    for other, message in (
        ("short", "differ in their runs or evaluations"),
        ("again", "HAQ-ResNet20-v0 stands in two of its parts"),
        ("policies", "policies-v1 is no suite of environments"),
        ("both", "both-v1 is no suite of environments"),
        ("bits", "a part stands twice"),
    ):
        with pytest.raises((DataError, ValueError), match=message):
            frozen("odd", 1, UnionRecipe(title="Odd", parts=["bits", other]), suites)


def test_all_is_made_of_every_suite_of_environments() -> None:
    found = recipes()
    everything = found["all"]
    assert isinstance(everything, UnionRecipe)
    parts = {name: one for name, one in found.items() if isinstance(one, Recipe)}
    assert everything.parts == list(parts)
    keys = [one.key or one.environment for part in parts.values() for one in part.environments]
    assert len(set(keys)) == len(keys)
    assert len({(part.seeds, part.evaluations) for part in parts.values()}) == 1


def test_a_changed_part_without_a_new_version_is_a_fault(board: Path, union: UnionSuite) -> None:
    path = board / SUITES / "ops-v1.json"
    changed = read_suite(path).model_copy(update={"title": "Other words"})
    path.write_bytes(changed.text.encode())
    found = check_board(board, board / SUITES)
    own = [fault for fault in found.faults if fault.startswith("suite both-v1")]
    message = "its part ops-v1 is no longer what was frozen: it has another digest"
    assert own == [f"suite both-v1: {message}; freeze a new version"]
    assert union not in found.suites


def test_a_part_that_is_gone_is_a_fault(board: Path) -> None:
    (board / SUITES / "ops-v1.json").unlink()
    found = check_board(board, board / SUITES)
    assert "suite both-v1: its part ops-v1 is not there, or cannot be read" in found.faults


def test_any_changed_byte_of_a_union_is_refused(board: Path) -> None:
    path = board / SUITES / "both-v1.json"
    text = path.read_bytes()
    (digest,) = re.findall(rb'bits-v1", "digest": "([0-9a-f]+)"', text)
    path.write_bytes(text.replace(digest, digest[::-1]))
    assert "its part bits-v1 is no longer" in check_board(board, board / SUITES).faults[0]
    for changed in (text + b"\n", text.replace(b'"Both"', b'"Both" '), text[:-3]):
        path.write_bytes(changed)
        with pytest.raises(DataError, match=r"cannot read|is not written as"):
            read_suite(path)
