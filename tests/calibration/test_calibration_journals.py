"""The shipped tables follow from the measurements kept beside them."""

import json
from pathlib import Path

import numpy as np
import pytest

import hwenvs
from hwenvs.calibration.bench import Measurement
from hwenvs.calibration.families import get_family
from hwenvs.calibration.fit import fit_weights, sweep_curve
from hwenvs.calibration.table import Result
from hwenvs.networks import get_network

TABLES = Path(hwenvs.__file__).parent / "proxies" / "tables"
SHIPPED = [
    ("mobilenet_v1", "channel_pruning"),
    ("mobilenet_v2", "channel_pruning"),
    ("resnet20", "channel_pruning"),
    ("resnet56", "channel_pruning"),
    ("resnet50", "channel_pruning"),
    ("resnet50", "fine_grained_pruning"),
    ("mobilenet_v1", "bit_allocation"),
    ("mobilenet_v2", "bit_allocation"),
    ("resnet20", "bit_allocation"),
    ("resnet56", "bit_allocation"),
    ("resnet50", "bit_allocation"),
    ("lenet_300_100", "deep_compression"),
    ("lenet5", "deep_compression"),
    ("lstm", "deep_compression"),
]
HELD_OUT = {
    ("resnet50", "channel_pruning"): 90,
    ("resnet50", "fine_grained_pruning"): 90,
    ("mobilenet_v1", "bit_allocation"): 85,
    ("mobilenet_v2", "bit_allocation"): 60,
    ("resnet20", "bit_allocation"): 85,
    ("resnet56", "bit_allocation"): 85,
    ("resnet50", "bit_allocation"): 85,
}
"""Held-out designs where a design takes so long that there are fewer than 150."""

BELOW: dict[tuple[str, str], float] = {}
"""Tables that rank designs at equal budget less well than 0.90."""

TRAINED_CLASSES = {"resnet50": 10}
"""Classes of weights that were trained for fewer than the published network has."""


def refit(name: str, family: str) -> Result:
    network = get_network(name)
    lines = (TABLES / "journals" / f"{name}.{family}.journal.jsonl").read_text()
    records = {r["key"]: r for r in map(json.loads, lines.splitlines()[1:])}
    card = json.loads((TABLES / f"{name}.{family}.json").read_text())
    groups = get_family(family).groups(network)
    curves = []
    for group in groups:
        rows = records[f"sweep/{group.name}"]["rows"]
        kept, divergence = [r["kept"] for r in rows], [r["divergence"] for r in rows]
        curves.append(sweep_curve(kept, divergence, group.channels))
    fitted = [records[f"fitted/{i}"] for i in range(card["fitted_designs"])]
    heldout = {
        kind: [record for key, record in records.items() if key.startswith(f"heldout-{kind}/")]
        for kind in ("spread", "random", "guided")
    }
    table = fit_weights(
        curves,
        np.array([r["design"] for r in fitted]),
        np.array([r["divergence"] for r in fitted]),
        get_family(family).shrink,
    )
    full = Measurement(card["baseline_accuracy"], card["baseline_top5"], 0.0)
    chance = 1 / TRAINED_CLASSES.get(name, network.classes)
    return Result(name, groups, table, full, fitted, heldout, chance, family)


@pytest.mark.parametrize(("name", "family"), SHIPPED)
def test_fitting_the_journal_again_gives_the_shipped_table_and_card(name: str, family: str) -> None:
    result = refit(name, family)
    with np.load(TABLES / f"{name}.{family}.npz") as shipped:
        for key, array in result.arrays().items():
            if array.dtype.kind == "U":
                assert array.tolist() == shipped[key].tolist()
            else:
                np.testing.assert_allclose(array, shipped[key], rtol=1e-4, atol=1e-6)
    card = json.loads((TABLES / f"{name}.{family}.json").read_text())
    for key, value in result.fidelity().items():
        assert card["heldout"][key] == pytest.approx(value, abs=2e-3)


@pytest.mark.parametrize(("name", "family"), SHIPPED)
def test_no_design_was_both_fitted_on_and_held_out(name: str, family: str) -> None:
    result = refit(name, family)
    fitted = {tuple(r["design"]) for r in result.fitted}
    heldout = [tuple(r["design"]) for records in result.heldout.values() for r in records]
    least = HELD_OUT.get((name, family), 150)
    assert len(heldout) >= least
    assert len(result.heldout["random"]) + len(result.heldout["guided"]) >= 0.65 * least
    assert not fitted & set(heldout)


@pytest.mark.parametrize(("name", "family"), SHIPPED)
def test_rank_correlation_at_equal_budget_is_at_least_nine_tenths_or_the_card_says_so(
    name: str, family: str
) -> None:
    reached = refit(name, family).fidelity()["spearman_equal_budget"]
    assert reached >= BELOW.get((name, family), 0.90)
    if (name, family) in BELOW:
        card = json.loads((TABLES / f"{name}.{family}.json").read_text())
        assert any("0.90 is wanted" in words for words in card["falls_short"])
