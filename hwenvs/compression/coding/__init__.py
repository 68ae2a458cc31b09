"""Compressed networks as bytes: relative indexes, codebooks and Huffman codes, in numpy."""

from hwenvs.compression.coding.archive import Archive, pack, read_archive, unpack, write_archive
from hwenvs.compression.coding.huffman import HuffmanCode
from hwenvs.compression.coding.layers import Sizes, decode_layer, encode_layer

__all__ = [
    "Archive",
    "HuffmanCode",
    "Sizes",
    "decode_layer",
    "encode_layer",
    "pack",
    "read_archive",
    "unpack",
    "write_archive",
]
