"""Reading arrays from strangers: an ``.npz`` of plain numbers, refused with the place of the fault.

NumPy's own reader would do as it is told by the file: allocate what a header claims, unpack what a
directory claims.  Here nothing is believed: members are stored and not packed, as ``np.savez``
writes them, so that none can be larger than the file; a header must be one of the few that
``np.save`` writes for plain arrays; and the numbers that follow must be as many as it says.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import EntryError
from hwenvs.leaderboards.reading import clipped

Arrays = dict[str, NDArray[Any]]

UNSOUND = (
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)
"""What a damaged zip file may raise."""

END = struct.Struct("<4s4H2LH")
"""The end of a zip file: signature, disks, entries (twice), bytes and place of the directory."""

LOCAL = struct.Struct("<26x2H")
"""What stands before a member's bytes, up to the lengths of its name and of what is added."""

LOCATOR = 20
"""Bytes before the end where a larger directory would be announced."""

ZIP64 = struct.Struct("<2H2Q")
"""What ``np.savez`` adds before a member's bytes: a kind, the bytes that follow, and its two sizes.
Nothing else may be added, there or in the directory: readers skip it, so it could be anything."""

BYTES_A_MEMBER = 256
"""Most bytes of the directory that a member takes."""

MAGIC = b"\x93NUMPY\x01\x00"

HEADER = re.compile(
    rb"\{'descr': '(<f4|<f8|<U[1-9][0-9]?)', 'fortran_order': (False|True), "
    rb"'shape': \(((?:[1-9][0-9]{0,7}(?:, |,)?){0,2})\), \} {0,64}\n"
)
"""What ``np.save`` writes before float32, float64 or short text of at most two dimensions; spaces
fill it up to 128 bytes."""


def read_arrays(path: Path, most: int, names: Collection[str]) -> Arrays:
    """All arrays of an ``.npz`` file.

    Args:
        path: the file.
        most: bytes that it may have, and its arrays together.
        names: that arrays may have; others are refused, and so are those that stand twice.

    Raises:
        EntryError: if the file is damaged or holds anything else; says which member.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= most else None
    except OSError as error:
        raise EntryError(f"{path} cannot be read: {error}") from error
    if content is None:
        raise EntryError(f"{path} has more than {most:,} bytes")
    _check_end(content, len(names), path)
    found: Arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_directory(members, most, names, path)
            for member in members:
                name = member.filename.removesuffix(".npy")
                found[name] = _array(archive.read(member), f"{path}, {name}")
        # Last, so that a member with a wrong size is told by its name.
        _check_places(content, members, path)
    except EntryError:
        raise
    except UNSOUND as error:
        raise EntryError(f"{path}: is no sound zip file: {clipped(error)}") from error
    return found


def _check_end(content: bytes, members: int, path: Path) -> None:
    """Bounds the directory before a reader of zip files makes objects of all that is in it."""
    if len(content) < END.size:
        raise EntryError(f"{path}: is no zip file")
    signature, _, _, _, entries, size, _, comment = END.unpack(content[-END.size :])
    if signature != b"PK\x05\x06" or comment:
        raise EntryError(f"{path}: is no zip file, or something follows its end")
    locator = content[-END.size - LOCATOR :][:4]
    if entries > members or size > members * BYTES_A_MEMBER or locator == b"PK\x06\x07":
        raise EntryError(f"{path}: has {entries} members; at most {members}")


def _check_directory(
    members: list[zipfile.ZipInfo], most: int, names: Collection[str], path: Path
) -> None:
    """Names, sizes and that nothing is added, all of it before anything is read."""
    seen: set[str] = set()
    for member in members:
        name = member.filename.removesuffix(".npy")
        place = f"{path}, {clipped(member.filename)}"
        # The name as it stands there: ``filename`` ends at the first zero byte.
        if name not in names or member.orig_filename != f"{name}.npy":
            raise EntryError(f"{place}: no array of a policy has this name")
        if name in seen:
            raise EntryError(f"{place}: stands twice")
        seen.add(name)
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 0x1:
            raise EntryError(f"{place}: is packed; np.savez stores arrays as they are")
        if member.file_size != member.compress_size:
            raise EntryError(f"{place}: the directory gives it two sizes")
        if member.comment or member.extra:
            raise EntryError(f"{place}: has a comment or an extra field in the directory")
    if sum(member.file_size for member in members) > most:
        raise EntryError(f"{path}: its arrays have more than {most:,} bytes")


def _check_places(content: bytes, members: list[zipfile.ZipInfo], path: Path) -> None:
    """Every byte must belong to a member or to the directory: readers of zip files skip others."""
    place = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        if member.header_offset != place:
            break
        name, added = LOCAL.unpack_from(content, place)
        start = place + LOCAL.size + name
        sizes = ZIP64.pack(1, 16, member.file_size, member.compress_size)
        if content[start : start + added] not in (b"", sizes):
            raise EntryError(f"{path}, {member.filename}: has an extra field of {added:,} bytes")
        place = start + added + member.compress_size
    else:
        size = END.unpack(content[-END.size :])[5]
        if place == len(content) - END.size - size:
            return
    raise EntryError(f"{path}: holds bytes that are none of its arrays', from byte {place:,} on")


def _array(content: bytes, place: str) -> NDArray[Any]:
    """The array of one ``.npy`` file; objects have no place in its header."""
    start = len(MAGIC) + 2
    length = int.from_bytes(content[len(MAGIC) : start], "little")
    header, data = content[start : start + length], content[start + length :]
    match = HEADER.fullmatch(header)
    if not content.startswith(MAGIC) or match is None:
        raise EntryError(
            f"{place}: must be a plain array of float32 or float64 with one or two dimensions, or "
            f"a word, little-endian; its header says {clipped(header.decode('latin-1').strip())}"
        )
    kind, fortran, sizes = match.groups()
    shape = tuple(int(size) for size in sizes.replace(b",", b" ").split())
    dtype = np.dtype(kind.decode("ascii"))
    if math.prod(shape) * dtype.itemsize != len(data):
        raise EntryError(f"{place}: {len(data):,} bytes are not the array of {shape} that it says")
    array = np.frombuffer(data, dtype=dtype)
    return array.reshape(shape, order="F" if fortran == b"True" else "C")
