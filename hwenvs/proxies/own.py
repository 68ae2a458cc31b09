"""The measured proxy of people's own modules and images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hwenvs.arguments import check_whole
from hwenvs.errors import ArgumentError, DataError
from hwenvs.networks import Network
from hwenvs.proxies.cache import DesignCache
from hwenvs.proxies.measured import MeasuredProxy, threaded
from hwenvs.proxies.opening import MOST_IMAGES, Measuring, facts, recipe_of

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST_REFIT = 600
"""Images that weights are re-fitted on unless more are asked for."""


def measured_module(
    network: Network, family: str, module: nn.Module, data: Any = None, **arguments: Any
) -> MeasuredProxy:
    """The measured proxy of ``module``.

    Args:
        network: the table traced from the module.
        family: what the designs decide.
        module: the network with its weights.
        data: batches ``(images [n, C, R, R], labels [n])``, such as a ``DataLoader``, or one pair
            of tensors; images as the module wants them.  The first go into re-fitting, the next
            are what designs are tried on.
        **arguments: ``calibration`` and ``images`` as numbers (default: a quarter of the images,
            at most 600, and the others, at most 1,000), and ``recipe``, ``cache``, ``threads`` and
            ``device`` as in :class:`~hwenvs.proxies.opening.Measuring`.

    Raises:
        ArgumentError: if an argument makes no sense.
        DataError: if images or labels do not fit the network, or are too few.
        WeightsError: if the network was traced from another module.
    """
    from hwenvs.calibration.bench import set_up
    from hwenvs.calibration.devices import check_device, computing_on
    from hwenvs.calibration.own import check_images
    from hwenvs.compression.folding import fold
    from hwenvs.networks.tracing import adopt

    for name in ("weights", "dataset"):
        if arguments.get(name) is not None:
            raise ArgumentError(f"{name} goes with networks of the zoo, not with module=")
    settings = Measuring.of(arguments)
    check_device(settings.device)
    refit, images, labels = _split(data, settings)
    check_images(network, refit, images, labels)
    recipe = recipe_of(network, family, settings)
    refit, images = refit.float().to(settings.device), images.float().to(settings.device)
    with threaded(settings.threads), computing_on(settings.device):
        folded = fold(adopt(network, module).to(settings.device))
        bench = set_up(folded, refit, images, labels.to(settings.device), recipe, family)
        bench.prepare()
    about = {
        "weights": f"{type(module).__name__} of the caller",
        "images": f"{len(images)} images of the caller",
        "calibration": f"the {len(refit)} before them",
        **facts(bench, settings),
    }
    cache = DesignCache(settings.folder, f"{network.name}.{family}", about)
    return MeasuredProxy(bench, about, cache, settings.threads)


def _split(data: Any, settings: Measuring) -> tuple[Tensor, Tensor, Tensor]:
    """Images to re-fit on, images to try designs on, and their labels."""
    counts = {"calibration": settings.calibration, "images": settings.images}
    for name, count in counts.items():
        if count is not None:
            check_whole(f"{name} of a module", count)
    refit, tried = settings.calibration, settings.images
    most = int(refit or MOST_REFIT) + int(tried or MOST_IMAGES)
    images, labels = _gathered(data, most)
    first = int(refit or min(MOST_REFIT, len(images) // 4))
    last = min(len(images), first + int(tried or MOST_IMAGES))
    if first < 1 or last <= first or (tried and last - first < int(tried)):
        raise DataError(
            f"data has {len(images)} images, too few to re-fit on {max(first, 1)} and to try "
            f"designs on {tried or 'others'}"
        )
    return images[:first], images[first:last], labels[first:last]


def _gathered(data: Any, most: int) -> tuple[Tensor, Tensor]:
    """The first ``most`` images and labels of ``data``, or all there are."""
    import torch

    if isinstance(data, tuple | list) and len(data) == 2 and isinstance(data[0], torch.Tensor):
        data = [data]
    if not isinstance(data, Iterable) or isinstance(data, str):
        raise DataError(
            "data of a module must be batches (images, labels), such as a DataLoader, or one pair "
            f"of tensors, not {data!r}"
        )
    images, labels, count = [], [], 0
    for batch in data:
        pair = isinstance(batch, tuple | list) and len(batch) == 2
        if not pair or not all(isinstance(part, torch.Tensor) for part in batch):
            raise DataError(f"a batch of data must be (images, labels), not {type(batch).__name__}")
        images.append(batch[0])
        labels.append(batch[1])
        count += len(batch[0])
        if count >= most:
            break
    if not images:
        raise DataError("data has no batch")
    return torch.cat(images)[:most], torch.cat(labels)[:most]
