"""What cannot be traced is refused by name, with what would be valid."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from hwenvs.errors import TracingError
from hwenvs.networks import from_torch


class Net(nn.Module):
    """A convolution, something in a block, a classifier."""

    def __init__(self, body: Callable[[nn.Module, Tensor], object], **parts: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.block = Block(body, **parts)
        self.fc = nn.LazyLinear(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.block(self.conv(x)).flatten(1))


class Block(nn.Module):
    def __init__(self, body: Callable[[nn.Module, Tensor], object], **parts: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.scale = nn.Parameter(torch.ones(8, 1, 1))
        self.kernel = nn.Parameter(torch.ones(8, 8, 1, 1))
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> object:
        return self.body(self, x)


def conv(**changes: object) -> nn.Module:
    return nn.Conv2d(**{"in_channels": 8, "out_channels": 8, "kernel_size": 3, **changes})  # type: ignore[arg-type]


REFUSED: dict[str, tuple[Net, str]] = {
    "a condition on values": (
        Net(lambda _, x: x.relu() if x.sum() > 0 else x),
        (
            r"node 'gt' in 'block' decides what runs next: its value depends on the data. Valid: a "
            "forward that computes the same for every image"
        ),
    ),
    "a loop over images": (
        Net(lambda _, x: torch.stack([one.relu() for one in x])),
        r"node 'conv' .*is looped over",
    ),
    "a product": (
        Net(lambda _, x: x * x.mean((2, 3), keepdim=True).sigmoid()),
        (
            r"node 'mul' in 'block' computes 'mul', which layer tables do not know. Valid: plain "
            "and depthwise convolutions"
        ),
    ),
    "a number from a tensor": (
        Net(lambda _, x: x[:, : int(x.sum())]),
        r"node 'sum_1' in 'block' decides what runs next: its value depends on the data",
    ),
    "a grouped convolution": (
        Net(lambda m, x: m.grouped(x), grouped=conv(groups=2)),
        (
            r"node 'block.grouped' \(Conv2d\) has 2 groups for 8 input and 8 output channels. "
            "Valid: groups=1, or a depthwise convolution"
        ),
    ),
    "a depthwise multiplier": (
        Net(lambda m, x: m.wide(x), wide=conv(groups=8, out_channels=16)),
        r"node 'block.wide' \(Conv2d\) has 8 groups for 8 input and 16 output channels",
    ),
    "a dilated convolution": (
        Net(lambda m, x: m.dilated(x), dilated=conv(dilation=2)),
        r"node 'block.dilated' .*has dilation \(2, 2\)",
    ),
    "a kernel that is not square": (
        Net(lambda m, x: m.flat(x), flat=conv(kernel_size=(1, 3), padding=(0, 1))),
        r"node 'block.flat' .*has kernel_size \(1, 3\). Valid: the same in both directions",
    ),
    "a transposed convolution": (
        Net(lambda m, x: m.up(x), up=nn.ConvTranspose2d(8, 8, 2, 2)),
        r"node 'block.up' \(ConvTranspose2d\) computes 'ConvTranspose2d'",
    ),
    "another norm": (
        Net(lambda m, x: m.norm(x), norm=nn.GroupNorm(2, 8)),
        r"node 'block.norm' \(GroupNorm\) computes 'GroupNorm'",
    ),
    "a norm by the batch": (
        Net(lambda m, x: m.norm(x), norm=nn.BatchNorm2d(8, track_running_stats=False)),
        r"node 'block.norm' .*has no running statistics",
    ),
    "another slope": (
        Net(lambda _, x: F.leaky_relu(x, 0.3)),
        r"node 'leaky_relu' in 'block' has negative_slope=0.3. Valid: negative_slope=0.01",
    ),
    "a shared layer": (
        Net(lambda m, x: m.again(m.again(x)), again=conv(padding=1)),
        r"node 'block.again' .*runs a second time.*Valid: a module of its own for every call",
    ),
    "weights in a function": (
        Net(lambda m, x: F.conv2d(x, m.kernel)),
        r"node 'conv2d' in 'block' is called with weights of its own. Valid: .*torch.nn.Conv2d",
    ),
    "a sum with a parameter": (
        Net(lambda m, x: x + m.scale),
        r"node 'add' in 'block' reads .*no output of another node",
    ),
    "a sum of different shapes": (
        Net(lambda _, x: x + x.mean((2, 3), keepdim=True)),
        r"node 'add' in 'block' adds \[8, 6, 6\] and \[8, 1, 1\]",
    ),
    "several outputs": (
        Net(lambda _, x: x.chunk(2, 1)[0]),
        r"node 'chunk' in 'block' puts out several tensors",
    ),
    "a slice": (Net(lambda _, x: x[:, :4]), r"node 'getitem' in 'block' picks .*slice"),
    "joined rows": (
        Net(lambda _, x: torch.cat([x, x.relu()], 2)),
        r"node 'cat' in 'block' joins along dimension 2. Valid: dimension 1, the channels",
    ),
    "other dimensions first": (
        Net(lambda _, x: x.transpose(1, 2)),
        r"node 'transpose' in 'block' computes 'transpose'",
    ),
    "uneven padding": (
        Net(lambda m, x: m.after(F.pad(x, (2, 0, 2, 0))), after=conv()),
        r"node 'block.after' .*is padded by 2 and 0 pixels",
    ),
    "padding before a sum": (
        Net(lambda _, x: F.pad(x, (1, 1, 1, 1)).relu()),
        r"node 'relu' in 'block' reads node 'pad' in 'block', which no table has on its own",
    ),
    "dropout that never ends": (
        Net(lambda _, x: F.dropout(x)),
        r"node 'dropout' in 'block' drops values outside of training.*training=self.training",
    ),
    "a softmax within": (
        Net(lambda _, x: x.softmax(1)),
        r"node 'softmax' in 'block' is not the last operation",
    ),
    "an input that does not fit": (
        Net(lambda m, x: m.next(x), next=conv(in_channels=9)),
        r"node 'block.next' .*fails on the example input: .*expected input",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_error_names_the_node_and_what_would_be_valid(what: str) -> None:
    module, message = REFUSED[what]
    with pytest.raises(TracingError, match=message) as caught:
        from_torch(module, torch.zeros(1, 3, 6, 6))
    assert re.match(r"cannot trace Net: node '.*\. Valid: \S", str(caught.value), re.DOTALL)


def test_shapes_are_those_of_the_example() -> None:
    def body(_: nn.Module, x: Tensor) -> Tensor:
        for _ in range(x.shape[1] - 1):
            x = x.relu() if x.size(2) > 4 and x.dim() == 4 else x
        return x.view(int(x.size(0)), -1)

    module = nn.Sequential(nn.Conv2d(3, 2, 1), Block(body), nn.Linear(72, 2))
    assert from_torch(module, torch.zeros(1, 3, 6, 6))["0"].activation == "relu"


@pytest.mark.parametrize("output", [lambda x: (x, x), lambda x: x[:, :, None], lambda x: {"a": x}])
def test_modules_with_other_outputs_are_refused(output: Callable[[Tensor], object]) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> object:
            return output(self.fc(x))

    with pytest.raises(TracingError, match=r"node 'output' .*one .*tensor \[N, classes\]"):
        from_torch(Odd(), torch.zeros(1, 4))


def test_modules_with_several_inputs_are_refused() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    with pytest.raises(TracingError, match="its forward needs several inputs"):
        from_torch(Two(), torch.zeros(1, 4))


def test_a_table_that_computes_something_else_is_refused() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    module[0].register_forward_hook(lambda _, __, outputs: 2 * outputs)
    with pytest.raises(TracingError, match="outputs differ from those of the traced table"):
        from_torch(module, torch.zeros(1, 4))


def test_modules_that_compute_nothing_are_refused() -> None:
    with pytest.raises(TracingError, match="node 'output' is not one tensor"):
        from_torch(nn.Flatten(), torch.zeros(1, 4))


def test_a_layer_cannot_be_called_like_the_image() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.input = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.input(x)

    with pytest.raises(TracingError, match=r"node 'input' \(Linear\) has the name of the image"):
        from_torch(Odd(), torch.zeros(1, 4))


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16])
def test_a_hook_is_noticed_in_every_precision(kind: torch.dtype) -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)).to(kind)
    from_torch(module, torch.zeros(1, 4))
    module[0].register_forward_hook(lambda _, __, outputs: 2 * outputs)
    with pytest.raises(TracingError, match="outputs differ from those of the traced table"):
        from_torch(module, torch.zeros(1, 4))
    assert next(module.parameters()).dtype == kind


def test_modules_with_the_same_weights_are_refused() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    module[2].weight = module[0].weight
    with pytest.raises(TracingError, match=r"node '2' .*has the weights of '0'.*deepcopy"):
        from_torch(module, torch.zeros(1, 4))
