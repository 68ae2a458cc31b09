"""What an installation contains, and that it works away from the checkout."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "pandas", "scipy", "matplotlib", "stable_baselines3", "cma")
EPISODE = f"""
import sys
import gymnasium as gym
if {{import_first}}:
    import hwenvs
env = gym.make("{{name}}")
env.reset(seed=0)
done = False
while not done:
    _, reward, done, _, info = env.step(env.action_space.sample())
assert 0 < reward < 1 and info["feasible"]
envs = gym.make_vec("{{name}}", num_envs=4096)
assert type(envs.unwrapped).__name__ == "DesignVectorEnv"
envs.reset()
envs.step(envs.action_space.sample())
loaded = [name for name in {HEAVY} if name in sys.modules]
assert not loaded, loaded
import hwenvs
print(hwenvs.__file__)
"""


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_folder_is_listed() -> None:
    setuptools = pyproject()["tool"]["setuptools"]
    mapping = {path: name for name, path in setuptools["package-dir"].items()}
    found = set()
    for top in ("hwenvs", "agents", "baselines", "leaderboards"):
        for init in (ROOT / top).rglob("__init__.py"):
            folder = init.parent.relative_to(ROOT)
            if not any((ROOT / parent).is_symlink() for parent in (folder, *folder.parents)):
                parts = (mapping[folder.parts[0]], *folder.parts[1:])
                found.add(".".join(parts))
    assert found == set(setuptools["packages"])


@pytest.mark.parametrize("room", ["agents", "baselines", "leaderboards"])
def test_rooms_beside_the_package_are_linked_into_it(room: str) -> None:
    link = ROOT / "hwenvs" / room
    assert link.is_symlink()
    assert str(link.readlink()) == f"../{room}"


def test_no_registry_host_is_committed() -> None:
    for name in ("constraints.txt", "pyproject.toml", "Makefile"):
        text = (ROOT / name).read_text()
        assert "find-links" not in text
        assert "index-url" not in text


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Built from a copy: setuptools leaves its build folders beside the sources.
    copy = tmp_path_factory.mktemp("source") / "hwenvs"
    leave = shutil.ignore_patterns(".*", "build", "report", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=leave)
    command = [sys.executable, "-m", "build", "--sdist", "--wheel", "--no-isolation"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next((copy / "dist").glob("*.whl"))


def outside() -> dict[str, str]:
    """The environment variables of somebody who has no checkout."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "HWENVS_DATA")}


def test_the_wheel_holds_the_package_its_tables_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hwenvs"}
    tables = {path.name for path in (ROOT / "hwenvs/proxies/tables").glob("*.*")}
    assert {"resnet50.channel_pruning.npz", "mobilenet_v1.bit_allocation.json"} <= tables
    assert {f"hwenvs/proxies/tables/{table}" for table in tables} <= set(names)
    assert "hwenvs/agents/ddpg.yaml" in names
    assert "hwenvs/py.typed" in names


def test_the_source_distribution_has_no_tests_that_could_not_run(wheel: Path) -> None:
    with tarfile.open(next(wheel.parent.glob("*.tar.gz"))) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert "pyproject.toml" in names
    assert "hwenvs/registration.py" in names
    assert not {name for name in names if name.startswith("tests")}


@pytest.fixture(scope="module")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a virtual environment with nothing but the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt")]
    done = subprocess.run(
        [*command, str(wheel)], env=outside(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return python


@pytest.mark.parametrize(
    ("name", "import_first"),
    [("AMC-MobileNetV1-v0", True), ("hwenvs:AMC-MobileNetV1-v0", False)],
)
def test_an_episode_runs_outside_the_checkout(
    clean_python: Path, tmp_path: Path, name: str, import_first: bool
) -> None:
    code = EPISODE.format(name=name, import_first=import_first)
    done = subprocess.run(
        [clean_python, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=outside(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not Path(done.stdout.strip()).is_relative_to(ROOT)
