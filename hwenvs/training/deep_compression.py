"""Deep Compression with retraining: train, prune, share weights, encode.

Han et al., "Deep Compression", ICLR 2016.  Pruning goes in rounds: every round removes more of the
smallest weights and trains the others on.  Then every layer's weights move to the values of a
k-means codebook, and training moves those values: weights that share one stay together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from hwenvs.calibration.images import DATASETS, Preprocessing, data_folder, load_pixels
from hwenvs.compression.codebooks import fit_codebook
from hwenvs.compression.coding import unpack
from hwenvs.compression.deep import Compressed, Storage, compress
from hwenvs.compression.fine_grained import largest
from hwenvs.compression.folding import fold
from hwenvs.errors import unknown_name
from hwenvs.networks import get_network
from hwenvs.networks.modules import fresh_module
from hwenvs.training.classifier import ClassifierTraining, Progress, accuracy
from hwenvs.training.settings import SUITED, Settings
from hwenvs.training.teacher import Teacher
from hwenvs.training.zoo import NORMALISATION, write_weights


@dataclass(frozen=True)
class Recipe:
    """How a network is made small.

    Attributes:
        storage: what every layer becomes.
        dense: the first training.
        rounds: pruning rounds; densities fall from 1 as a cubic curve (Zhu and Gupta, 2017).
        round_epochs: passes over the images in a round.
        last_epochs: passes in the last round, at the final densities.
        shared_epochs: passes that train the codebooks.
        learning_rate: of the pruning rounds.
        shared_rate: of the codebooks' training.
        distilled: whether later trainings also learn from what the trained network answers.
    """

    storage: Mapping[str, Storage]
    dense: Settings
    rounds: int = 6
    round_epochs: int = 2
    last_epochs: int = 20
    shared_epochs: int = 8
    learning_rate: float = 0.02
    shared_rate: float = 0.004
    distilled: bool = False


MNIST = Settings(epochs=15, batch_size=128, learning_rate=0.05, resolution=28, **SUITED["mnist"])
RECIPES = {
    "lenet_300_100": Recipe(
        {"fc1": Storage(0.07, 5, 5), "fc2": Storage(0.09, 5, 5), "fc3": Storage(0.26, 5, 3)}, MNIST
    ),
    "lenet5": Recipe(
        {
            "conv1": Storage(0.66, 6, 2),
            "conv2": Storage(0.12, 5, 5),
            "fc1": Storage(0.075, 4, 5),
            "fc2": Storage(0.19, 5, 4),
        },
        MNIST,
        last_epochs=30,
        distilled=True,
    ),
}
"""Recipes by network."""

PUBLISHED = {"lenet_300_100": (40, 98.36, 98.42), "lenet5": (39, 99.20, 99.26)}
"""Ratio, and accuracy before and after in percent (Deep Compression, table 1)."""


@dataclass(frozen=True)
class Stage:
    """What the network is after a stage.

    Attributes:
        name: of the stage.
        accuracy: on the test images, as a fraction; of the stored network where there is one.
        compressed: the network as it would be stored; None before anything is pruned.
    """

    name: str
    accuracy: float
    compressed: Compressed | None = None


class DeepCompression:
    """Trains and compresses a network; every stage continues where it stopped.

    Args:
        name: network of :data:`RECIPES`.
        out: folder for checkpoints.
        recipe: how; default: the network's.
        data: folder with the data sets; default ``HWENVS_DATA``.
        rows: training images to use; default: all.
        progress: see :data:`hwenvs.training.classifier.Progress`.

    Raises:
        UnknownNameError: if the network has no recipe and none is given.
        DataError: if the images are missing.
    """

    def __init__(
        self,
        name: str,
        out: Path,
        recipe: Recipe | None = None,
        data: str | Path | None = None,
        rows: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        if recipe is None and name not in RECIPES:
            raise unknown_name("network with a recipe for deep compression", name, RECIPES)
        self.name, self.out, self.progress = name, out, progress
        self.teacher: Teacher | None = None
        self.recipe = recipe or RECIPES[name]
        # Another recipe must not continue from the checkpoints of this one.
        self.digest = sha256(f"{self.recipe} {rows}".encode()).hexdigest()[:8]
        dataset, test, train = DATASETS[name]
        folder, side = data_folder(data) / dataset, self.recipe.dense.resolution
        self.preprocessing = Preprocessing.from_metadata(NORMALISATION.get(dataset, {}), side)
        chosen, colours = None if rows is None else range(rows), self.preprocessing.channels
        self.images, self.labels = load_pixels(folder, train, chosen, None, colours)
        self.test = load_pixels(folder, test, None, None, colours)
        self.module = fresh_module(get_network(name), self.recipe.dense.seed)
        self.weights: dict[str, Tensor] = {
            layer: self.module.get_parameter(self.module.network.layer(layer).weight_key)
            for layer in self.recipe.storage
        }

    def run(self) -> list[Stage]:
        """All stages: dense, pruned, shared."""
        recipe = self.recipe
        self._train("dense", recipe.dense, None)
        if recipe.distilled:
            # What the whole network answers tells more about an image than its label.
            whole = fold(self.module).to(torch.float32)
            self.teacher = Teacher(
                replace(whole, weights=_copied(whole.weights), biases=_copied(whole.biases)),
                self.preprocessing,
            )
        stages = [Stage("trained", self._accuracy())]
        # Half precision halves the file and changes no answer.
        write_weights(
            self.module,
            self.out / f"{self.name}_{DATASETS[self.name][0]}.safetensors",
            {**self._facts(), "test_accuracy": f"{stages[0].accuracy:.4f}"},
            torch.float16,
        )
        for number in range(1, recipe.rounds + 1):
            left = (1.0 - number / recipe.rounds) ** 3
            masks = {
                layer: largest(weight.detach().abs(), how.density + (1.0 - how.density) * left)
                for (layer, weight), how in zip(
                    self.weights.items(), recipe.storage.values(), strict=True
                )
            }
            epochs = recipe.last_epochs if number == recipe.rounds else recipe.round_epochs
            tuned = self._tuned(epochs, recipe.learning_rate)
            self._train(f"pruned{number}", tuned, _masking(self.weights, masks))
        stages.append(Stage("pruned and trained", self._accuracy()))
        stages.append(self._stored("weights shared"))
        tuned = self._tuned(recipe.shared_epochs, recipe.shared_rate)
        self._train("shared", tuned, self._sharing())
        stages.append(self._stored("shared and trained"))
        return stages

    def _train(self, stage: str, settings: Settings, keep: Callable[[], None] | None) -> None:
        path = self.out / f"{self.name}.{self.digest}.{stage}.checkpoint.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        if keep is not None:
            keep()
        training = ClassifierTraining(
            self.module,
            self.images,
            self.labels,
            self.preprocessing,
            settings,
            path,
            self.teacher,
            after_step=keep,
        )
        report = self.progress
        training.run(None if report is None else lambda _, done, total: report(stage, done, total))

    def _tuned(self, epochs: int, rate: float) -> Settings:
        return replace(self.recipe.dense, epochs=epochs, learning_rate=rate, warmup=0.0)

    def _sharing(self) -> Callable[[], None]:
        """Keeps weights that share a value together, at their mean."""
        codes = {}
        for (layer, weight), how in zip(
            self.weights.items(), self.recipe.storage.values(), strict=True
        ):
            kept = weight.detach() != 0
            codes[layer] = kept, fit_codebook(weight.detach()[kept], how.bits).codes

        @torch.no_grad()
        def keep() -> None:
            for layer, (kept, code) in codes.items():
                weight = self.weights[layer]
                count = int(code.max()) + 1
                sums = torch.zeros(count).index_add_(0, code, weight[kept])
                means = sums / torch.bincount(code, minlength=count).clamp(min=1)
                shared = torch.zeros_like(weight)
                shared[kept] = means[code]
                weight.copy_(shared)

        return keep

    def _stored(self, name: str) -> Stage:
        """The network as it would be stored now: decoded from its bytes and judged."""
        state = {key: value.clone() for key, value in self.module.state_dict().items()}
        compressed = compress(state, self.recipe.storage, self._facts())
        decoded = unpack(compressed.data).tensors
        self.module.load_state_dict({key: torch.from_numpy(decoded[key]) for key in state})
        stage = Stage(name, self._accuracy(), compressed)
        self.module.load_state_dict(state)
        return stage

    def _facts(self) -> dict[str, str]:
        """What a user of the weights must know."""
        return {
            "network": self.name,
            "resolution": str(self.preprocessing.resolution),
            "input_mean": ",".join(map(str, self.preprocessing.mean)),
            "input_std": ",".join(map(str, self.preprocessing.std)),
        }

    def _accuracy(self) -> float:
        return accuracy(self.module, *self.test, self.preprocessing, self.preprocessing.resolution)


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _masking(weights: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> Callable[[], None]:
    @torch.no_grad()
    def keep() -> None:
        for layer, weight in weights.items():
            weight.mul_(masks[layer])

    return keep
