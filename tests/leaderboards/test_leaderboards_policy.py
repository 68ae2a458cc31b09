"""The policy track: frozen policies, tried on tasks that are drawn once they are submitted."""

from __future__ import annotations

import io
import json
import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from typer.testing import CliRunner

from hwenvs.agents.ddpg import Learner, Settings
from hwenvs.cli.app import app
from hwenvs.errors import ArgumentError, DataError, EntryError, SolverError
from hwenvs.leaderboards import dynamics
from hwenvs.leaderboards.arrays import read_arrays
from hwenvs.leaderboards.board import ENTRIES, LOG, check_board
from hwenvs.leaderboards.dynamics import stale, tasks_of
from hwenvs.leaderboards.entries import ABOUT, POLICY, RUNS, open_entry
from hwenvs.leaderboards.freezing import PolicyRecipe, freeze, recipes
from hwenvs.leaderboards.log import append
from hwenvs.leaderboards.perceptron import Policy
from hwenvs.leaderboards.policies import NAMES, export, read_policy, write_policy
from hwenvs.leaderboards.reproduce import every
from hwenvs.leaderboards.rollouts import drawn, rollout
from hwenvs.leaderboards.submit import submit, submit_policy
from hwenvs.leaderboards.suites import PolicySuite, TraceSuite, read_suite
from hwenvs.leaderboards.verify import verify
from hwenvs.tasks.certificates import known_certificate
from hwenvs.tasks.environment import TaskEnv

RULE = "haq"
FIELDS = {
    "method": "A policy",
    "authors": ["Somebody"],
    "code": "https://example.org/code",
    "commit": "0" * 40,
    "tuning": "Not tuned.",
    "trained_on_test_instances": False,
    "licence": "MIT",
}
FEATURES = len(TaskEnv(RULE).observation_names)


def constant(action: float, features: int = FEATURES) -> Policy:
    """A policy that looks at nothing."""
    return Policy((np.zeros((1, features)),), (np.array([action]),), "relu", "clip")


def drawn_at_random(activation: str, output: str, width: int = 16) -> Policy:
    random = np.random.default_rng(3)
    sizes = [FEATURES, width, width, 1]
    weights = tuple(random.normal(size=(o, i)) for i, o in pairwise(sizes))
    return Policy(weights, tuple(random.normal(size=o) for o in sizes[1:]), activation, output)


@pytest.fixture(scope="session")
def policy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board with one suite of policies and the entry ``five-bits``; tests must not change it."""
    folder = tmp_path_factory.mktemp("policies")
    recipe = PolicyRecipe(title="Bits on chips held back", instances=10, families=[RULE])
    suite = read_suite(freeze("bits", folder / "suites", recipe))
    write_policy(constant(0.5), folder / "constant.npz")
    verdict = submit_policy(folder / "constant.npz", suite, "five-bits", FIELDS, folder / ENTRIES)
    append(folder / LOG, verdict)
    return folder


@pytest.fixture(scope="session")
def suite(policy_folder: Path) -> PolicySuite:
    found = read_suite(policy_folder / "suites" / "bits-v1.json")
    assert isinstance(found, PolicySuite)
    return found


@pytest.fixture
def policy_board(policy_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(policy_folder, tmp_path / "leaderboards")


@pytest.fixture
def policy_entry(policy_board: Path) -> Path:
    return policy_board / ENTRIES / "bits-v1" / "five-bits"


def test_a_policy_replayed_twice_gets_equal_verdicts(
    policy_entry: Path, suite: PolicySuite
) -> None:
    first, second = (verify(open_entry(policy_entry), suite) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert first.scores.shape == (1, 10)
    assert (first.missing, first.effective) == (0, 10)


def test_another_entry_or_suite_draws_other_instances(
    policy_entry: Path, suite: PolicySuite
) -> None:
    def ids(suite: PolicySuite) -> list[str]:
        return [task.id for task in drawn(suite.families[0], open_entry(policy_entry), suite)]

    first, renamed = ids(suite), ids(suite.model_copy(update={"title": "Another"}))
    about = json.loads((policy_entry / ABOUT).read_text())
    (policy_entry / ABOUT).write_text(json.dumps({**about, "description": "One word more."}))
    changed = ids(suite)
    assert len({frozenset(first), frozenset(renamed), frozenset(changed)}) == 3
    assert len(set(first)) == suite.instances
    assert set(first) <= set(tasks_of(RULE).ids)


def test_a_constant_policy_scores_what_its_designs_earn(
    policy_entry: Path, suite: PolicySuite
) -> None:
    verdict = verify(open_entry(policy_entry), suite)
    assert len({one.score for one in verdict.judged[0].instances}) > 1
    for one, counted in zip(verdict.judged[0].instances, verdict.scores[0], strict=True):
        task = tasks_of(RULE).find(one.task)
        certificate = known_certificate(task)
        assert certificate is not None
        env = gym.make(task.environment, **task.arguments)
        env.reset()
        ended, info = False, {}
        while not ended:
            _, _, ended, _, info = env.step(np.array([0.5], dtype=np.float32))
        assert info["design"].tolist() == list(one.design)
        outcome = env.unwrapped.problem.evaluate([one.design])  # type: ignore[attr-defined]
        assert outcome.feasible[0]
        earned = (float(outcome.reward[0]) - certificate.reference) / certificate.span
        assert one.score == earned
        assert counted == max(earned, 0.0)


def test_what_is_done_on_a_task_does_not_depend_on_the_others() -> None:
    policy = drawn_at_random("tanh", "sigmoid")
    tasks = list(tasks_of(RULE)[::12])
    together = rollout(policy, RULE, tasks)
    assert [one.task for one in together] == [task.id for task in tasks]
    assert tuple(rollout(policy, RULE, [task])[0] for task in tasks) == together


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("output", ["clip", "tanh", "sigmoid"])
def test_acting_is_the_perceptron_it_says(activation: str, output: str) -> None:
    policy = drawn_at_random(activation, output)
    seen = np.random.default_rng(0).random((200, FEATURES), dtype=np.float32)
    hidden = seen.astype(np.float64)
    for weight, bias in zip(policy.weights[:-1], policy.biases[:-1], strict=True):
        hidden = hidden @ weight.T + bias
        hidden = np.tanh(hidden) if activation == "tanh" else np.maximum(hidden, 0)
    last = hidden @ policy.weights[-1].T + policy.biases[-1]
    squashed = {
        "clip": np.clip(last, 0, 1),
        "tanh": (1 + np.tanh(last)) / 2,
        "sigmoid": 1 / (1 + np.exp(-last)),
    }[output]
    assert np.abs(policy.act(seen) - squashed).max() < 6e-7
    assert (policy.act(seen) == np.concatenate([policy.act(row[None]) for row in seen])).all()


def test_a_policy_comes_back_as_it_was_written(tmp_path: Path) -> None:
    policy = drawn_at_random("tanh", "tanh")
    write_policy(policy, tmp_path / POLICY)
    again = read_policy(tmp_path / POLICY)
    assert (again.activation, again.output) == ("tanh", "tanh")
    for first, second in zip(
        policy.weights + policy.biases, again.weights + again.biases, strict=True
    ):
        assert np.array_equal(first, second)


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
    "something behind": (saved() + b"more", "something follows its end"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_with_the_place_of_the_fault(
    what: str, policy_entry: Path, suite: PolicySuite
) -> None:
    content, message = HOSTILE[what]
    (policy_entry / POLICY).write_bytes(content)
    with pytest.raises(EntryError) as caught:
        verify(open_entry(policy_entry), suite)
    said = str(caught.value)
    assert re.search(message, said), said
    assert len(said) < 600 + len(str(policy_entry))
    assert said.isprintable()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_stands_twice_is_refused(policy_entry: Path, suite: PolicySuite) -> None:
    (policy_entry / POLICY).write_bytes(zipped(("bias_1.npy", npy(np.ones(1)))))
    with pytest.raises(EntryError, match=r"bias_1\.npy: stands twice"):
        verify(open_entry(policy_entry), suite)


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


def test_the_honest_file_of_these_tests_is_accepted(policy_entry: Path, suite: PolicySuite) -> None:
    (policy_entry / POLICY).write_bytes(saved())
    assert verify(open_entry(policy_entry), suite).effective == 10
    fortran = saved(weight_0=np.asfortranarray(np.ones((4, FEATURES))))
    (policy_entry / POLICY).write_bytes(fortran)
    assert read_policy(policy_entry / POLICY).weights[0].sum() == 4 * FEATURES


@pytest.mark.parametrize("shape", [(1, FEATURES + 1), (2, FEATURES)])
def test_a_policy_for_other_observations_or_actions_is_refused(
    shape: tuple[int, int], policy_entry: Path, suite: PolicySuite
) -> None:
    odd = Policy((np.zeros(shape),), (np.zeros(shape[0]),), "relu", "clip")
    write_policy(odd, policy_entry / POLICY)
    with pytest.raises(EntryError, match=f"takes {shape[1]} features and gives {shape[0]}"):
        verify(open_entry(policy_entry), suite)


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


def test_an_entry_submits_either_traces_or_a_policy(policy_entry: Path) -> None:
    (policy_entry / RUNS).write_bytes(b"")
    with pytest.raises(EntryError, match=r"runs\.jsonl\.gz: the track 'policy' submits policy"):
        open_entry(policy_entry)


def test_policies_and_traces_are_ranked_apart(
    policy_entry: Path, suite: PolicySuite, small_suite: TraceSuite, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match="bits-v1 takes policies"):
        submit([], suite, "mine", {**FIELDS, "track": "search"}, tmp_path)
    with pytest.raises(EntryError, match=r"'policy' cannot be judged on small-v1.*design and"):
        submit_policy(policy_entry / POLICY, small_suite, "mine", FIELDS, tmp_path)
    with pytest.raises(EntryError, match=r"'design' cannot be judged on bits-v1.*takes policy"):
        submit_policy(policy_entry / POLICY, suite, "mine", {**FIELDS, "track": "design"}, tmp_path)
    assert list(tmp_path.glob(f"{ENTRIES}/*")) == []
    with pytest.raises(EntryError, match="no run to repeat"):
        every(open_entry(policy_entry), suite)


def test_submitting_an_equal_policy_gives_equal_bytes(
    policy_entry: Path, suite: PolicySuite, tmp_path: Path
) -> None:
    source = tmp_path / "packed.npz"
    arrays_there = dict(np.load(policy_entry / POLICY))
    np.savez(source, **dict(reversed(arrays_there.items())))
    verdict = submit_policy(source, suite, "five-bits", FIELDS, tmp_path / ENTRIES)
    assert verdict.digest == verify(open_entry(policy_entry), suite).digest
    with pytest.raises(EntryError, match="five-bits exists"):
        submit_policy(source, suite, "five-bits", FIELDS, tmp_path / ENTRIES)


def test_a_board_of_policies_agrees_until_a_weight_changes(policy_board: Path) -> None:
    board = check_board(policy_board, policy_board / "suites")
    assert board.faults == []
    (row,) = board.rows(board.suites[0])
    assert (row.name, row.tier, row.badge) == ("five-bits", 1, "replayed")
    path = policy_board / ENTRIES / "bits-v1" / "five-bits" / POLICY
    write_policy(constant(0.51), path)
    faults = check_board(policy_board, policy_board / "suites").faults
    assert "bits-v1/five-bits: the entry is not the one of log line 1" in faults


def test_a_family_whose_tasks_changed_is_told(
    suite: PolicySuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stale(suite) == []
    fewer = tasks_of(RULE)[1:]
    monkeypatch.setattr(dynamics, "tasks_of", lambda _: fewer)
    (said,) = stale(suite)
    assert said.startswith("suite bits-v1: haq-test: no longer what was frozen")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instances": 9}, "instances: .*at least 10|greater than or equal to 10"),
        ({"families": []}, "families: |tasks: "),
        ({"evaluations": 5}, "evaluations: Extra"),
    ],
    ids=str,
)
def test_a_suite_of_policies_that_makes_no_sense_is_refused(
    change: dict[str, Any], message: str, suite: PolicySuite, tmp_path: Path
) -> None:
    rows = "families"
    changed = {**suite.model_dump(mode="json"), **change}
    families = ",\n".join(f"  {json.dumps(row)}" for row in changed.pop(rows))
    head = "".join(f" {json.dumps(k)}: {json.dumps(v)},\n" for k, v in changed.items())
    path = tmp_path / "bits-v1.json"
    path.write_text(f'{{\n{head} "{rows}": [\n{families}\n ]\n}}\n')
    with pytest.raises(DataError, match=message):
        read_suite(path)


def test_more_instances_than_tasks_cannot_be_frozen(tmp_path: Path) -> None:
    recipe = PolicyRecipe(title="Many", instances=1000, families=[RULE])
    with pytest.raises(DataError, match="asks for 1000 instances of haq, which has"):
        freeze("many", tmp_path, recipe)


def test_families_that_no_policy_fits_cannot_be_frozen(tmp_path: Path) -> None:
    recipe = PolicyRecipe(title="Both", instances=10, families=["amc", "haq"])
    with pytest.raises(DataError, match="no policy fits amc and haq"):
        freeze("both", tmp_path, recipe)


def test_the_suites_of_policies_that_ship_can_be_met() -> None:
    found = [recipe for recipe in recipes().values() if isinstance(recipe, PolicyRecipe)]
    assert sorted(rule for recipe in found for rule in recipe.families) == ["amc", "haq"]
    for recipe in found:
        (rule,) = recipe.families
        assert 10 <= recipe.instances < len(tasks_of(rule))


def test_the_page_shows_policies_and_their_designs(policy_board: Path) -> None:
    pytest.importorskip("jinja2")
    from hwenvs.leaderboards.page import render

    board = check_board(policy_board, policy_board / "suites")
    page = render(board)
    assert page == render(board)
    assert 'id="bits-v1/environment/haq-test"' in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert "Which 10 of each an entry meets" in page
    for one in board.verdicts["bits-v1", "five-bits"].judged[0].instances:
        assert one.task in page
        assert ",".join(map(str, one.design)) in page


def test_the_command_line_submits_and_verifies_a_policy(policy_board: Path, tmp_path: Path) -> None:
    def command(*arguments: object, code: int = 0) -> str:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output
        return result.output

    write_policy(constant(0.6), tmp_path / "six.npz")
    about = tmp_path / "about.json"
    about.write_text(json.dumps(FIELDS))
    options = ("--suite", "bits", "--name", "six", "--about", about, "--folder", policy_board)
    assert "give either" in command("submit", *options, code=2)
    assert "haq-test" in command("submit", "--policy", tmp_path / "six.npz", *options)
    command("leaderboard", "log", "bits-v1/six", "--folder", policy_board)
    shown = command("leaderboard", "show", "bits", "--folder", policy_board)
    for word in ("six", "five-bits", "policy"):
        assert word in shown
    assert "no run to repeat" in command(
        "leaderboard", "reproduce", "bits-v1/six", "--folder", policy_board, code=2
    )


def seen_by(env: TaskEnv, episodes: int = 4) -> Any:
    """Observations [n, F] of random episodes."""
    env.action_space.seed(0)
    found = []
    for seed in range(episodes):
        observation, _ = env.reset(seed=seed)
        ended = False
        while not ended:
            found.append(observation)
            observation, _, ended, _, _ = env.step(env.action_space.sample())
    return np.stack(found)


@pytest.mark.parametrize("name", ["PPO", "A2C", "DDPG", "TD3", "SAC", "TQC"])
@pytest.mark.filterwarnings("ignore")
def test_an_exported_model_acts_as_it_predicts(name: str, tmp_path: Path) -> None:
    library = pytest.importorskip("sb3_contrib" if name == "TQC" else "stable_baselines3")
    kind: Callable[..., Any] = getattr(library, name)
    model = kind(
        "MlpPolicy", TaskEnv(RULE), policy_kwargs={"net_arch": [16, 16]}, seed=3, device="cpu"
    )
    exported = export(model, tmp_path / POLICY)
    seen = seen_by(TaskEnv(RULE))
    assert len(seen) > 100
    told, _ = model.predict(seen, deterministic=True)
    acted = read_policy(tmp_path / POLICY).act(seen)
    assert np.abs(acted - told).max() < 1e-5
    assert len(np.unique(acted)) > 10, "a constant would agree by luck"
    assert (exported.act(seen) == acted).all()


def test_our_own_agent_is_exported_as_it_acts(tmp_path: Path) -> None:
    learner = Learner(FEATURES, 1, Settings(hidden=(16, 16)), seed=1)
    export(learner, tmp_path / POLICY)
    seen = seen_by(TaskEnv(RULE), episodes=1)
    told = np.stack([learner.act(row) for row in seen])
    assert np.abs(read_policy(tmp_path / POLICY).act(seen) - told).max() < 1e-5


@pytest.mark.filterwarnings("ignore")
def test_what_a_file_cannot_say_is_not_exported(tmp_path: Path) -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
    from torch import nn

    from hwenvs.agents.ddpg import DDPG

    def ppo(env: Any, **policy: Any) -> Any:
        arguments = {"net_arch": [4], **policy}
        return sb3.PPO("MlpPolicy", env, policy_kwargs=arguments, device="cpu")

    normalised = VecNormalize(DummyVecEnv([lambda: TaskEnv(RULE)]))
    for model, message in (
        (ppo(normalised), "are normalised"),
        (ppo(TaskEnv(RULE), activation_fn=nn.ELU), "must be all ReLU or all Tanh, not ELU"),
        (pytest.importorskip("sb3_contrib").RecurrentPPO("MlpLstmPolicy", TaskEnv(RULE)), "rememb"),
        (DDPG(), "has learned nothing yet"),
        (object(), "no policy that can be exported"),
    ):
        with pytest.raises(SolverError, match=message):
            export(model, tmp_path / POLICY)
    assert not (tmp_path / POLICY).exists()
