"""Colours of the page, light and dark: text at 4.5:1 or better, lines of figures at 3:1."""

from __future__ import annotations

from hwenvs.reporting import palette

LIGHT = {
    "page": "#ffffff",
    "stripe": "#f3f5f8",
    "text": "#1f242b",
    "quiet": "#515b68",
    "line": "#d3d9e1",
    "faint": "#e4e8ee",
    "link": "#00558f",
    "good": "#0b6b4a",
    "bad": "#a8330b",
}
"""What style.css calls ``var(--page)`` and so on."""

DARK = {
    "page": "#14171b",
    "stripe": "#1d2126",
    "text": "#e6e9ed",
    "quiet": "#a9b2be",
    "line": "#3b424c",
    "faint": "#2b3138",
    "link": "#84c5f7",
    "good": "#6fd3ae",
    "bad": "#ff9d76",
}
"""The same where dark pages are preferred."""

SLOTS = len(palette.SPARE)
"""Entries of a suite that are drawn in colours; more could not be told apart."""

LEGIBLE = 3.2
"""Contrast of lines: a little more than the 3:1 that WCAG 2.2 asks of graphics (1.4.11)."""


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours ``#rrggbb``, from 1 to 21, as WCAG 2.2 defines it."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def legible(colour: str, background: str, ratio: float = LEGIBLE) -> str:
    """``colour``, moved towards black or white until it stands out from ``background``."""
    goal = "#000000" if _luminance(background) > 0.18 else "#ffffff"
    for percent in range(101):
        moved = _mixed(colour, goal, percent)
        if contrast(moved, background) >= ratio:
            return moved
    return goal


def style_sheet() -> str:
    """The colours as CSS variables; classes ``c0`` to ``c5`` and ``rest`` set a line's look."""
    dashes = "".join(f".c{slot}{{--dash:{_dash(slot)}}}" for slot in range(SLOTS))
    dashes += ".rest{--dash:none}"
    return (
        f":root{{{_variables(LIGHT)}}}{_inks(LIGHT)}{dashes}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}{_inks(DARK)}}}\n"
    )


def _variables(scheme: dict[str, str]) -> str:
    bar = legible(palette.SOLVER_COLOURS["ddpg"], scheme["page"])
    return "".join(f"--{name}:{colour};" for name, colour in {**scheme, "bar": bar}.items())


def _inks(scheme: dict[str, str]) -> str:
    looks = {f"c{slot}": colour for slot, colour in enumerate(palette.SPARE)}
    looks["rest"] = palette.REST
    return "".join(
        f".{look}{{--ink:{legible(colour, scheme['page'])}}}" for look, colour in looks.items()
    )


def _dash(slot: int) -> str:
    """A dash of the reports' figures as CSS, in pixels of a line two pixels wide."""
    dash = palette.DASHES[slot % len(palette.DASHES)]
    return "none" if dash == "-" else " ".join(f"{2 * length:g}" for length in dash[1])


def _mixed(colour: str, goal: str, percent: int) -> str:
    pairs = zip(_channels(colour), _channels(goal), strict=True)
    return "#" + "".join(f"{(a * (100 - percent) + b * percent) // 100:02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    parts = [channel / 255 for channel in _channels(colour)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
