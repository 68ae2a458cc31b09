"""Reading real images, and the errors of a data folder that is not what it should be."""

from pathlib import Path

import pytest
import torch

from hwenvs.calibration.bench import find_weights, open_bench
from hwenvs.calibration.images import Preprocessing, data_folder, find_dataset, load_images
from hwenvs.compression.reference import Recipe
from hwenvs.errors import DataError

PLAIN = Preprocessing(32, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_rows_come_in_the_order_asked_for(small_data: Path) -> None:
    images, labels = load_images(small_data / "cifar10", "test", [5, 2], PLAIN)
    single, label = load_images(small_data / "cifar10", "test", [2], PLAIN)
    assert images.shape == (2, 3, 32, 32)
    assert torch.equal(images[1:], single)
    assert labels[1] == label[0]
    assert 0 <= images.min() <= images.max() <= 1


def test_images_are_cropped_in_the_centre_and_normalised(small_data: Path) -> None:
    whole, _ = load_images(small_data / "cifar10", "test", [0], PLAIN)
    wanted = Preprocessing(16, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    cropped, _ = load_images(small_data / "cifar10", "test", [0], wanted)
    torch.testing.assert_close(cropped, (whole[:, :, 8:24, 8:24] - 0.5) / 0.25)


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
