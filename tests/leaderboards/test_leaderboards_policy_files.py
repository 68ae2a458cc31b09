"""Files of policies that are damaged, hostile or made for something else."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.errors import EntryError
from hwenvs.leaderboards.arrays import read_arrays
from hwenvs.leaderboards.entries import POLICY, open_entry
from hwenvs.leaderboards.perceptron import Policy
from hwenvs.leaderboards.policies import NAMES, read_policy, write_policy
from hwenvs.leaderboards.suites import PolicySuite
from hwenvs.leaderboards.verify import verify
from hwenvs.tasks.environment import TaskEnv

FEATURES = len(TaskEnv("haq").observation_names)


def arrays(**changed: Any) -> dict[str, Any]:
    """What a file holds: two layers for the rule's observations; None leaves an array out."""
    found = {
        "activation": np.array("tanh"),
        "output": np.array("clip"),
        "weight_0": np.zeros((4, FEATURES), dtype=np.float32),
        "bias_0": np.zeros(4, dtype=np.float32),
        "weight_1": np.zeros((1, 4)),
        "bias_1": np.full(1, 0.5),
        **changed,
    }
    return {name: array for name, array in found.items() if array is not None}


def saved(**changed: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays(**changed))
    return file.getvalue()


def zipped(*members: tuple[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of an honest policy's members and then ``members``."""
    file = io.BytesIO(saved())
    with zipfile.ZipFile(file, "a", packing) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def headed(header: bytes, data: bytes = b"") -> bytes:
    """A file of one array with this header."""
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("weight_0.npy", content)
    return file.getvalue()


def alone(name: str, content: bytes, packing: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def stored(**sizes: int) -> bytes:
    """A file whose directory says other sizes than there are."""
    content = bytearray(saved())
    place = content.rindex(b"PK\x01\x02")
    for offset, size in ((20, sizes["packed"]), (24, sizes["plain"])):
        struct.pack_into("<I", content, place + offset, size)
    return bytes(content)


def padded(front: bytes, between: bytes) -> bytes:
    """An honest file with bytes before its first and its last array, which zip readers skip."""
    content = saved()
    last = content.rindex(b"PK\x03\x04")
    directory = content.index(b"PK\x01\x02")
    end = bytearray(content[-22:])
    members = bytearray(content[directory:-22])
    place = members.rindex(b"PK\x01\x02") + 42
    struct.pack_into("<I", members, place, last + len(between))
    struct.pack_into("<I", end, 16, directory + len(between))
    parts = content[:last], between, content[last:directory], bytes(members), bytes(end)
    return front + b"".join(parts)


def many_members(count: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(count):
            archive.writestr(f"weight_{number}.npy", b"")
    return file.getvalue()


class Exploit:
    """What unpickling this would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("the file of a policy was executed",))


objects = np.array([Exploit()], dtype=object)
nan, infinite = np.full(4, np.nan), np.full(4, np.inf)

HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is no zip file"),
    "a pickle": (__import__("pickle").dumps({"weight_0": 1}), "is no zip file"),
    "a bare array": (npy(np.zeros(3)), "is no zip file"),
    "an object array": (
        alone("weight_0.npy", npy(objects, allow_pickle=True)),
        "weight_0: must be a plain array",
    ),
    "a pickle as a member": (alone("weight_0.npy", b"\x80\x04K\x01."), "weight_0: must be a plain"),
    "code in a header": (
        headed(b"{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),), }\n"),
        "weight_0: must be",
    ),
    "a structured array": (saved(weight_0=np.zeros(3, dtype="f4,f4")), "weight_0: must be a plain"),
    "integers": (saved(bias_0=np.zeros(4, dtype=np.int64)), "bias_0: must be a plain"),
    "float16": (saved(bias_0=np.zeros(4, dtype=np.float16)), "bias_0: must be a plain"),
    "complex": (saved(bias_0=np.zeros(4, dtype=complex)), "bias_0: must be a plain"),
    "big-endian": (saved(bias_0=np.zeros(4, dtype=">f4")), "bias_0: must be a plain"),
    "three dimensions": (saved(weight_0=np.zeros((4, 2, 2))), "weight_0: must be a plain"),
    "nothing in it": (saved(weight_0=np.zeros((0, 3))), "weight_0: must be a plain"),
    "a claim of gigabytes": (
        headed(b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999, 9999999), }\n"),
        "weight_0: 0 bytes are not",
    ),
    "more than the header says": (
        headed(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n", b"\0" * 16),
        "weight_0: 16 bytes are not",
    ),
    "NaN": (saved(bias_0=nan), "bias_0: holds a number that is not finite"),
    "infinity": (saved(bias_0=infinite), "bias_0: holds a number that is not finite"),
    "numbers that overflow": (saved(bias_0=np.full(4, 1e300)), "bias_0: holds a number"),
    "a matrix that does not fit": (saved(weight_1=np.zeros((1, 5))), r"weight_1: shape \(1, 5\)"),
    "a bias that does not fit": (saved(bias_0=np.zeros(5)), r"bias_0: shape \(5,\)"),
    "a bias like a matrix": (saved(bias_0=np.zeros((4, 1))), r"bias_0: shape \(4, 1\)"),
    "a flat matrix": (saved(weight_0=np.zeros(4)), r"weight_0: shape \(4,\)"),
    "a scalar": (saved(bias_1=np.array(0.5)), r"bias_1: shape \(\)"),
    "text for numbers": (saved(bias_0=np.array("abc")), "bias_0: must be float32 or"),
    "numbers for a word": (saved(output=np.array(1.0)), "output: must be one word"),
    "two words": (saved(output=np.array(["clip", "tanh"])), "output: must be one word"),
    "no letter": (
        saved(output=np.frombuffer(b"\xff" * 16, dtype="<U4").reshape(())),
        "output: must be one word of small letters",
    ),
    "an unknown activation": (saved(activation=np.array("gelu")), "activation of a policy 'gelu'"),
    "an unknown output": (saved(output=np.array("round")), "output of a policy 'round'"),
    "no bias": (saved(bias_0=None), "bias_0: is missing"),
    "no output": (saved(output=None), "output: is missing"),
    "no layers": (saved(weight_0=None, bias_0=None, weight_1=None, bias_1=None), "1 to 8 layers"),
    "a layer left out": (saved(weight_0=None, bias_0=None), "bias_0: is missing"),
    "an extra array": (saved(more=np.zeros(3)), "more.npy: no array of a policy"),
    "a bias without a layer": (saved(bias_2=np.zeros(1)), "bias_2: belongs to no layer"),
    "a ninth layer": (saved(weight_8=np.zeros((1, 1))), "weight_8.npy: no array of a policy"),
    "a path up": (zipped(("../weight_2.npy", b"")), "no array of a policy has this name"),
    "an absolute path": (zipped(("/tmp/x.npy", b"")), "no array of a policy has this name"),
    "another ending": (zipped(("weight_2", b"")), "no array of a policy has this name"),
    "a name with a new line": (zipped(("a\n::error::.npy", b"")), "no array of a policy"),
    "a bomb": (
        alone("weight_0.npy", b"\0" * (64 << 20), zipfile.ZIP_DEFLATED),
        "weight_0.npy: is packed",
    ),
    "a bomb of another kind": (
        alone("weight_0.npy", b"\0" * (1 << 20), zipfile.ZIP_LZMA),
        "weight_0.npy: is packed",
    ),
    "a directory that lies": (stored(packed=99, plain=1 << 30), "bias_1.npy: .*two sizes"),
    "a directory that lies twice": (stored(packed=1 << 30, plain=1 << 30), "more than 16,777,216"),
    "a small lie": (stored(packed=10_000, plain=10_000), "bias_1|sound zip"),
    "many members": (many_members(500), "has 500 members; at most 18"),
    "cut off": (saved()[:-30], "is no zip file"),
    "cut in front": (saved()[100:], "sound zip|must be"),
    "something in front": (padded(b"x" * 1000, b""), "bytes that are none of its arrays'"),
    "something between": (padded(b"", b"x" * 1000), "bytes that are none of its arrays'"),
    "a script in front": (padded(b"#!/bin/sh\nexit\n", b""), "from byte 0 on"),
    "something behind": (saved() + b"more", "something follows its end"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_with_the_place_of_the_fault(
    what: str, policy_entry: Path, policy_suite: PolicySuite
) -> None:
    content, message = HOSTILE[what]
    (policy_entry / POLICY).write_bytes(content)
    with pytest.raises(EntryError) as caught:
        verify(open_entry(policy_entry), policy_suite)
    said = str(caught.value)
    assert re.search(message, said), said
    assert len(said) < 600 + len(str(policy_entry))
    assert said.isprintable()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_stands_twice_is_refused(
    policy_entry: Path, policy_suite: PolicySuite
) -> None:
    (policy_entry / POLICY).write_bytes(zipped(("bias_1.npy", npy(np.ones(1)))))
    with pytest.raises(EntryError, match=r"bias_1\.npy: stands twice"):
        verify(open_entry(policy_entry), policy_suite)


def test_any_damaged_byte_is_refused_or_read_as_a_policy(tmp_path: Path) -> None:
    """No other exception comes out of the reader, wherever the damage is."""
    honest, path = saved(), tmp_path / POLICY
    refused = 0
    random = np.random.default_rng(0)
    for place in random.integers(len(honest), size=1500):
        damaged = bytearray(honest)
        damaged[place] ^= int(random.integers(1, 256))
        path.write_bytes(damaged)
        try:
            read_policy(path)
        except EntryError:
            refused += 1
    assert refused > 1000


def test_the_honest_file_of_these_tests_is_accepted(
    policy_entry: Path, policy_suite: PolicySuite
) -> None:
    assert padded(b"", b"") == saved()
    (policy_entry / POLICY).write_bytes(saved())
    assert verify(open_entry(policy_entry), policy_suite).effective == 10
    fortran = saved(weight_0=np.asfortranarray(np.ones((4, FEATURES))))
    (policy_entry / POLICY).write_bytes(fortran)
    assert read_policy(policy_entry / POLICY).weights[0].sum() == 4 * FEATURES


@pytest.mark.parametrize("shape", [(1, FEATURES + 1), (2, FEATURES)])
def test_a_policy_for_other_observations_or_actions_is_refused(
    shape: tuple[int, int], policy_entry: Path, policy_suite: PolicySuite
) -> None:
    odd = Policy((np.zeros(shape),), (np.zeros(shape[0]),), "relu", "clip")
    write_policy(odd, policy_entry / POLICY)
    with pytest.raises(EntryError, match=f"takes {shape[1]} features and gives {shape[0]}"):
        verify(open_entry(policy_entry), policy_suite)


def test_a_linked_or_endless_file_is_not_read(policy_entry: Path, tmp_path: Path) -> None:
    path = policy_entry / POLICY
    real = path.rename(tmp_path / "elsewhere.npz")
    path.symlink_to(real)
    with pytest.raises(EntryError, match="is no plain file"):
        open_entry(policy_entry)
    path.unlink()
    with path.open("wb") as file:
        file.truncate((16 << 20) + 1)
    with pytest.raises(EntryError, match="16,777,217 bytes; at most"):
        open_entry(policy_entry)
    with pytest.raises(EntryError, match="more than 16,777,216 bytes"):
        read_arrays(path, 16 << 20, NAMES)
