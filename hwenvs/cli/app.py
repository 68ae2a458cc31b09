"""The commands of ``hwenvs``, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from hwenvs import __version__
from hwenvs.cli import (
    animation,
    architectures,
    archives,
    calibrate,
    drawing,
    exporting,
    finetune,
    leaderboard,
    listing,
    offline,
    profile,
    quantize,
    report,
    running,
    specialise,
    submit,
    sweep,
    train,
    verify,
)
from hwenvs.cli.commands import Commands, examples
from hwenvs.cli.console import output

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    epilog=examples(
        "hwenvs list",
        "hwenvs compare AMC-ResNet56-v0 --solvers decomposition,random,exact --evaluations 100",
        "hwenvs render AMC-MobileNetV1-v0 --design optimum --budget 0.4",
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        output().print(f"hwenvs {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Environments for hardware-aware design of neural networks: list, solve, compare, look."""


app.command("list", epilog=examples("hwenvs list"))(listing.list_environments)
app.command(
    "card", epilog=examples("hwenvs card AMC-ResNet56-v0", "hwenvs card AMC-VGG16-v0 --json")
)(listing.card)
app.command(
    "run",
    epilog=examples(
        "hwenvs run AMC-ResNet56-v0 --solver ddpg --evaluations 400 --seeds 10 --workers 2",
        "hwenvs run AMC-MobileNetV1-v0 --solver cma-es --hardware mobile --cost latency",
    ),
)(running.run)
app.command(
    "compare",
    epilog=examples(
        "hwenvs compare AMC-MobileNetV1-v0 --seeds 6 --workers 2 --out report",
        "hwenvs compare AMC-ResNet56-v0 --solvers decomposition,random,exact --budget 0.4",
    ),
)(running.compare)
app.command(
    "sweep",
    epilog=examples(
        "hwenvs sweep sweep.yaml --out results --workers 2",
        "hwenvs sweep sweep.yaml --out results --engine ray --address auto",
    ),
)(sweep.sweep)
app.command(
    "report",
    epilog=examples(
        "hwenvs report runs/AMC-ResNet56-v0.ddpg.jsonl --out report",
        "hwenvs report sweep --out report",
    ),
)(report.report)
app.command(
    "submit",
    epilog=examples("hwenvs submit results --suite amc --name mine --about about.json"),
)(submit.submit)
app.add_typer(leaderboard.leaderboard, name="leaderboard")
app.command(
    "render",
    epilog=examples(
        "hwenvs render AMC-ResNet56-v0 --design uniform",
        "hwenvs render AMC-ResNet56-v0 --design best:report/runs.jsonl --out design.png",
        "hwenvs render AMC-ResNet20-v0 --design @design.json",
    ),
)(drawing.render)
app.command(
    "specialise",
    epilog=examples(
        "hwenvs specialise HAQ-MobileNetV1-v0 --budget 0.6 --out report",
        "hwenvs specialise AMC-MobileNetV1-v0 --hardware mobile,v100 --budget 0.7",
        "hwenvs specialise NAS-Proxyless-v0 --hardware mobile,cpu,gpu --out report",
    ),
)(specialise.specialise)
app.command(
    "animate",
    epilog=examples(
        "hwenvs animate NAS-ProxylessCIFAR-v0 --solver reinforce --out search.gif",
        "hwenvs animate AMC-ResNet56-v0 --solver decomposition --evaluations 60 --out search.gif",
    ),
)(animation.animate)
app.command("train")(train.train)
app.command(
    "train-supernet",
    epilog=examples(
        "hwenvs train-supernet proxyless_cifar --out weights --threads 2",
        "hwenvs train-supernet proxyless_digits --out weights --epochs 60 --batch-size 50",
    ),
)(train.train_supernet)
app.command(
    "train-architectures",
    epilog=examples(
        "hwenvs train-architectures proxyless_cifar --out trained --epochs 20 --workers 2",
    ),
)(architectures.train_architectures)
app.add_typer(listing.hardware, name="hardware")
app.command(
    "profile",
    epilog=examples(
        "hwenvs profile mobilenet_v1 --runtime onnxruntime --out my_cpu.json --check 20",
        "hwenvs run AMC-MobileNetV1-v0 --solver exact --hardware my_cpu.json --cost latency",
    ),
)(profile.profile)
app.command(
    "calibrate",
    epilog=examples(
        "hwenvs calibrate channel-pruning resnet20 --out tables --workers 2",
        "hwenvs calibrate bit-allocation mobilenet_v1 --out tables --workers 2",
        "hwenvs calibrate operator-selection proxyless_cifar --out tables --workers 2",
    ),
)(calibrate.calibrate)
app.command(
    "compress",
    epilog=examples(
        "hwenvs compress resnet20 --weights resnet20.safetensors --density 0.5 --out small.hwnz",
        "hwenvs compress lenet5 --weights lenet5.pt --density 0.1 --layer conv1=0.66:8 --out a",
    ),
)(archives.compress)
app.command(
    "decompress", epilog=examples("hwenvs decompress small.hwnz --out resnet20.safetensors")
)(archives.decompress)
app.command(
    "deep-compression", epilog=examples("hwenvs deep-compression lenet5 --out small --threads 2")
)(archives.deep_compression)
app.command("verify-design")(verify.verify_design)
app.command("verify-architecture")(architectures.verify_architecture)
app.command(
    "export",
    epilog=examples(
        "hwenvs export resnet20 --design optimum --out resnet20.onnx",
        "hwenvs export --design report/runs.jsonl --format safetensors",
        "hwenvs export digits_mobilenet --family bit-allocation --design optimum --budget 0.4",
    ),
)(exporting.export)
app.command(
    "export-minari",
    epilog=examples(
        "hwenvs export-minari runs/AMC-ResNet20-v0.cma-es.jsonl --name hwenvs/amc/cma-es-v0",
        "hwenvs export-minari results --environment AMC-ResNet20-v0 --solvers ddpg,cma-es",
    ),
)(offline.export_minari)
app.command(
    "quantize",
    epilog=examples(
        "hwenvs quantize resnet20 --out resnet20-int8.onnx --evaluation-rows 0:2000",
        "hwenvs quantize model.onnx --calibration photos --method entropy",
        "hwenvs quantize model.onnx --input-fn my_inputs:batch",
    ),
)(quantize.quantize)
app.command(
    "finetune",
    epilog=examples(
        "hwenvs finetune resnet56 --design optimum --out tuned --epochs 10",
        "hwenvs finetune digits_resnet --design 2,2,2,4,4,6 --out tuned --epochs 30 "
        "--learning-rate 0.1",
        "hwenvs finetune resnet56 --family fine-grained --design uniform --budget 0.2 --out tuned",
    ),
)(finetune.finetune)
