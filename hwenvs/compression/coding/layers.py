"""A layer's weights as Deep Compression stores them: codebook, relative index, Huffman."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.compression.coding.huffman import BLOCK, LONGEST, HuffmanCode
from hwenvs.compression.coding.relative_index import from_gaps, to_gaps
from hwenvs.errors import ArgumentError, CodingError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

HEAD = struct.Struct("<BHI")
"""Bits of a gap, values of the codebook, stored values."""

MOST_VALUES = 2**12
"""Largest codebook."""


@dataclass(frozen=True)
class Sizes:
    """Where the bytes of a layer go.

    Attributes:
        codebook: shared values and code lengths.
        codes: which value, Huffman-coded.
        gaps: where, Huffman-coded.
    """

    codebook: int
    codes: int
    gaps: int


def encode_layer(weight: Floats, index_bits: int = 5) -> tuple[bytes, Sizes]:
    """The bytes of ``weight``, any shape, whose non-zero entries share a few values.

    Args:
        weight: float32; zeros are not stored.
        index_bits: bits of a relative index, 1 to 16.

    Raises:
        ArgumentError: if there are too many different values, or some are not numbers.
    """
    flat = np.ascontiguousarray(weight, dtype=np.float32).reshape(-1)
    if not np.isfinite(flat).all():
        raise ArgumentError("weights must be numbers")
    # Compared as bits, so that decoding gives back every bit.
    positions = np.flatnonzero(flat.view(np.uint32))
    book, codes = np.unique(flat[positions].view(np.uint32), return_inverse=True)
    if len(book) >= MOST_VALUES:
        raise ArgumentError(
            f"{len(book)} different weights; share at most {MOST_VALUES - 1} (a codebook)"
        )
    gaps, filler = to_gaps(positions, index_bits)
    symbols = np.zeros(len(gaps), dtype=np.int64)  # 0 is the filler
    symbols[~filler] = codes + 1
    parts = [HEAD.pack(index_bits, len(book), len(gaps)), book.astype("<u4").tobytes()]
    messages = []
    for message, alphabet in ((symbols, len(book) + 1), (gaps, 1 << index_bits)):
        code = HuffmanCode.of(np.bincount(message, minlength=alphabet))
        data, starts = code.encode(message)
        parts.append(_nibbles(code.lengths))
        messages.append(struct.pack("<I", len(data)) + starts.astype("<u4").tobytes() + data)
    sizes = Sizes(sum(map(len, parts)), len(messages[0]), len(messages[1]))
    return b"".join(parts + messages), sizes


def decode_layer(data: bytes, shape: tuple[int, ...]) -> Floats:
    """The weights of ``shape`` that :func:`encode_layer` was given, bit for bit.

    Raises:
        CodingError: if the bytes are not what it wrote.
    """
    reader = Reader(data)
    index_bits, values, count = HEAD.unpack(reader.take(HEAD.size))
    size = int(np.prod(shape))
    if not 1 <= index_bits <= 16 or values >= MOST_VALUES or count > size:
        raise CodingError("a layer's head makes no sense")
    book = np.frombuffer(reader.take(4 * values), dtype="<u4")
    codes = [
        HuffmanCode(_from_nibbles(reader.take((n + 1) // 2), n))
        for n in (values + 1, 1 << index_bits)
    ]
    messages = []
    for code in codes:
        (length,) = struct.unpack("<I", reader.take(4))
        starts = np.frombuffer(reader.take(4 * -(-count // BLOCK)), dtype="<u4").astype(np.int64)
        messages.append(code.decode(reader.take(length), count, starts))
    reader.finish()
    symbols, gaps = messages
    flat = np.zeros(size, dtype=np.uint32)
    flat[from_gaps(gaps, size)] = np.concatenate([[0], book])[symbols]
    weights: Floats = flat.view(np.float32).reshape(shape)
    return weights


class Reader:
    """Takes bytes off the front, and says so if there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        if self._at + count > len(self._data):
            raise CodingError("the data end too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def finish(self) -> None:
        """Raises a CodingError if something is left."""
        if self._at != len(self._data):
            raise CodingError(f"{len(self._data) - self._at} bytes too many")


def _nibbles(lengths: NDArray[np.uint8]) -> bytes:
    """Code lengths, 0 to 15, two a byte."""
    assert LONGEST < 16
    even = np.zeros(len(lengths) + len(lengths) % 2, dtype=np.uint8)
    even[: len(lengths)] = lengths
    return (even[::2] << 4 | even[1::2]).tobytes()


def _from_nibbles(data: bytes, count: int) -> NDArray[np.uint8]:
    pairs = np.frombuffer(data, dtype=np.uint8)
    return np.stack([pairs >> 4, pairs & 15], 1).reshape(-1)[:count]
