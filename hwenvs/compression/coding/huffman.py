"""Huffman codes: canonical, of limited length, and decoded many blocks at a time.

A message is written in blocks of :data:`BLOCK` symbols whose first bits are listed, so that a
decoder can follow all blocks side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import CodingError

LONGEST = 15
"""Longest code word in bits; the decoder looks up this many at once."""

BLOCK = 4096
"""Symbols in a block."""

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class HuffmanCode:
    """A canonical prefix code: code words follow from their lengths.

    Attributes:
        lengths: bits of each symbol's code word, 0 for symbols that do not occur, ``[symbols]``.
    """

    lengths: Bytes

    @classmethod
    def of(cls, counts: NDArray[np.integer[Any]]) -> HuffmanCode:
        """The code of least total length for symbols that occur ``counts`` times.

        Lengths are limited to :data:`LONGEST` by package-merge (Larmore and Hirschberg, 1990).

        Raises:
            CodingError: if more symbols occur than code words of that length can tell apart.
        """
        used = np.flatnonzero(counts)
        lengths = np.zeros(len(counts), dtype=np.uint8)
        if len(used) > 2**LONGEST:
            raise CodingError(f"{len(used)} symbols are too many for codes of {LONGEST} bits")
        if len(used) <= 1:
            lengths[used] = 1
            return cls(lengths)
        order = used[np.argsort(counts[used], kind="stable")]
        single = [(int(counts[s]), (i,)) for i, s in enumerate(order)]
        level: list[tuple[int, tuple[int, ...]]] = []
        for _ in range(LONGEST):
            pairs = [
                (one[0] + other[0], one[1] + other[1])
                for one, other in zip(level[::2], level[1::2], strict=False)
            ]
            level = sorted(single + pairs, key=lambda coin: coin[0])
        for _, members in level[: 2 * len(used) - 2]:
            np.add.at(lengths, order[list(members)], 1)
        return cls(lengths)

    @property
    def words(self) -> Ints:
        """Code words, ``[symbols]``: numbers of ``lengths`` bits, in order of length and symbol."""
        words = np.zeros(len(self.lengths), dtype=np.int64)
        word, previous = 0, 0
        for symbol in np.lexsort((np.arange(len(self.lengths)), self.lengths)):
            length = int(self.lengths[symbol])
            if length:
                word <<= length - previous
                words[symbol], previous = word, length
                word += 1
        return words

    def check(self) -> None:
        """Raises a CodingError unless the lengths are those of a complete prefix code."""
        used = self.lengths[self.lengths > 0].astype(np.int64)
        if (used > LONGEST).any():
            raise CodingError(f"code words have at most {LONGEST} bits, not {used.max()}")
        filled = int((1 << (LONGEST - used)).sum())
        if len(used) > 1 and filled != 1 << LONGEST:
            raise CodingError("the lengths are not those of a prefix code")

    def encode(self, symbols: Ints) -> tuple[bytes, Ints]:
        """The message as bytes, and the first bit of every block.

        Args:
            symbols: ``[n]``, each with a code word.
        """
        lengths = self.lengths[symbols].astype(np.int64)
        ends = lengths.cumsum()
        starts = ends - lengths
        words = self.words[symbols]
        bits = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
        for place in range(int(lengths.max(initial=0))):
            long = lengths > place
            shift = lengths[long] - 1 - place
            bits[starts[long] + place] = (words[long] >> shift) & 1
        return np.packbits(bits).tobytes(), starts[::BLOCK]

    def decode(self, data: bytes, count: int, starts: Ints) -> Ints:
        """The ``count`` symbols of a message.

        Args:
            data: the bytes of :meth:`encode`.
            count: how many symbols.
            starts: the first bit of every block.

        Raises:
            CodingError: if the data end too early, hold no code word or blocks do not meet.
        """
        self.check()
        blocks = -(-count // BLOCK)
        if len(starts) != blocks:
            raise CodingError(f"{count} symbols need {blocks} blocks, not {len(starts)}")
        symbol_of, length_of = self._table()
        last = 8 * len(data)
        padded = np.frombuffer(data + bytes(4), dtype=np.uint8).astype(np.int64)
        out = np.zeros((blocks, BLOCK), dtype=np.int64)
        at = starts.astype(np.int64).copy()
        if ((at < 0) | (at > last)).any():
            raise CodingError("a block begins outside of the data")
        left = np.minimum(count - BLOCK * np.arange(blocks), BLOCK)
        for step in range(min(count, BLOCK)):
            live = np.flatnonzero(left > step)
            here = at[live]
            byte = here >> 3
            window = (padded[byte] << 16) | (padded[byte + 1] << 8) | padded[byte + 2]
            key = (window >> (24 - LONGEST - (here & 7))) & ((1 << LONGEST) - 1)
            out[live, step] = symbol_of[key]
            here = here + length_of[key]
            if (length_of[key] == 0).any() or (here > last).any():
                raise CodingError("the data end in the middle of a message")
            at[live] = here
        if (at[:-1] != starts[1:]).any():
            raise CodingError("blocks do not meet")
        return out.reshape(-1)[:count]

    def _table(self) -> tuple[Ints, Ints]:
        """Symbol and length for everything that the next LONGEST bits can be."""
        symbol_of = np.zeros(1 << LONGEST, dtype=np.int64)
        length_of = np.zeros(1 << LONGEST, dtype=np.int64)
        for symbol, (word, length) in enumerate(zip(self.words, self.lengths, strict=True)):
            if length:
                free = LONGEST - int(length)
                span = slice(int(word) << free, (int(word) + 1) << free)
                symbol_of[span], length_of[span] = symbol, length
        return symbol_of, length_of
