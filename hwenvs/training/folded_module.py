"""Folded networks, pruned or not, as modules whose weights and biases can be trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.quantized import QuantizedNetwork
from hwenvs.errors import ArgumentError
from hwenvs.networks.base import INPUT
from hwenvs.networks.execution import execute


class FoldedModule(nn.Module):
    """A folded network whose weights and biases are parameters.

    It computes what the network computes.  Channels that were removed stay away, and a layer that
    picks channels from a whole tensor keeps picking the same ones.

    Args:
        folded: where to start; it is copied.
        sparse: whether weights that are zero shall stay zero, see :meth:`keep_zeros`.

    Raises:
        ArgumentError: if the network rounds its inputs: no gradient passes through that.
    """

    def __init__(self, folded: FoldedNetwork, sparse: bool = False) -> None:
        super().__init__()
        if isinstance(folded, QuantizedNetwork):
            raise ArgumentError(
                f"{folded.network.title} rounds its inputs: no gradient passes through that"
            )
        self.network = folded.network
        self.sparse = sparse
        for name, weight in folded.weights.items():
            # Compression works in inference mode, whose tensors cannot be trained: copies can.
            self.register_parameter(_key("weights", name), nn.Parameter(weight.float().clone()))
            bias = folded.biases[name].float().clone()
            self.register_parameter(_key("biases", name), nn.Parameter(bias))
            # Masks and picked channels are part of the state: what a checkpoint holds stays valid
            # even if another machine's sums would have chosen otherwise.
            if sparse:
                self.register_buffer(_key("masks", name), (weight != 0).clone())
        for name, channels in folded.gathers.items():
            self.register_buffer(_key("gathers", name), channels.clone())
        self._gathered = tuple(folded.gathers)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, classes]`` of ``images [N, C, R, R]``."""
        return execute(self.network, {INPUT: images}, self._view().compute)

    @torch.no_grad()
    def keep_zeros(self) -> None:
        """Sets the weights to zero that were so at the start; to be called after every step."""
        if self.sparse:
            for layer in self.network.layers:
                weight = self.get_parameter(_key("weights", layer.name))
                weight.mul_(self.get_buffer(_key("masks", layer.name)))

    @torch.no_grad()
    def folded(self) -> FoldedNetwork:
        """What was learnt so far, as plain tensors of their own."""
        view = self._view()
        return FoldedNetwork(
            self.network,
            {name: weight.detach().clone() for name, weight in view.weights.items()},
            {name: bias.detach().clone() for name, bias in view.biases.items()},
            {name: channels.clone() for name, channels in view.gathers.items()},
        )

    def _view(self) -> FoldedNetwork:
        """The parameters themselves as a folded network, which knows how layers compute."""
        names = [layer.name for layer in self.network.layers]
        return FoldedNetwork(
            self.network,
            {name: self.get_parameter(_key("weights", name)) for name in names},
            {name: self.get_parameter(_key("biases", name)) for name in names},
            {name: self.get_buffer(_key("gathers", name)) for name in self._gathered},
        )


def _key(kind: str, name: str) -> str:
    """Name of a tensor in the module's state; torch allows no dots."""
    return f"{kind}/{name.replace('.', '/')}"
