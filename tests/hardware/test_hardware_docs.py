"""The page on hardware models: its code runs, its chip plugs in, its table is what is computed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from hwenvs.calibration.fidelity import spearman
from hwenvs.hardware import Workload, get_hardware, list_hardware
from hwenvs.hardware.device import CPU_TABLES
from hwenvs.hardware.fitting import MOBILE_CSVS
from hwenvs.hardware.heldout import leave_one_network_out, report
from hwenvs.hardware.lookup import DATA
from hwenvs.hardware.measurements import read_measurements
from hwenvs.hardware.registry import BUILT_IN
from hwenvs.networks import get_network, get_space

PAGE = (Path(__file__).parents[2] / "docs" / "hardware.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_first_example_runs() -> None:
    exec(BLOCKS[0], {})


def test_the_chip_of_the_page_plugs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_chip.py").write_text(BLOCKS[1], encoding="utf-8")
    package = tmp_path / "my_chip_package-1.0.dist-info"
    package.mkdir()
    metadata = "Metadata-Version: 2.1\nName: my-chip-package\nVersion: 1.0\n"
    (package / "METADATA").write_text(metadata, encoding="utf-8")
    group, entry = re.findall(r'entry-points\."(.*?)"\]\n(.*?)\n', PAGE)[0]
    text = f"[{group}]\n{entry}\n".replace('"', "")
    (package / "entry_points.txt").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    rows = {row.name: row for row in list_hardware()}
    assert rows["my_chip"].provider == "my-chip-package"
    assert rows["my_chip"].quantities == ("macs", "params", "latency", "energy")
    network = get_network("mobilenet_v1")
    full = get_hardware("my_chip").cost(Workload.of(network))
    small = get_hardware("my_chip").cost(Workload.make(network.layers, weight_bits=4))
    assert 0 < small["latency"][0] < full["latency"][0]
    assert np.isfinite(full["energy"]).all()


def test_the_page_prints_the_held_out_errors_that_are_computed() -> None:
    table = report(leave_one_network_out(read_measurements(*MOBILE_CSVS))).split("\n\n")[0]
    assert table in PAGE


@pytest.mark.parametrize("table", CPU_TABLES)
def test_the_page_prints_the_checks_of_the_shipped_cpu(table: str) -> None:
    content = json.loads((DATA / f"{table}.json").read_text(encoding="utf-8"))
    check, space = content["check"], get_space(content["network"])
    macs = np.array([float(space.network(design).macs) for design in check["designs"]])
    cells = (
        f"`{space.name}`",
        str(len(macs)),
        f"{min(check['measured_ms']):.2f} to {max(check['measured_ms']):.2f}",
        f"{check['spearman']:.3f}",
        f"{100 * check['mean_error']:.1f} %",
        f"{100 * check['largest_error']:.1f} %",
        f"{spearman(macs, np.array(check['measured_ms'])):.3f}",
    )
    assert f"| {' | '.join(cells)} |" in PAGE


def test_the_page_names_every_model() -> None:
    assert [name for name in BUILT_IN if f"`{name}`" not in PAGE] == []
