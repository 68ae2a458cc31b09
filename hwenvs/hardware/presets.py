"""Chips for the roofline, as data with their sources."""

from __future__ import annotations

from dataclasses import dataclass

LAUNCH = "the overhead per layer is an assumption (data sheets give none)"


@dataclass(frozen=True)
class Preset:
    """A chip as the roofline sees it.

    Attributes:
        title: name to print.
        peaks: pairs of operand bits and peak operations per second at that width, narrowest
            first; one multiply-accumulate is two operations.
        bandwidth: bytes per second from main memory.
        overhead: seconds per layer that no amount of work avoids.
        source: where each figure comes from.
        power: watts while busy; energy is power times time.  None: energy is not reported.
        images: images that run together; costs are those of the whole batch.
    """

    title: str
    peaks: tuple[tuple[float, float], ...]
    bandwidth: float
    overhead: float
    source: str
    power: float | None = None
    images: int = 1


PRESETS: dict[str, Preset] = {
    "cortex_a76": Preset(
        "one Arm Cortex-A76 core of a Snapdragon 855 phone",
        peaks=((8, 181.76e9), (16, 90.88e9), (32, 45.44e9)),
        bandwidth=34.1e9,
        overhead=5e-6,
        source="Arm Cortex-A76: two 128-bit pipes, each 4 fp32 or 8 fp16 multiply-adds or one "
        "8-bit dot product of 16 a cycle; Qualcomm Snapdragon 855: 2.84 GHz prime core, four "
        f"16-bit channels of LPDDR4X at 2,133 MHz = 34.1 GB/s; {LAUNCH}",
    ),
    "epyc_7742": Preset(
        "AMD EPYC 7742, one socket",
        peaks=((32, 4.608e12),),
        bandwidth=204.8e9,
        overhead=5e-6,
        power=225.0,
        source="AMD EPYC 7742 product page: 64 cores at 2.25 GHz base, 204.8 GB/s, 225 W; Zen 2: "
        "two 256-bit fused multiply-add pipes a core = 32 fp32 operations a cycle; narrower "
        f"numbers run no faster here; {LAUNCH}",
    ),
    "v100": Preset(
        "NVIDIA V100 SXM2",
        peaks=((16, 125e12), (32, 15.7e12)),
        bandwidth=900e9,
        overhead=5e-6,
        power=300.0,
        source="NVIDIA V100 data sheet, SXM2: 125 TFLOPS tensor fp16, 15.7 TFLOPS fp32, 900 GB/s, "
        f"300 W; {LAUNCH}",
    ),
    "gpu": Preset(
        "NVIDIA V100 as ProxylessNAS measured it",
        peaks=((32, 15.7e12),),
        bandwidth=900e9,
        overhead=103.8e-6,
        images=8,
        source="NVIDIA V100 data sheet, SXM2: 15.7 TFLOPS fp32, 900 GB/s; the overhead per layer "
        "is calibrated: with it MobileNetV2 takes the 6.1 ms that ProxylessNAS (Cai et al., ICLR "
        "2019) measured on a V100 with 8 images; its other networks, which were not fitted, come "
        "within 4 % of its figures",
    ),
    "a100": Preset(
        "NVIDIA A100 SXM4 40 GB",
        peaks=((8, 624e12), (16, 312e12), (32, 19.5e12)),
        bandwidth=1555e9,
        overhead=5e-6,
        power=400.0,
        source="NVIDIA A100 data sheet, SXM4 40 GB: 624 TOPS int8, 312 TFLOPS fp16, 19.5 TFLOPS "
        f"fp32 (dense), 1,555 GB/s, 400 W; {LAUNCH}",
    ),
}
"""Presets of the roofline by name."""
