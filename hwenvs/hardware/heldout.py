"""How well a lookup table predicts a network that it was not fitted on.

``python -m hwenvs.hardware.heldout [CSV...]`` writes the report as Markdown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hwenvs.errors import DataError, HwenvsError
from hwenvs.hardware.fitting import MOBILE_CSVS, fit
from hwenvs.hardware.lookup import LookupModel
from hwenvs.hardware.measurements import Measurement, read_measurements
from hwenvs.hardware.workload import Workload


@dataclass(frozen=True)
class HeldOut:
    """A layer predicted by a table fitted on the other networks.

    Attributes:
        measurement: the layer and its measured seconds.
        predicted: predicted seconds.
    """

    measurement: Measurement
    predicted: float

    @property
    def error(self) -> float:
        """Relative error, signed."""
        return self.predicted / self.measurement.seconds - 1.0


def leave_one_network_out(measured: Sequence[Measurement]) -> dict[str, list[HeldOut]]:
    """For every network its layers, predicted by a table fitted on all other networks.

    Raises:
        DataError: if there are fewer than two networks.
        HardwareError: if a kind of layer was measured in one network only.
    """
    networks = tuple(dict.fromkeys(one.network for one in measured))
    if len(networks) < 2:
        only = f", not {networks[0]!r} alone" if networks else ""
        raise DataError(f"leaving a network out needs two networks or more{only}")
    held: dict[str, list[HeldOut]] = {}
    for network in networks:
        others = [one for one in measured if one.network != network]
        model = LookupModel(fit(others, f"all but {network}", ""))
        own = [one for one in measured if one.network == network]
        seconds = model.layer_costs(Workload.make(tuple(one.layer for one in own)))["latency"][0]
        held[network] = [HeldOut(*pair) for pair in zip(own, seconds.tolist(), strict=True)]
    return held


def total_error(layers: Sequence[HeldOut]) -> float:
    """Relative error of the sum over the layers, signed."""
    measured = sum(one.measurement.seconds for one in layers)
    return sum(one.predicted for one in layers) / measured - 1.0


def report(held: dict[str, list[HeldOut]]) -> str:
    """Totals of every network and the error of every layer, as Markdown."""
    lines = ["| left out | measured ms | predicted ms | error % | mean error of a layer % |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for network, layers in held.items():
        measured = 1000 * sum(one.measurement.seconds for one in layers)
        predicted = 1000 * sum(one.predicted for one in layers)
        mean = 100 * sum(abs(one.error) for one in layers) / len(layers)
        error = 100 * total_error(layers)
        lines.append(
            f"| {network} | {measured:.1f} | {predicted:.1f} | {error:+.1f} | {mean:.1f} |"
        )
    alike: dict[tuple[str, ...], list[str]] = {}
    for network, layers in held.items():
        alike.setdefault(tuple(one.measurement.layer.name for one in layers), []).append(network)
    for networks in alike.values():
        lines += ["", *_layer_table({network: held[network] for network in networks})]
    return "\n".join(lines) + "\n"


def _layer_table(held: dict[str, list[HeldOut]]) -> list[str]:
    """The errors of networks whose layers are called alike, side by side."""
    lines = ["| layer | " + " | ".join(held) + " |", "| --- |" + " ---: |" * len(held)]
    for row in zip(*held.values(), strict=True):
        cells = (f"{100 * one.error:+.1f}" for one in row)
        lines.append(f"| {row[0].measurement.layer.name} | " + " | ".join(cells) + " |")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the report."""
    parser = argparse.ArgumentParser(prog="python -m hwenvs.hardware.heldout", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", help="CSVs; by default those of 'mobile'")
    paths = parser.parse_args(arguments).files or MOBILE_CSVS
    try:
        text = report(leave_one_network_out(read_measurements(*paths)))
    except HwenvsError as error:
        parser.error(str(error))
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
