"""What trying an architecture of a supernet costs beside the bare forward pass of it.

    HWENVS_DATA=data python benchmarks/supernet_evaluation.py proxyless_cifar

For random architectures, in one process and in turn: taking one out of the supernet, estimating its
batch norms and trying it on 2,000 images, as ``proxy="supernet"`` and ``hwenvs calibrate`` do; then
the forward pass alone of the same network on the same images, as it is (batch norms of their own,
batches of 100) and with batch norms folded into the convolutions, in the batches that suit the
cache.  Ratios are medians of processor times.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from torch import Tensor, nn

from hwenvs.calibration.spaces.bench import open_supernet_bench
from hwenvs.compression.folding import fold

BATCH = 100


def processor(work: Callable[[], object]) -> float:
    """Seconds of the processor that ``work`` takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def forward(module: nn.Module, images: Tensor) -> None:
    """A pass of ``images`` [N, C, R, R], a batch at a time."""
    for part in torch.split(images, BATCH):
        module(part)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("space")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--norm-images", type=int, default=256)
    parser.add_argument("--architectures", type=int, default=12)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = range(given.norm_images), range(given.images)
    bench = open_supernet_bench(given.space, *rows)
    whole, plain, folded = [], [], []
    for design in bench.space.sample(given.architectures, 0).tolist():
        module = bench.supernet.architecture(design).eval()
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        merged = fold(module)
        with torch.inference_mode():
            whole.append(processor(partial(bench.measure, design)))
            plain.append(processor(partial(forward, module, bench.images)))
            folded.append(processor(partial(merged, bench.images)))
    print(f"{given.space}, {given.architectures} random architectures, {given.images} images")
    print(f"evaluation of one: {median(whole):.2f} s of one core")
    for name, times in (("as it is", plain), ("norms folded in", folded)):
        ratio = median(a / b for a, b in zip(whole, times, strict=True))
        print(f"over its forward pass, {name}: {ratio:.2f} times ({median(times):.2f} s)")


if __name__ == "__main__":
    main()
