"""Concatenations of parallel branches: the table, and who decides what is read."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from hwenvs.networks import channel_groups, from_torch
from hwenvs.networks.builder import TableBuilder

MakeModule = Callable[[str], tuple[nn.Module, Tensor]]


def test_a_concatenation_equals_the_table_written_by_hand(make: MakeModule) -> None:
    table = TableBuilder(33)
    table.conv("stem", 8, 3, 2, padding=0, bias=True)
    source = table.max_pool("max_pool2d", 2, 2)
    for at in ("a", "b"):
        one = table.conv(f"{at}.one", 4, 1, bias=True, source=source)
        squeeze3 = table.conv(f"{at}.squeeze3", 6, 1, bias=True, source=source)
        squeeze5 = table.conv(f"{at}.squeeze5", 5, 1, bias=True, source=source)
        three = table.conv(f"{at}.three", 8, 3, bias=True, source=squeeze3)
        five = table.conv(f"{at}.five", 6, 5, bias=True, source=squeeze5)
        source = table.concat(at, one, three, five)
    table.average_pool("mean_1")
    table.linear("fc", 10)
    module, images = make("inception")
    assert from_torch(module, images, "hand", "Hand") == table.build("hand", "Hand")


def test_readers_of_a_concatenation_pick_among_all_its_channels_and_its_writers_stay_whole(
    make: MakeModule,
) -> None:
    module, images = make("inception")
    network = from_torch(module, images)
    groups = {group.name: group for group in channel_groups(network)}
    assert groups["b.one"].origin == "a"
    assert groups["b.one"].channels == 4 + 8 + 6
    assert groups["b.one"].gathered
    written = {name for group in groups.values() for name in group.writers}
    assert written == {"a.squeeze3", "a.squeeze5", "b.squeeze3", "b.squeeze5"}


def test_chains_that_start_from_one_tensor_decide_for_themselves_what_they_read(
    make: MakeModule,
) -> None:
    module, images = make("inception")
    groups = channel_groups(from_torch(module, images))
    at_a = [(g.name, g.readers, g.gathered) for g in groups if not g.name.startswith("b.")]
    assert at_a == [
        ("a.one", ("a.one", "a.squeeze3"), True),
        ("a.three", ("a.three",), False),
        ("a.squeeze5", ("a.squeeze5",), True),
        ("a.five", ("a.five",), False),
    ]
