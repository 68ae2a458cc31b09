"""The scripts that measure speed say what they take."""

import importlib.util
import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = sorted((Path(__file__).parent.parent / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("script", BENCHMARKS, ids=lambda path: path.stem)
def test_every_benchmark_has_help_and_then_measures_nothing(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("torch", "stable_baselines3", "matplotlib", "optuna"):
        pytest.importorskip(package)
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.setattr(sys, "path", [str(script.parent), *sys.path])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {script.name}")


def test_environments_are_timed_whatever_their_actions_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = (script for script in BENCHMARKS if script.stem == "environments")
    spec = importlib.util.spec_from_file_location("timed_environments", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name in ("ENVS", "SCALAR_STEPS", "VECTOR_STEPS", "ROUNDS"):
        monkeypatch.setattr(script, name, 30)
    monkeypatch.setattr(script, "first_make", lambda _: 0.5)
    ids = ["NAS-ProxylessCIFAR-v0", "AMC-ResNet20-v0"]
    monkeypatch.setattr(sys, "argv", [str(path), *ids])
    script.main()
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ids
