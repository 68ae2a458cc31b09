"""The shipped tables follow from the measurements kept beside them."""

import json
from pathlib import Path

import numpy as np
import pytest

import hwenvs
from hwenvs.calibration.bench import Measurement
from hwenvs.calibration.fit import fit_weights, sweep_curve
from hwenvs.calibration.plan import PLANS
from hwenvs.calibration.table import Result
from hwenvs.networks import channel_groups, get_network

TABLES = Path(hwenvs.__file__).parent / "proxies" / "tables"
NETWORKS = ("mobilenet_v1", "mobilenet_v2", "resnet20", "resnet56")


def refit(name: str) -> Result:
    network, plan = get_network(name), PLANS[name]
    lines = (TABLES / "journals" / f"{name}.channel_pruning.journal.jsonl").read_text()
    records = {r["key"]: r for r in map(json.loads, lines.splitlines()[1:])}
    card = json.loads((TABLES / f"{name}.channel_pruning.json").read_text())
    groups = channel_groups(network)
    curves = []
    for group in groups:
        rows = records[f"sweep/{group.name}"]["rows"]
        kept, divergence = [r["kept"] for r in rows], [r["divergence"] for r in rows]
        curves.append(sweep_curve(kept, divergence, group.channels))
    fitted = [records[f"fitted/{i}"] for i in range(plan.fitted)]
    counts = {
        "spread": plan.heldout_spread,
        "random": plan.heldout_random,
        "guided": plan.heldout_guided,
    }
    heldout = {k: [records[f"heldout-{k}/{i}"] for i in range(n)] for k, n in counts.items()}
    table = fit_weights(
        curves,
        np.array([r["design"] for r in fitted]),
        np.array([r["divergence"] for r in fitted]),
    )
    full = Measurement(card["baseline_accuracy"], card["baseline_top5"], 0.0)
    return Result(name, groups, table, full, fitted, heldout, 1 / network.classes)


@pytest.mark.parametrize("name", NETWORKS)
def test_fitting_the_journal_again_gives_the_shipped_table_and_card(name: str) -> None:
    result = refit(name)
    with np.load(TABLES / f"{name}.channel_pruning.npz") as shipped:
        for key, array in result.arrays().items():
            if array.dtype.kind == "U":
                assert array.tolist() == shipped[key].tolist()
            else:
                np.testing.assert_allclose(array, shipped[key], rtol=1e-4, atol=1e-6)
    card = json.loads((TABLES / f"{name}.channel_pruning.json").read_text())
    for key, value in result.fidelity().items():
        assert card["heldout"][key] == pytest.approx(value, abs=2e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_design_was_both_fitted_on_and_held_out(name: str) -> None:
    result = refit(name)
    fitted = {tuple(r["design"]) for r in result.fitted}
    heldout = [tuple(r["design"]) for records in result.heldout.values() for r in records]
    assert len(heldout) >= 150
    assert len(result.heldout["random"]) + len(result.heldout["guided"]) >= 100
    assert not fitted & set(heldout)


@pytest.mark.parametrize("name", NETWORKS)
def test_rank_correlation_at_equal_budget_is_at_least_nine_tenths(name: str) -> None:
    assert refit(name).fidelity()["spearman_equal_budget"] >= 0.90
