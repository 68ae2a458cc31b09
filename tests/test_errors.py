"""Messages about names that do not exist."""

from __future__ import annotations

from hwenvs.errors import unknown_name
from hwenvs.hardware.registry import BUILT_IN
from hwenvs.registration import ALL_ENVIRONMENTS

MANY = [f"amc/network{n}/mobile/latency/0.5" for n in range(143)]


def test_only_what_is_really_near_is_suggested() -> None:
    assert "Did you mean 'mobile'?" in str(unknown_name("hardware", "moble", BUILT_IN))
    for what, name, known in (
        ("hardware", "foo", BUILT_IN),
        ("environment", "CartPole-v1", ALL_ENVIRONMENTS),
    ):
        assert "Did you mean" not in str(unknown_name(what, name, known))


def test_of_equally_near_names_the_one_that_begins_alike_is_suggested() -> None:
    known = ["resnet20", "resnet32", "resnet44", "resnet56"]
    for name in ("resnet21", "resnet2"):
        said = str(unknown_name("network", name, known))
        assert said.startswith(f"unknown network '{name}'. Did you mean 'resnet20'?"), said


def test_leading_parts_that_names_share_make_them_no_nearer() -> None:
    entries = ["amc-v1/ddpg", "amc-v1/turbo", "haq-v1/turbo"]
    assert "Did you mean" not in str(unknown_name("entry", "amc-v1/nobody", entries))
    for name, meant in (("amc-v1/trubo", "amc-v1/turbo"), ("haq-v2/turbo", "haq-v1/turbo")):
        assert f"Did you mean '{meant}'?" in str(unknown_name("entry", name, entries))


def test_the_beginning_of_a_name_is_near_it() -> None:
    assert "Did you mean 'rgb_array'?" in str(unknown_name("mode", "rgb", ["ansi", "rgb_array"]))


def test_short_lists_are_shown_whole() -> None:
    said = str(unknown_name("colour", "rad", ["red", "green", "blue"]))
    assert said == "unknown colour 'rad'. Did you mean 'red'? Known: blue, green, red"


def test_of_long_lists_the_nearest_are_shown_and_what_lists_them_all() -> None:
    said = str(unknown_name("environment", "AMC-ResNet65-v0", ALL_ENVIRONMENTS))
    assert "Did you mean 'AMC-ResNet56-v0'?" in said
    shown = said.partition("Known: ")[2]
    assert shown.startswith("AMC-ResNet56-v0, ")
    assert shown.endswith(f" and {len(ALL_ENVIRONMENTS) - 5} more ('hwenvs list' lists them)")


def test_very_long_lists_are_cut_also_where_nothing_lists_them() -> None:
    for name in (MANY[7].replace("mobile", "mobil"), "nothing like it"):
        said = str(unknown_name("task", name, MANY))
        assert said.count("amc/") <= 7
        assert said.endswith(" more")
    forty = [str(number) for number in range(40)]
    assert str(unknown_name("number", "one", forty)).endswith("Known: " + ", ".join(sorted(forty)))
