"""Tables of the phone's form: own measurements are fitted, damaged files refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwenvs.errors import DataError, HardwareError
from hwenvs.hardware import Workload, get_hardware
from hwenvs.hardware.fitting import main
from hwenvs.hardware.lookup import DATA, TERMS, Curve
from hwenvs.hardware.measurements import read_measurements
from hwenvs.networks import get_network
from hwenvs.networks.base import Layer

SHIPPED = json.loads((DATA / "mobile.json").read_text(encoding="utf-8"))

HEADER = "network,layer,type,in_channels,out_channels,kernel,stride,in_size,run1_ms"


@pytest.mark.parametrize(
    ("modelled", "measured", "message"),
    [
        ((1.0, 2.0), (1.0,), "2 modelled and 1 measured"),
        ((2.0, 1.0), (1.0, 2.0), "above 0 and ascend"),
        ((1.0, 1.0), (1.0, 2.0), "above 0 and ascend"),
        ((0.0, 1.0), (1.0, 2.0), "above 0 and ascend"),
        ((1.0, 2.0), (2.0, 1.0), "must not fall"),
        ((1.0, 2.0), (-1.0, 1.0), "must not be negative"),
        ((1.0, float("nan")), (1.0, 2.0), "finite numbers, not nan"),
        ((1.0, 2.0), (1.0, float("inf")), "finite numbers, not inf"),
        ((1.0, 2.0), (1.0, "2.0"), "finite numbers, not '2.0'"),
    ],
)
def test_knots_that_make_no_curve_are_refused(
    modelled: tuple[Any, ...], measured: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(HardwareError, match=message):
        Curve(modelled, measured)


def _first(key: str, value: Callable[[list[float]], Any]) -> Callable[[dict[str, Any]], None]:
    """Changes a list of the first shape."""

    def change(table: dict[str, Any]) -> None:
        table["shapes"][0][key] = value(table["shapes"][0][key])

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_first("measured", lambda times: times[:-1]), "modelled and .* measured"),
        (_first("measured", lambda times: times[::-1]), "must not fall"),
        (_first("modelled", lambda times: [times[0], *times[:-1]]), "above 0 and ascend"),
        (_first("measured", lambda times: [-1.0, *times[1:]]), "must not be negative"),
        (_first("measured", lambda times: ["fast", *times[1:]]), "not 'fast'"),
        (_first("measured", lambda times: [float("nan"), *times[1:]]), "not nan"),
        (lambda table: table["shapes"][0].update(modelled=[], measured=[]), "no measured times"),
        (lambda table: table["shapes"].append(table["shapes"][0]), "in the table twice"),
        (lambda table: table["seconds_per"]["conv"].update(mac=1.0), f"'mac'; known: {TERMS[0]}"),
        (lambda table: table["seconds_per"]["conv"].update(macs=-1.0), "macs must be finite"),
        (lambda table: table["seconds_per"]["conv"].update(macs="1"), "macs must be finite"),
    ],
)
def test_a_damaged_table_is_refused_with_its_file_and_what_is_wrong(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    table = copy.deepcopy(SHIPPED)
    change(table)
    file = tmp_path / "damaged.json"
    file.write_text(json.dumps(table), encoding="utf-8")
    for open_it in (lambda: get_hardware(str(file)), lambda: get_hardware("lookup", table=file)):
        with pytest.raises(HardwareError, match=message) as caught:
            open_it()
        shape = SHIPPED["shapes"][0]
        named = f"{shape['kind']} {shape['kernel']} x {shape['kernel']}, stride {shape['stride']}"
        assert "damaged.json" in str(caught.value)
        assert named in str(caught.value) or "conv layers: " in str(caught.value)


def test_a_table_of_ones_own_measurements_is_fitted_and_loaded(tmp_path: Path) -> None:
    rows = [HEADER]
    rows += [f"mine,conv{c},conv,{c},{c},3,1,8,{c * c * 9 * 64 * 1e-6}" for c in (16, 24, 32)]
    source = tmp_path / "mine.csv"
    source.write_text("\n".join(rows) + "\n", encoding="utf-8")
    target = tmp_path / "mine.json"
    main([str(source), str(target), "--source", "made up for a test"])
    model = get_hardware("lookup", table=str(target))
    assert (model.name, model.source) == ("mine", "made up for a test")
    with pytest.raises(SystemExit):
        main([str(source)])
    layer = Layer("a", (), 64, 8, kind="conv", in_channels=64, in_size=8, kernel=3, padding=1)
    latency = model.cost(Workload.single(layer, [16, 20, 64], [16, 20, 64]))["latency"]
    assert latency == pytest.approx([n * n * 9 * 64 * 1e-9 for n in (16, 20, 64)])
    with pytest.raises(HardwareError, match="'mine' has no measured layer of kind linear"):
        model.cost(Workload.of(get_network("lenet_300_100")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network,layer\n", "columns missing: type, in_channels"),
        (HEADER.removesuffix(",run1_ms"), "run1_ms"),
        (f"{HEADER}\na,b,lstm,1,1,1,1,1,1.0\n", "line 2: 'lstm'.*types: conv"),
        (f"{HEADER}\na,b,conv,3,8,3,2,32,-1.0\n", "line 2: run1_ms must be .* above 0, not '-1.0'"),
        (f"{HEADER}\na,b,conv,3,8,3,2,32,nan\n", "line 2: run1_ms must be .* not 'nan'"),
        (f"{HEADER}\na,b,conv,3,8,3,2,32,0\n", "line 2: run1_ms must be .* not '0'"),
        (f"{HEADER}\na,b,conv,3,8,3,2,32\n", "line 2: run1_ms must be .* not None"),
        (f"{HEADER}\n\na,b,conv,3,8,3,0,32,1.0\n", "line 3: stride must be a whole number above"),
        (f"{HEADER}\na,b,conv,0,8,3,1,32,1.0\n", "line 2: in_channels must be a whole number"),
        (f"{HEADER}\na,b,conv,3.5,8,3,1,32,1.0\n", "line 2: in_channels must be .* not '3.5'"),
        (f"{HEADER}\na,b,depthwise,4,8,3,1,32,1.0\n", "line 2: a depthwise layer .* not 4 -> 8"),
        (f"{HEADER}\n", "no measured layers in .*bad.csv"),
        (f"{HEADER}\na,p,average_pool,8,8,1,1,1,1.0\n", "line 2: no layer of 'a' follows"),
        (
            f"{HEADER}\na,p,average_pool,8,8,1,1,1,100\nb,c,conv,3,8,3,2,32,1.0\n",
            "line 2: no layer of 'a' follows",
        ),
    ],
)
def test_a_csv_that_is_not_one_is_refused(tmp_path: Path, text: str, message: str) -> None:
    source = tmp_path / "bad.csv"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_measurements(source)
    with pytest.raises(DataError, match="no file"):
        read_measurements(tmp_path / "absent.csv")


def test_a_table_that_is_not_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r"'phone' cannot be read.*valid: mobile"):
        get_hardware("lookup", table="phone")
    odd = tmp_path / "odd.json"
    odd.write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(HardwareError, match="not a table"):
        get_hardware("lookup", table=str(odd))


@pytest.mark.parametrize(
    ("time", "options", "message"),
    [
        ("0.5", [], "needs --source: what was measured, where and by whom"),
        ("0.5", ["--source", " "], "needs --source"),
        ("-1", ["--source", "me"], "mine.csv, line 2: run1_ms"),
    ],
)
def test_the_command_says_in_a_line_what_it_needs_and_leaves_the_file_alone(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    time: str,
    options: list[str],
    message: str,
) -> None:
    source, target = tmp_path / "mine.csv", tmp_path / "mine.json"
    source.write_text(f"{HEADER}\na,b,conv,3,8,3,2,32,{time}\n", encoding="utf-8")
    target.write_text("as it was", encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        main([str(source), str(target), *options])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
    assert target.read_text(encoding="utf-8") == "as it was"


def test_a_table_that_cannot_be_written_whole_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "mine.csv", tmp_path / "mine.json"
    source.write_text(f"{HEADER}\na,b,conv,3,8,3,2,32,0.5\n", encoding="utf-8")
    target.write_text("as it was", encoding="utf-8")

    def full(path: Path, *_: object, **__: object) -> int:
        path.write_bytes(b"{")
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SystemExit):
        main([str(source), str(target), "--source", "me"])
    assert target.read_bytes() == b"as it was"
