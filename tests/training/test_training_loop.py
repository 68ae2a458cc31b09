"""Training: what a run leaves, that it continues where it stopped, and what it refuses."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from hwenvs.calibration.images import Preprocessing
from hwenvs.compression.folding import fold
from hwenvs.errors import (
    ArgumentError,
    DataError,
    TrainingError,
    UnknownNameError,
    WeightsError,
)
from hwenvs.networks import get_network
from hwenvs.networks.modules import TableModule
from hwenvs.networks.resnet import resnet_cifar
from hwenvs.training.augmentation import augment, resize
from hwenvs.training.classifier import ClassifierTraining, accuracy
from hwenvs.training.settings import SUITED, Settings
from hwenvs.training.teacher import Teacher

PLAIN = Preprocessing(16, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
QUICK = Settings(epochs=2, resolution=16, batch_size=16, learning_rate=0.02, erase=0)


def patterns(count: int = 64) -> tuple[Tensor, Tensor]:
    """Bright and dark images with noise: two classes that any network can tell apart."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 2
    noise = torch.randint(60, (count, 3, 16, 16), generator=generator)
    return (noise + 130 * labels[:, None, None, None]).to(torch.uint8), labels


def training(folder: Path, settings: Settings = QUICK, **options: object) -> ClassifierTraining:
    torch.manual_seed(settings.seed)
    module = TableModule(resnet_cifar(8, classes=2, resolution=16))
    images, labels = patterns()
    path = folder / "run.pt"
    return ClassifierTraining(module, images, labels, PLAIN, settings, path, **options)  # type: ignore[arg-type]


def test_a_network_learns_to_tell_classes_apart(tmp_path: Path) -> None:
    run = training(tmp_path, Settings(epochs=4, resolution=16, batch_size=16, erase=0))
    run.run()
    images, labels = patterns()
    assert run.losses[-1] < run.losses[0]
    assert accuracy(run.module, images, labels, PLAIN, 16) > 0.9


def test_a_run_that_stopped_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole, first = training(tmp_path / "whole"), training(tmp_path / "parts")
    whole.run()
    first.run(until=1)
    second = training(tmp_path / "parts")
    assert second.epochs_done == 1
    second.run()
    assert second.losses == whole.losses
    for name, value in whole.module.state_dict().items():
        assert torch.equal(value, second.module.state_dict()[name]), name


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    training(tmp_path).run(until=1)
    other = Settings(**{**vars(QUICK), "learning_rate": 0.5})
    with pytest.raises(WeightsError, match="another learning_rate"):
        training(tmp_path, other)


def test_a_checkpoint_of_other_images_or_another_teacher_is_refused(tmp_path: Path) -> None:
    training(tmp_path).run(until=1)
    images, labels = patterns()
    module = TableModule(resnet_cifar(8, classes=2, resolution=16)).eval()
    other = {"teacher": Teacher(fold(module), PLAIN)}
    with pytest.raises(WeightsError, match="with other images or another teacher"):
        training(tmp_path, **other)
    with pytest.raises(WeightsError, match="with other images or another teacher"):
        ClassifierTraining(module, 255 - images, labels, PLAIN, QUICK, tmp_path / "run.pt")
    assert training(tmp_path).epochs_done == 1


def test_a_checkpoint_of_a_run_that_began_elsewhere_is_refused(tmp_path: Path) -> None:
    training(tmp_path, start="abc").run(until=1)
    for start in ("random", "abd"):
        with pytest.raises(WeightsError, match="with other starting weights"):
            training(tmp_path, start=start)
    state = torch.load(tmp_path / "run.pt", weights_only=True)
    assert state.pop("start") == "abc"
    torch.save(state, tmp_path / "run.pt")  # older ones do not tell, and are believed
    assert training(tmp_path, start="random").epochs_done == 1


def test_a_run_whose_loss_is_no_number_stops_and_keeps_its_last_good_epoch(tmp_path: Path) -> None:
    training(tmp_path).run(until=1)
    good = (tmp_path / "run.pt").read_bytes()
    run = training(tmp_path)
    with torch.no_grad():
        next(run.module.parameters()).fill_(torch.nan)
    with pytest.raises(
        TrainingError, match=r"the loss is .* in epoch 2; .*run\.pt stays at epoch 1"
    ):
        run.run()
    assert (tmp_path / "run.pt").read_bytes() == good
    assert (run.epochs_done, len(run.losses)) == (1, 1)


def test_weights_that_the_last_step_ruined_are_not_kept(tmp_path: Path) -> None:
    def ruin() -> None:
        steps.append(1)
        if len(steps) == 4:  # the last of the first epoch: no loss sees it
            list(run.module.parameters())[-1].data[0] = torch.inf

    steps: list[int] = []
    run = training(tmp_path, after_step=ruin)
    with pytest.raises(TrainingError, match=r"bias holds .* in epoch 1"):
        run.run()
    assert not list(tmp_path.iterdir())


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.pt").write_bytes(b"no checkpoint")
    with pytest.raises(WeightsError, match=r"cannot continue from .*run\.pt"):
        training(tmp_path)


def test_a_teacher_changes_what_is_learnt(tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = TableModule(resnet_cifar(8, classes=2, resolution=16)).eval()
    alone, taught = (
        training(tmp_path / "alone"),
        training(tmp_path / "taught", teacher=Teacher(fold(module), PLAIN)),
    )
    alone.run(until=1)
    taught.run(until=1)
    assert taught.losses != alone.losses


def test_progress_counts_every_step(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    training(tmp_path).run(lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == list(range(1, 9))
    assert {total for _, _, total in seen} == {8}


def test_images_that_do_not_fit_their_labels_are_refused(tmp_path: Path) -> None:
    images, labels = patterns()
    module = TableModule(resnet_cifar(8, classes=2, resolution=16))
    with pytest.raises(DataError, match="do not fit"):
        ClassifierTraining(module, images, labels[:-1], PLAIN, QUICK, tmp_path / "run.pt")


def test_an_lstm_learns_row_by_row_and_continues_where_it_stopped(tmp_path: Path) -> None:
    settings = Settings(4, 28, batch_size=16, learning_rate=0.3, **SUITED["mnist"])
    assert (settings.mirror, settings.erase) == (False, 0)
    images, labels = patterns()
    grey = resize(images[:, :1].float(), 28).to(torch.uint8)

    def run(folder: str) -> ClassifierTraining:
        torch.manual_seed(0)
        module = TableModule(get_network("lstm", classes=2, cells=8, projection=4))
        look = Preprocessing(28, (0.5,), (0.25,))
        return ClassifierTraining(module, grey, labels, look, settings, tmp_path / folder)

    whole, first = run("whole.pt"), run("parts.pt")
    whole.run()
    first.run(until=2)
    second = run("parts.pt")
    second.run()
    assert whole.losses[-1] < whole.losses[0]
    assert second.losses == whole.losses
    state = second.module.state_dict()
    assert all(torch.equal(one, state[k]) for k, one in whole.module.state_dict().items())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"epochs": 0}, ArgumentError, "epochs must be positive"),
        ({"precision": "float8"}, UnknownNameError, "float8"),
        ({"first_resolution": 64}, ArgumentError, "exceeds resolution 32"),
        ({"teacher_weight": 2.0}, ArgumentError, "0 to 1"),
        *(
            ({name: float("nan")}, ArgumentError, f"{name} .*, not nan")
            for name, value in vars(Settings()).items()
            if isinstance(value, float) or name == "clip_norm"
        ),
        ({"clip_norm": 0.0}, ArgumentError, "clip_norm must be positive"),
        ({"learning_rate": float("inf")}, ArgumentError, "learning_rate must be .* finite"),
        ({"momentum": 1.0}, ArgumentError, "momentum lies between 0 and 1"),
        ({"weight_decay": -1.0}, ArgumentError, "weight_decay must be 0 or more"),
        ({"first_resolution": 0}, ArgumentError, "first_resolution must be positive"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Settings(**change)  # type: ignore[arg-type]


def test_the_learning_rate_rises_and_falls_as_a_cosine() -> None:
    settings = Settings(epochs=10, warmup=2, learning_rate=1.0)
    rates = [settings.learning_rate_at(epoch) for epoch in (0, 1, 2, 6, 10)]
    assert rates == pytest.approx([0.005, 0.502, 1.0, 0.5, 0.0], abs=0.01)


def test_the_resolution_grows_in_steps_of_eight() -> None:
    settings = Settings(epochs=10, resolution=48, first_resolution=32, growth=0.6)
    sizes = [settings.resolution_at(epoch) for epoch in range(10)]
    assert sizes[0] == 32
    assert sizes[6:] == [48] * 4
    assert sizes == sorted(sizes)
    assert all(size % 8 == 0 for size in sizes)


def test_augmentation_shifts_mirrors_and_erases_the_same_pixels_for_the_same_seed() -> None:
    images = torch.rand(50, 3, 16, 16) + 0.1
    one = augment(images, torch.Generator().manual_seed(3))
    assert torch.equal(one, augment(images, torch.Generator().manual_seed(3)))
    assert not torch.equal(one, augment(images, torch.Generator().manual_seed(4)))
    assert one.shape == images.shape
    assert (one == 0).any()
    values = set(images.flatten().tolist()) | {0.0}
    assert set(one.flatten().tolist()) <= values


def test_augmentation_without_shift_or_hole_only_mirrors() -> None:
    images = torch.rand(40, 3, 8, 8)
    result = augment(images, torch.Generator().manual_seed(0), padding=0, erase=0)
    same = (result == images).flatten(1).all(1)
    mirrored = (result == images.flip(3)).flatten(1).all(1)
    assert (same | mirrored).all()
    assert same.any()
    assert mirrored.any()


def test_resizing_to_the_same_size_changes_nothing() -> None:
    images = torch.rand(2, 3, 8, 8)
    assert resize(images, 8) is images
    assert resize(images, 16).shape == (2, 3, 16, 16)
