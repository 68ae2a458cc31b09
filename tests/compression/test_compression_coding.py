"""Compressed networks as bytes: what goes in comes out, and damage is told."""

from __future__ import annotations

import heapq
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwenvs.compression.coding import (
    Archive,
    HuffmanCode,
    decode_layer,
    encode_layer,
    pack,
    read_archive,
    unpack,
    write_archive,
)
from hwenvs.compression.coding.huffman import BLOCK, LONGEST
from hwenvs.compression.coding.relative_index import from_gaps, to_gaps
from hwenvs.errors import ArgumentError, CodingError


def sparse(seed: int, shape: tuple[int, ...], density: float, values: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    book = random.normal(size=values).astype(np.float32)
    weight = book[random.integers(0, values, shape)]
    weight[random.random(shape) >= density] = 0.0
    return weight


def huffman_bits(counts: np.ndarray) -> int:
    """Total length of an ordinary Huffman code, by merging the two rarest."""
    heap = [int(count) for count in counts if count]
    heapq.heapify(heap)
    total = heap[0] if len(heap) == 1 else 0
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        total += both
        heapq.heappush(heap, both)
    return total


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=300))
def test_codes_are_as_short_as_huffmans(counts: list[int]) -> None:
    array = np.array(counts)
    code = HuffmanCode.of(array)
    code.check()
    assert (code.lengths.astype(int) * array).sum() == huffman_bits(array)


def test_rare_symbols_get_words_of_limited_length() -> None:
    fibonacci = [1, 1]
    while len(fibonacci) < 40:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    code = HuffmanCode.of(np.array(fibonacci))
    assert code.lengths.max() == LONGEST
    code.check()


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 7, BLOCK, BLOCK + 1, 3 * BLOCK - 5]))
@settings(max_examples=30, deadline=None)
def test_messages_of_any_length_come_back(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    symbols = random.geometric(random.uniform(0.05, 0.9), count).clip(max=64) - 1
    code = HuffmanCode.of(np.bincount(symbols, minlength=64))
    data, starts = code.encode(symbols)
    np.testing.assert_array_equal(code.decode(data, count, starts), symbols)


@given(st.sets(st.integers(0, 3000)), st.integers(1, 8))
def test_gaps_lead_back_to_the_places(places: set[int], bits: int) -> None:
    positions = np.array(sorted(places), dtype=np.int64)
    gaps, filler = to_gaps(positions, bits)
    assert gaps.max(initial=0) < 2**bits
    found = from_gaps(gaps, 3001)
    np.testing.assert_array_equal(found[~filler], positions)
    assert (gaps[filler] == 2**bits - 1).all()


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 20), min_size=1, max_size=4),
    st.floats(0, 1),
    st.integers(1, 64),
    st.integers(1, 8),
)
def test_layers_come_back_bit_for_bit(
    seed: int, shape: list[int], density: float, values: int, bits: int
) -> None:
    weight = sparse(seed, tuple(shape), density, values)
    data, sizes = encode_layer(weight, bits)
    assert len(data) == sizes.codebook + sizes.codes + sizes.gaps
    decoded = decode_layer(data, weight.shape)
    np.testing.assert_array_equal(decoded.view(np.uint32), weight.view(np.uint32))


def test_a_negative_zero_is_a_value_too() -> None:
    weight = np.array([0.0, -0.0, 1.5], dtype=np.float32)
    decoded = decode_layer(encode_layer(weight)[0], (3,))
    assert np.signbit(decoded).tolist() == [False, True, False]


def test_sizes_come_close_to_the_entropy() -> None:
    weight = sparse(0, (300, 784), 0.08, 32)
    data, _ = encode_layer(weight, 5)
    kept = np.count_nonzero(weight)
    where = 300 * 784 * -(0.08 * np.log2(0.08) + 0.92 * np.log2(0.92))
    assert len(data) * 8 < 1.05 * (5 * kept + where) + 1500


@pytest.fixture
def archive() -> Archive:
    tensors = {"fc.weight": sparse(1, (40, 60), 0.1, 15), "fc.bias": np.ones(40, np.float32)}
    return Archive(tensors, {"network": "lenet5"})


def test_a_file_is_as_long_as_claimed_and_comes_back(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "some.hwnz"
    count, sizes = write_archive(path, archive, {"fc.weight": 4})
    assert path.stat().st_size == count
    assert set(sizes) == {"fc.weight"}
    back = read_archive(path)
    assert back.metadata == {"network": "lenet5"}
    for name, tensor in archive.tensors.items():
        np.testing.assert_array_equal(back.tensors[name], tensor)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_is_told(data: st.DataObject) -> None:
    tensors = {"a": sparse(1, (9, 30), 0.2, 5), "b": np.ones(3, np.float32)}
    good, _ = pack(Archive(tensors, {}), {"a": 3})
    if data.draw(st.booleans()):
        bad = good[: data.draw(st.integers(0, len(good) - 1))]
    else:
        at, bit = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 7))
        bad = good[:at] + bytes([good[at] ^ (1 << bit)]) + good[at + 1 :]
    with pytest.raises(CodingError):
        unpack(bad)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damage_behind_a_right_checksum_never_crashes(data: st.DataObject) -> None:
    good, _ = pack(Archive({"a": sparse(1, (9, 30), 0.2, 5)}, {}), {"a": 3})
    body = bytearray(good[:-4])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        unpack(bytes(body) + struct.pack("<I", zlib.crc32(body)))
    except CodingError:
        return


@given(st.binary(max_size=400))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(CodingError):
        unpack(noise)


def test_a_header_that_lies_is_refused() -> None:
    def with_header(metadata: object = None, **changes: object) -> bytes:
        entry = {"name": "a", "shape": [2], "kind": "plain", "bytes": 8, **changes}
        text = json.dumps({"tensors": [entry], "metadata": metadata or {}}).encode()
        body = b"HWNZ" + struct.pack("<BI", 1, len(text)) + text + bytes(8)
        return body + struct.pack("<I", zlib.crc32(body))

    assert unpack(with_header()).tensors["a"].tolist() == [0.0, 0.0]
    for changes in (
        {"shape": [10**12]},
        {"shape": [2**32, 2**32]},
        {"shape": [1] * 70 + [2]},
        {"shape": "2"},
        {"shape": [-2]},
        {"bytes": 9},
        {"bytes": -1},
        {"kind": "zipped"},
        {"kind": "coded"},
        {"shape": [3]},
        {"metadata": ["ab"]},
    ):
        with pytest.raises(CodingError):
            unpack(with_header(**changes))


def test_what_cannot_be_coded_is_named(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"fc\.wight"):
        pack(archive, {"fc.wight": 4})
    many = np.arange(5000, dtype=np.float32)
    with pytest.raises(ArgumentError, match="a: 4999 different weights"):
        pack(Archive({"a": many}, {}), {"a": 4})
    with pytest.raises(ArgumentError, match="numbers"):
        encode_layer(np.array([np.nan], np.float32))
    with pytest.raises(ArgumentError, match="1 to 16 bits"):
        encode_layer(np.ones(2, np.float32), 17)
    with pytest.raises(CodingError, match=r"cannot read .*none\.hwnz"):
        read_archive(tmp_path / "none.hwnz")
