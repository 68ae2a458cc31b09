"""A compressed network in a file: what Deep Compression's ratios are counted on.

magic "HWNZ", version (1 byte), length of the header (4 bytes, little endian)
header: JSON, one entry a tensor: name, shape, kind, bytes; and metadata
the tensors' bytes, one after another
CRC-32 of all that comes before (4 bytes)
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.compression.coding.layers import Reader, Sizes, decode_layer, encode_layer
from hwenvs.errors import ArgumentError, CodingError
from hwenvs.files import replacing

MAGIC = b"HWNZ"
VERSION = 1
MOST_ENTRIES = 2**31
"""Largest tensor that a header may announce."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Archive:
    """Tensors of a network and what is known about them.

    Attributes:
        tensors: float32 arrays by name.
        metadata: JSON-able facts.
    """

    tensors: Mapping[str, Floats]
    metadata: Mapping[str, Any]


def pack(archive: Archive, index_bits: Mapping[str, int]) -> tuple[bytes, dict[str, Sizes]]:
    """The bytes of a file, and where those of the coded tensors go.

    Args:
        archive: what to store.
        index_bits: bits of a relative index, for the tensors that are stored coded; the others
            are stored as they are.

    Raises:
        ArgumentError: if a coded tensor does not exist or has too many different values.
    """
    unknown = index_bits.keys() - archive.tensors.keys()
    if unknown:
        raise ArgumentError(f"no tensors {sorted(unknown)} to code; known: {[*archive.tensors]}")
    entries, parts, sizes = [], [], {}
    for name, tensor in archive.tensors.items():
        if name in index_bits:
            try:
                data, sizes[name] = encode_layer(tensor, index_bits[name])
            except ArgumentError as error:
                raise ArgumentError(f"{name}: {error}") from error
        else:
            data = np.ascontiguousarray(tensor, dtype="<f4").tobytes()
        kind = "coded" if name in index_bits else "plain"
        entries.append({"name": name, "shape": [*tensor.shape], "kind": kind, "bytes": len(data)})
        parts.append(data)
    header = {"tensors": entries, "metadata": dict(archive.metadata)}
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    body = MAGIC + struct.pack("<BI", VERSION, len(text)) + text + b"".join(parts)
    return body + struct.pack("<I", zlib.crc32(body)), sizes


def unpack(data: bytes) -> Archive:
    """What :func:`pack` was given, bit for bit.

    Raises:
        CodingError: if the bytes are not a compressed network, or damaged.
    """
    if data[:4] != MAGIC:
        raise CodingError("not a compressed network: it does not begin with 'HWNZ'")
    if len(data) < 13 or zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
        raise CodingError("damaged or cut off: the checksum does not fit")
    reader = Reader(data[4:-4])
    version, length = struct.unpack("<BI", reader.take(5))
    if version != VERSION:
        raise CodingError(f"written in version {version}; this program reads {VERSION}")
    try:
        header = json.loads(reader.take(length))
        tensors = {
            entry["name"]: _tensor(reader, entry["shape"], entry["kind"], entry["bytes"])
            for entry in header["tensors"]
        }
        metadata = dict(header["metadata"].items())
    except CodingError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CodingError(f"the header cannot be read: {error}") from error
    reader.finish()
    return Archive(tensors, metadata)


def write_archive(
    path: Path, archive: Archive, index_bits: Mapping[str, int]
) -> tuple[int, dict[str, Sizes]]:
    """Writes the file in one step; returns its bytes, see :func:`pack`."""
    data, sizes = pack(archive, index_bits)
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return len(data), sizes


def read_archive(path: Path) -> Archive:
    """Reads a file of :func:`write_archive`.

    Raises:
        CodingError: if it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CodingError(f"cannot read {path}: {error}") from error
    try:
        return unpack(data)
    except CodingError as error:
        raise CodingError(f"{path}: {error}") from error


def _tensor(reader: Reader, shape: Any, kind: str, count: int) -> Floats:
    whole = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
    if not whole or type(count) is not int or count < 0 or prod(shape) > MOST_ENTRIES:
        raise CodingError(f"a tensor of shape {shape} and {count} bytes makes no sense")
    data = reader.take(count)
    if kind == "coded":
        return decode_layer(data, tuple(shape))
    if kind != "plain" or count != 4 * prod(shape):
        raise CodingError(f"a tensor of kind {kind!r} cannot have {count} bytes")
    return np.frombuffer(data, dtype="<f4").reshape(shape).copy()
