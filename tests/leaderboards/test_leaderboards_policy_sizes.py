"""What a policy costs its verifier is bounded, and its file holds nothing but the policy."""

from __future__ import annotations

import io
import struct
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.errors import EntryError
from hwenvs.leaderboards.entries import POLICY
from hwenvs.leaderboards.perceptron import MOST_NUMBERS, MOST_UNITS, Policy
from hwenvs.leaderboards.policies import read_policy, write_policy

HIDDEN = b"something else " * 3_000
DIRECTORY, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def layers(*sizes: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Weights and biases of zeros, from the features on."""
    return tuple(np.zeros((o, i)) for i, o in pairwise(sizes)), tuple(map(np.zeros, sizes[1:]))


def saved(*sizes: int, dtype: str = "f4", order: Any = "C") -> bytes:
    """What ``np.savez`` writes of :func:`layers`."""
    file = io.BytesIO()
    numbers = {
        f"{kind}_{number}": array.astype(dtype, order=order)
        for kind, arrays in zip(("weight", "bias"), layers(*sizes), strict=True)
        for number, array in enumerate(arrays)
    }
    np.savez(file, activation=np.array("tanh"), output=np.array("tanh"), **numbers)
    return file.getvalue()


def rewritten(**changed: bytes) -> bytes:
    """An honest file whose members have other attributes of ``ZipInfo``."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(3, 2, 1))) as honest, zipfile.ZipFile(file, "w") as other:
        for member in honest.infolist():
            content = honest.read(member)
            for name, value in changed.items():
                setattr(member, name, value)
            other.writestr(member, content)
    return file.getvalue()


def added(field: bytes) -> bytes:
    """With another extra field before the bytes of the last array, unknown to the directory."""
    content = saved(3, 2, 1)
    last, directory = content.rindex(LOCAL), content.index(DIRECTORY)
    name, there = struct.unpack_from("<2H", content, last + 26)
    start = last + 30 + name
    grown = b"".join(
        [
            content[: last + 28],
            struct.pack("<H", len(field)),
            content[last + 30 : start],
            field,
            content[start + there : directory],
        ]
    )
    end = bytearray(content[-22:])
    struct.pack_into("<I", end, 16, len(grown))
    return grown + content[directory:-22] + bytes(end)


def named(tail: bytes) -> bytes:
    """With ``tail`` behind the name of the last array, in both places where it stands."""
    content = saved(3, 2, 1)
    name = b"bias_1.npy"
    assert content.count(name) == 2
    parts = content.split(name)
    joined = (name + tail).join(parts)
    lengths = struct.pack("<H", len(name)), struct.pack("<H", len(name + tail))
    changed = bytearray(joined)
    last, directory = joined.rindex(LOCAL), joined.index(DIRECTORY)
    for place in (last + 26, joined.rindex(DIRECTORY) + 28):
        assert changed[place : place + 2] == lengths[0]
        changed[place : place + 2] = lengths[1]
    size = len(joined) - 22 - directory
    struct.pack_into("<2I", changed, len(changed) - 10, size, directory)
    return bytes(changed)


def spaced(spaces: int) -> bytes:
    """With a header of the last array that is filled up so."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }" + b" " * spaces + b"\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(4)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(3, 2, 1))) as honest, zipfile.ZipFile(file, "w") as other:
        for member in honest.namelist():
            other.writestr(member, array if member == "bias_1.npy" else honest.read(member))
    return file.getvalue()


def read(content: bytes, folder: Path) -> Policy:
    (folder / POLICY).write_bytes(content)
    return read_policy(folder / POLICY)


SIZES = struct.pack("<2H2Q", 1, 16, 132, 132)
"""Of the last array of these tests: 128 bytes of header and one number."""

OPEN = {
    "an extra field before an array": (added(HIDDEN), "bias_1.npy: has an extra field of 45,000"),
    "sizes and more": (added(SIZES + b"more"), "bias_1.npy: has an extra field of 24 bytes"),
    "other sizes": (added(SIZES[:-8] + b"8letters"), "bias_1.npy: has an extra field of 20 bytes"),
    "extra fields everywhere": (
        rewritten(extra=struct.pack("<2H", 0x4141, 40) + HIDDEN[:40]),
        "activation.npy: has a comment or an extra field",
    ),
    "comments": (rewritten(comment=HIDDEN[:100]), "activation.npy: has a comment"),
    "a name that goes on": (named(b"\0" + HIDDEN[:50]), "bias_1.npy: no array of a policy"),
    "many spaces": (spaced(5_000), "bias_1: must be a plain array"),
    "one space too many": (spaced(65), "bias_1: must be a plain array"),
}


@pytest.mark.parametrize("what", OPEN)
def test_bytes_that_belong_to_no_array_are_refused(what: str, tmp_path: Path) -> None:
    content, message = OPEN[what]
    with pytest.raises(EntryError, match=message):
        read(content, tmp_path)


@pytest.mark.parametrize(
    "content", [added(b""), added(SIZES), rewritten(), named(b""), spaced(0), spaced(64)]
)
def test_the_files_of_these_tests_are_sound_without_what_is_hidden(
    content: bytes, tmp_path: Path
) -> None:
    assert len(read(content, tmp_path).weights) == 2


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("sizes", [(1, 1), (9, 10, 100, 1), (47, MOST_UNITS, 1)], ids=str)
def test_what_numpy_writes_is_read(
    sizes: tuple[int, ...], order: str, dtype: str, tmp_path: Path
) -> None:
    found = read(saved(*sizes, dtype=dtype, order=order), tmp_path)
    assert [weight.shape[::-1] for weight in found.weights] == list(pairwise(sizes))


def test_a_small_file_of_a_very_wide_layer_is_refused(tmp_path: Path) -> None:
    """Each unit of it would take memory and time for every task of the suite."""
    content = saved(1, 1, MOST_UNITS + 1, 1)
    assert len(content) < 64 << 10
    with pytest.raises(EntryError, match="weight_1: 4,097 units; at most 4,096 a layer"):
        read(content, tmp_path)


def test_layers_that_are_wide_and_many_are_refused() -> None:
    with pytest.raises(EntryError, match="at most 4,000,000 numbers, not 8,"):
        Policy(*layers(47, 2_000, 2_000, 2_000, 1), "tanh", "tanh")


def test_the_most_numbers_fit_in_a_file(tmp_path: Path) -> None:
    weights, biases = layers(1, 1_000, MOST_NUMBERS // 1_002 - 2, 1)
    write_policy(Policy(weights, biases, "tanh", "tanh"), tmp_path / POLICY)
    assert read_policy(tmp_path / POLICY).weights[1].size > 0.99 * MOST_NUMBERS
