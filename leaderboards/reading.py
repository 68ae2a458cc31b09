"""Reading what strangers sent: bounded in memory, strict, refused with the place of the fault."""

from __future__ import annotations

import json
import math
import re
import unicodedata
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from hwenvs.errors import EntryError

CHUNK = 64 << 10
"""Bytes that are unpacked at once."""

CLIP = 80
"""Most characters of a stranger's that a message repeats."""

GZIP = 31
"""zlib's code for a gzip header and its check sum."""

TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
"""Bidirectional classes of invisible characters that turn the order of letters around."""

CONTROLS = ("Cc", "Zl", "Zp")
"""Categories of what moves a cursor or ends a line."""

STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"(\s*:)?')
"""A string of JSON; of an object's name the colon as well."""

NEEDLESS = re.compile(rb"\\(?:/|u00[2-7][0-9A-Fa-f])")
"""An escape of a letter, digit or sign of ASCII that JSON takes as it is, but quote and backslash,
which have shorter ones."""

INKLESS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols, by their category, of which nothing is seen."""


def clipped(text: object) -> str:
    """``text`` in printable ASCII and not too long: it can neither flood a message nor forge one.

    Control characters would move a terminal's cursor, and a new line could pass for one of ours.
    """
    plain = ascii(str(text)[: CLIP + 1])[1:-1]
    return plain if len(plain) <= CLIP else f"{plain[:CLIP]}..."


def visible(text: str) -> str:
    """``text`` as it is, unless it holds what moves a terminal's cursor or turns letters around.

    Raises:
        ValueError: if it does; names the character.
    """
    for character in text:
        # Only two controls that no program executes: tabulators and ends of lines.
        hidden = unicodedata.category(character) in CONTROLS and character not in "\t\n"
        if hidden or unicodedata.bidirectional(character) in TURNING:
            raise ValueError(f"control character U+{ord(character):04X} is not allowed")
    return text


def stated(text: str) -> str:
    """``text`` as it is, unless nothing of it is seen: no letter, digit, sign or symbol.

    Raises:
        ValueError: if so.
    """
    # Characters without width are no spaces, and nothing to read either.
    if not any(unicodedata.category(one)[0] in "LNPS" and one not in INKLESS for one in text):
        raise ValueError("must not be empty")
    return text


def visible_throughout(value: Any) -> Any:
    """``value``, JSON of any depth, as it is, unless :func:`visible` refuses a string or a key.

    Raises:
        ValueError: if it does.
    """
    if isinstance(value, str):
        visible(value)
    elif isinstance(value, dict):
        visible_throughout([*value.keys(), *value.values()])
    elif isinstance(value, list):
        for one in value:
            visible_throughout(one)
    return value


def fault(error: ValidationError) -> str:
    """The first fault that a validation found, and where; never what it was given."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = clipped(".".join(map(str, first["loc"])))
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def packed_lines(path: Path, longest: int) -> Iterator[bytes]:
    """Lines of a gzip file, without their ends, holding hardly more than one of them.

    One member and nothing after it: what other programs would skip or add is not there.

    Args:
        path: the file.
        longest: bytes that a line may have; unpacking stops at the first that has more.

    Raises:
        EntryError: if the file is damaged, cut off or goes on after its end, or if a line is too
            long or has no end; says which line.
    """
    unpacker, rest, number = zlib.decompressobj(GZIP), b"", 0
    with path.open("rb") as file:
        while not unpacker.eof:
            packed = unpacker.unconsumed_tail or file.read(CHUNK)
            try:
                part = unpacker.decompress(packed, CHUNK)
            except zlib.error as error:
                raise EntryError(
                    f"{path}, line {number + 1}: cannot be unpacked: {error}"
                ) from error
            if not packed and not part:
                raise EntryError(f"{path}, line {number + 1}: the file is cut off")
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                number += 1
                yield _bounded(line, longest, f"{path}, line {number}")
            _bounded(rest, longest, f"{path}, line {number + 1}")
        if unpacker.unused_data or file.read(1):
            raise EntryError(f"{path}: something follows the end of the packed data")
    if rest:
        raise EntryError(f"{path}, line {number + 1}: has no end")


def check_json(text: bytes, place: str) -> None:
    """Refuses what readers of JSON understand differently, in a text that pydantic could read.

    Raises:
        EntryError: if a key stands twice in an object or is spelt with escapes that it does not
            need, a number is none that JSON has, or it is beyond the range of float64, which some
            readers make infinite.
    """
    try:
        json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise EntryError(f"{place}: {clipped(error)}") from error
    # In valid JSON every string begins where the one before has ended.
    for name, colon in STRING.findall(text):
        # Without pairs of backslashes, of which the second escapes nothing.
        if colon and NEEDLESS.search(name.replace(b"\\\\", b"")):
            raise EntryError(f"{place}: the key '{clipped(name.decode())}' has an odd spelling")


def _bounded(line: bytes, longest: int, place: str) -> bytes:
    if len(line) > longest:
        raise EntryError(f"{place}: longer than the {longest:,} bytes that a run takes")
    return line


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key[:CLIP]!r} stands twice")
        found[key] = value
    return found


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"beyond the largest number of 64 bits: {number[:CLIP]}")
    return value
