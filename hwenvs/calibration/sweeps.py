"""Single-decision sweeps: what one decision alone does to the network's output."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from hwenvs.calibration.bench import Bench, Measurement, compare
from hwenvs.compression.folding import FoldedNetwork, batch_size
from hwenvs.networks.base import INPUT
from hwenvs.networks.execution import execute, run_node


@torch.inference_mode()
def sweep_group(
    bench: Bench, index: int, counts: list[int], images: int, batch: int | None = None
) -> Iterator[tuple[int, Measurement]]:
    """Measures decision ``index`` alone at each of ``counts``.

    The part of the network before the group's readers runs once per batch of images and is shared
    by all counts; only the rest runs again for each.

    Args:
        bench: the measuring bench.
        index: which decision.
        counts: what to keep.
        images: evaluation images to use.
        batch: images held at a time; by default what suits the network.
    """
    group, network = bench.groups[index], bench.network
    names = [node.name for node in network.nodes]
    start = min(names.index(network.node_of(reader).name) for reader in group.readers)
    low, family = bench.folded, bench.family
    outputs: list[list[Tensor]] = [[] for _ in counts]
    with bench.computing():
        variants = [family.alone(bench.reference, index, c).to(bench.images.dtype) for c in counts]
        for part in torch.split(bench.images[:images], batch or batch_size(network)):
            values = prefix(low, part, start)
            for variant, collected in zip(variants, outputs, strict=True):
                logits = execute(network, dict(values), variant.compute, start)
                collected.append(logits.float().log_softmax(1))
    for count, collected in zip(counts, outputs, strict=True):
        yield count, compare(torch.cat(collected), bench.logits[:images], bench.labels[:images])


def prefix(folded: FoldedNetwork, images: Tensor, stop: int) -> dict[str, Tensor]:
    """Outputs of the nodes before ``stop`` that nodes from ``stop`` on read."""
    network = folded.network
    read_later = {source for node in network.nodes[stop:] for source in node.inputs}
    values = {INPUT: images}
    for node in network.nodes[:stop]:
        values[node.name] = run_node(
            node, [values[source] for source in node.inputs], folded.compute
        )
    return {name: value for name, value in values.items() if name in read_later}
