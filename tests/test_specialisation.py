"""Designs of one chip on others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hwenvs.errors import AnalyticProxyWarning, ArgumentError
from hwenvs.proxies import base
from hwenvs.reporting.specialisation import specialise

if TYPE_CHECKING:
    from tests.conftest import Cli

CHIPS = ("bismo-edge", "bitfusion", "counts:size")


def test_nothing_beats_a_chips_own_design_on_it() -> None:
    found = specialise("HAQ-ResNet20-v0", CHIPS, 0.35, "latency")
    assert found.fitted.shape == (3, 3)
    assert (found.fitted <= found.fitted.diagonal()[None, :] + 1e-12).all()
    assert (found.fraction.diagonal() <= 0.35 + 1e-9).all()
    assert found.fitted.diagonal() == pytest.approx(found.accuracy)


def test_designs_differ_between_chips() -> None:
    found = specialise("HAQ-ResNet20-v0", CHIPS, 0.35, "latency")
    assert len(set(found.designs)) == 3
    assert (found.fraction > 0.35).any()


def test_a_single_chip_is_refused() -> None:
    with pytest.raises(ArgumentError, match="at least two chips"):
        specialise("HAQ-ResNet20-v0", CHIPS[:1], 0.35, "latency")


def test_accuracies_that_were_not_measured_are_told(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_warned", set())
    with pytest.warns(AnalyticProxyWarning, match="proxyless come from a table that was measured"):
        specialise("NAS-Proxyless-v0", ("mobile", "cpu"), 0.6, "latency")
    chips = ("--hardware", "mobile,cpu", "--out", tmp_path)
    result = cli.call("specialise", "NAS-Proxyless-v0", *chips)
    assert "note: accuracies of proxyless are transferred, not measured" in result.stderr
    assert json.loads((tmp_path / "specialisation.json").read_text())["basis"] == "transferred"
    measured = cli.call("specialise", "HAQ-ResNet20-v0", "--hardware", ",".join(CHIPS))
    assert "note:" not in measured.stderr


def test_the_command_writes_a_table_and_a_picture(cli: Cli, tmp_path: Path) -> None:
    chips = ",".join(CHIPS)
    cli.succeed("specialise", "HAQ-ResNet20-v0", "--hardware", chips, "--out", tmp_path)
    record = json.loads((tmp_path / "specialisation.json").read_text())
    assert np.array(record["fitted"]).shape == (3, 3)
    assert (tmp_path / "specialisation.png").stat().st_size > 10_000
