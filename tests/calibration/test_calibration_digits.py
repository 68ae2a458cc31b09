"""The digits that come with scikit-learn, and the networks that are shipped for them."""

import numpy as np
import pytest

from hwenvs.calibration.bench import SHIPPED_WEIGHTS
from hwenvs.calibration.digits import SPLITS, load_digits
from hwenvs.calibration.images import Preprocessing, dataset_folder, load_pixels
from hwenvs.errors import DataError
from hwenvs.networks import get_network
from hwenvs.networks.modules import load_module, read_weights
from hwenvs.training.classifier import accuracy

NETWORKS = ("digits_lenet", "digits_mobilenet", "digits_resnet")


def test_the_splits_share_no_image_and_hold_all_of_them() -> None:
    pixels = [load_digits(split)[0] for split in SPLITS]
    assert [len(part) for part in pixels] == [1000, 797]
    assert np.concatenate(pixels).shape == (1797, 1, 8, 8)
    train, test = ({image.tobytes() for image in part} for part in pixels)
    assert not train & test


def test_an_unknown_split_is_named() -> None:
    with pytest.raises(DataError, match="digits has no split 'validation'; it has train, test"):
        load_digits("validation")


@pytest.mark.parametrize("name", NETWORKS)
def test_shipped_networks_reach_the_accuracy_in_their_files(name: str) -> None:
    path = SHIPPED_WEIGHTS / f"{name}_digits.safetensors"
    assert path.stat().st_size < 300_000
    state, metadata = read_weights(path)
    module = load_module(get_network(name), state)
    pixels, labels = load_pixels(dataset_folder("digits"), "test", None, 8, 1)
    found = accuracy(module, pixels, labels, Preprocessing.from_metadata(metadata, 8), 8)
    assert found == pytest.approx(float(metadata["test_accuracy"].split()[0]), abs=0.002)
    assert found > 0.98
