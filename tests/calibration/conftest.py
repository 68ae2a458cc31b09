"""A data folder in the expected layout with made-up images, and weights that fit them."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch

from hwenvs.networks import get_network
from hwenvs.networks.modules import TableModule


def write_split(folder: Path, split: str, rows: int, seed: int, column: str = "img") -> None:
    """Writes ``rows`` images of 32 x 32 noise over a colour that depends on the label."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, rows)
    structs = []
    for label in labels:
        pixels = random.integers(0, 120, (32, 32, 3)) + 12 * label
        buffer = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
        structs.append({"bytes": buffer.getvalue(), "path": None})
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.table({column: structs, "label": labels})
    pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny cifar10 and random resnet20 weights."""
    from safetensors.torch import save_file

    root = tmp_path_factory.mktemp("data")
    write_split(root / "cifar10", "test", 60, 1)
    write_split(root / "cifar10", "train", 40, 2)
    torch.manual_seed(0)
    state = TableModule(get_network("resnet20")).state_dict()
    (root / "weights").mkdir()
    metadata = {"input_mean": "0.5,0.5,0.5", "input_std": "0.25,0.25,0.25", "resolution": "32"}
    save_file(dict(state), root / "weights" / "resnet20_cifar10.safetensors", metadata)
    return root
