"""Reading real images, and the errors of a data folder that is not what it should be."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch

from hwenvs.calibration.bench import find_weights, open_bench
from hwenvs.calibration.images import (
    Preprocessing,
    data_folder,
    decode,
    find_dataset,
    load_images,
)
from hwenvs.compression.recipe import Recipe
from hwenvs.errors import DataError

PLAIN = Preprocessing(32, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_rows_come_in_the_order_asked_for(small_data: Path) -> None:
    images, labels = load_images(small_data / "cifar10", "test", [5, 2], PLAIN)
    single, label = load_images(small_data / "cifar10", "test", [2], PLAIN)
    assert images.shape == (2, 3, 32, 32)
    assert torch.equal(images[1:], single)
    assert labels[1] == label[0]
    assert 0 <= images.min() <= images.max() <= 1


def encoded(pixels: np.ndarray) -> bytes:
    """Pixels ``[H, W]`` or ``[H, W, 3]`` as a PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_images_are_cropped_in_the_centre_and_normalised(small_data: Path) -> None:
    whole, _ = load_images(small_data / "cifar10", "test", [0], PLAIN)
    wanted = Preprocessing(28, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    cropped, _ = load_images(small_data / "cifar10", "test", [0], wanted)
    torch.testing.assert_close(cropped, (whole[:, :, 2:30, 2:30] - 0.5) / 0.25)


@pytest.mark.parametrize(
    ("side", "resolution", "channels"),
    [(8, 8, 1), (28, 28, 1), (32, 32, 3), (36, 32, 3), (9, 8, 1), (224, 224, 3), (256, 224, 3)],
)
def test_images_up_to_a_seventh_larger_than_wanted_are_not_resampled(
    side: int, resolution: int, channels: int
) -> None:
    shape = (side, side) if channels == 1 else (side, side, channels)
    pixels = np.random.default_rng(side).integers(0, 256, shape, dtype=np.uint8)
    first = (side - resolution) // 2
    centre = pixels[first : first + resolution, first : first + resolution]
    assert np.array_equal(
        decode(encoded(pixels), resolution, channels),
        centre.reshape(resolution, resolution, channels),
    )


@pytest.mark.parametrize("resolution", [8, 32, 96, 224])
def test_large_images_are_shrunk_for_small_networks_too(resolution: int) -> None:
    photograph = np.full((400, 500, 3), 255, np.uint8)
    photograph[184:216, 234:266] = 0  # 32 x 32 pixels in the centre
    seen = decode(encoded(photograph), resolution, 3)
    assert seen.shape == (resolution, resolution, 3)
    share = (255 - seen.astype(float)).sum() / 255 / seen.size
    assert share == pytest.approx(32**2 / 350**2, rel=0.3)  # of the middle 350 of 400 pixels


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_images_of_16_bits_are_scaled_to_8(channels: int) -> None:
    ramp = np.linspace(0, 65_535, 32 * 32).round().astype(np.uint16).reshape(32, 32)
    for resolution in (None, 32):
        seen = decode(encoded(ramp), resolution, channels)
        assert seen.dtype == np.uint8
        assert (seen == np.rint(ramp / 257)[..., None]).all()


def test_images_that_are_too_small_are_enlarged(small_data: Path) -> None:
    small, _ = load_images(small_data / "cifar10", "test", [0], PLAIN)
    large, _ = load_images(
        small_data / "cifar10", "test", [0], Preprocessing(64, PLAIN.mean, PLAIN.std)
    )
    assert large.shape == (1, 3, 64, 64)
    pooled = torch.nn.functional.avg_pool2d(large, 2)
    assert torch.corrcoef(torch.stack([pooled.flatten(), small.flatten()]))[0, 1] > 0.9


@pytest.mark.parametrize(
    ("split", "rows", "preprocessing", "message"),
    [
        ("valid", [0], PLAIN, r"has no valid-\*\.parquet file"),
        ("test", [60], PLAIN, "has 60 rows, row 60 was asked for"),
    ],
)
def test_what_is_missing_is_named(
    small_data: Path, split: str, rows: list[int], preprocessing: Preprocessing, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_images(small_data / "cifar10", split, rows, preprocessing)


def test_class_folders_are_read_like_imagefolder_does(tmp_path: Path) -> None:
    from PIL import Image

    for index, name in enumerate(("n02", "n01", "n03")):
        folder = tmp_path / "val" / name
        folder.mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (40, 32), (80 * index, 0, 0)).save(folder / f"{number}.png")
    (tmp_path / "val" / "readme.txt").write_text("not a class")
    images, labels = load_images(tmp_path, "val", range(9), PLAIN)
    assert images.shape == (9, 3, 32, 32)
    assert sorted(labels.tolist()) == [0] * 3 + [1] * 3 + [2] * 3
    assert labels.tolist() != sorted(labels.tolist())  # a prefix is a random subset
    # Sorted names make the labels: n01, written second, is class 0.
    reds = images[:, 0, 0, 0]
    for label, red in ((0, 80), (1, 0), (2, 160)):
        assert torch.allclose(reds[labels == label], torch.tensor(red / 255))


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    with pytest.raises(DataError, match="holds no class folders"):
        load_images(tmp_path, "val", [0], PLAIN)


def test_large_images_are_shrunk_before_the_centre_is_taken(tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "val" / "class"
    folder.mkdir(parents=True)
    wide = Image.new("RGB", (1024, 512))
    wide.paste((255, 255, 255), (256, 0, 768, 512))
    wide.save(folder / "wide.png")
    images, _ = load_images(tmp_path, "val", [0], Preprocessing(224, PLAIN.mean, PLAIN.std))
    assert images.shape == (1, 3, 224, 224)
    assert images.min() > 0.99  # 224 of 256 pixels in the middle, which is white


@pytest.mark.parametrize("text", ["imagenet", "imagenet:", "a:b:c:d"])
def test_a_data_set_that_is_not_one_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="imagenet:val"):
        find_dataset("resnet50", text)


def test_a_data_set_may_have_one_split_or_two() -> None:
    assert find_dataset("resnet50", "imagenet:val") == ("imagenet", "val", "val")
    assert find_dataset("resnet50", "imagenet:val:train") == ("imagenet", "val", "train")
    assert find_dataset("resnet50") == ("cifar10", "test", "train")


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"pixels": [1]}), tmp_path / "test-0.parquet")
    with pytest.raises(DataError, match="needs columns 'label' and 'img' or 'image'"):
        load_images(tmp_path, "test", [0], PLAIN)


def test_without_a_data_folder_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HWENVS_DATA", raising=False)
    with pytest.raises(DataError, match="set HWENVS_DATA"):
        data_folder()


def test_a_data_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist"):
        data_folder(tmp_path / "nowhere")


def test_missing_weights_are_named(small_data: Path) -> None:
    with pytest.raises(DataError, match=r"has no mobilenet_v1_\*\.safetensors"):
        find_weights("mobilenet_v1", None, small_data)


def test_evaluating_on_calibration_rows_is_refused(small_data: Path) -> None:
    with pytest.raises(DataError, match="rows and evaluation rows overlap"):
        open_bench("mobilenet_v1", range(9), range(5, 20), Recipe(), small_data)
