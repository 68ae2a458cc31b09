"""What the leaderboard's page is made of: colours, numbers, curves, pictures of designs."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest

from hwenvs.errors import ArgumentError
from hwenvs.leaderboards.page.colours import DARK, LIGHT, contrast, legible, style_sheet
from hwenvs.leaderboards.page.designs import choices, panels, picture
from hwenvs.leaderboards.page.pictures import Curve, interval, learning_curves
from hwenvs.leaderboards.page.text import clean, duration, effort, fixed, sort_key
from hwenvs.leaderboards.reading import TURNING
from hwenvs.reporting import palette


def test_text_has_enough_contrast():
    for scheme in (LIGHT, DARK):
        for ink in ("text", "quiet", "link", "good", "bad"):
            for paper in ("page", "stripe"):
                assert contrast(scheme[ink], scheme[paper]) >= 4.5, (ink, paper)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_lines_stand_out_in_both_schemes():
    light, dark = style_sheet().split("@media (prefers-color-scheme:dark)")
    for sheet, scheme in ((light, LIGHT), (dark, DARK)):
        inks = dict(re.findall(r"\.(c\d|rest)\{--ink:(#[0-9a-f]{6})\}", sheet))
        assert len(inks) == len(palette.SPARE) + 1
        assert len(set(inks.values())) == len(inks)
        assert all(contrast(ink, scheme["page"]) >= 3 for ink in inks.values())
    assert legible("#000000", "#ffffff") == "#000000", "what is legible stays as it is"


def test_looks_of_curves_differ_even_without_colours():
    dashes = re.findall(r"\.c\d\{--dash:([^}]*)\}", style_sheet())
    assert len(dashes) == len(palette.SPARE)
    assert len(set(dashes[: len(palette.DASHES)])) == len(palette.DASHES)


def test_numbers_have_fixed_digits():
    assert fixed(0.1 + 0.2) == fixed(0.3) == "0.300"
    assert fixed(-1e-9) == "0.000"
    assert fixed(-0.25, 1) == "-0.2"
    assert effort(float("inf")) == "not reached"
    assert effort(12.0) == "12"
    assert duration(None) == "not claimed"
    assert [duration(s) for s in (0.5, 65, 600, 36000)] == ["0.50 s", "65 s", "10.0 min", "600 min"]
    assert float(sort_key(None)) == float(sort_key(float("inf"))) > float(sort_key(1e6))
    assert clean("a\x00b\ud800\n") == "a\ufffdb\ufffd\n"


def test_the_page_turns_no_letters_around():
    every = "".join(map(chr, range(0x110000)))
    left = {c for c in clean(every) if unicodedata.bidirectional(c) in TURNING}
    assert left == set()
    assert clean("\u05d0\u200f \u03b2") == "\u05d0\u200f \u03b2", "words of all scripts stay"


def test_intervals_stay_on_their_axis():
    ends = re.findall(r"M([\d.]+) 10H([\d.]+)", interval(1.2, (-0.4, 1.5)))
    assert ends == [("5.0", "155.0")]


def test_curves_are_medians_and_quartiles():
    scores = np.array([[0.0, 1.0], [0.0, 0.5], [0.0, 0.5], [0.0, 0.0], [0.0, 0.5]])
    drawn = learning_curves("label", [Curve("name", "c0", scores)])
    line = re.search(r'class="line" d="M(\d+) (\d+)H(\d+)V(\d+)H\d+V(\d+)"', drawn)
    assert line is not None
    left, bottom, right, middle, last = map(int, line.groups())
    assert (left, right) == (52, 422)
    assert middle == last == (226 + 10) / 2
    assert bottom == 226
    single = learning_curves("label", [Curve("name", "c0", scores[:, :1])])
    assert "nan" not in single


def test_pictures_sort_decisions_by_kind(get_problem):
    haq, nas = panels(get_problem("HAQ-ResNet20-v0")), panels(get_problem("NAS-ProxylessCIFAR-v0"))
    assert [panel.label for panel in haq] == ["weights: bits", "activations: bits"]
    assert haq[0].ladder == [2, 3, 4, 5, 6, 7, 8]
    assert haq[1].places[:3] == (1, 3, 5)
    assert len(nas) == 1
    (pruning,) = panels(get_problem("AMC-ResNet20-v0"))
    assert pruning.label == "% of channels"
    assert not pruning.ladder
    lenet = panels(get_problem("DeepCompression-LeNet5-v0"))
    assert [panel.label for panel in lenet] == ["density: % of the weights", "codebook: bits"]
    assert lenet[1].ladder[-2:] == [8, 32]


def test_bars_are_as_high_as_what_is_kept(get_problem):
    problem = get_problem("AMC-ResNet20-v0")
    sizes = [decision.size for decision in problem.decisions]
    lowest = [int(decision.kept[0]) for decision in problem.decisions]
    drawn = picture(problem, "label", sizes, lowest)
    bars = re.search(r'class="bar" d="([^"]*)"', drawn)
    assert bars is not None
    boxes = re.findall(r"M\d+ (\d+)h\d+V(\d+)h", bars.group(1))
    heights = [int(lower) - int(upper) for upper, lower in boxes]
    expected = [120 * low / size for low, size in zip(lowest, sizes, strict=True)]
    assert np.allclose(heights, expected, atol=1)
    marks = re.search(r'class="optimum" d="([^"]*)"', drawn)
    assert marks is not None
    assert set(re.findall(r"M\d+ (\d+)h", marks.group(1))) == {"8"}
    assert 'class="bar"' not in picture(problem, "label", sizes, None)


def test_choices_are_named_as_the_environment_names_them(get_problem):
    problem = get_problem("NAS-ProxylessCIFAR-v0")
    design = [int(decision.kept[-1]) for decision in problem.decisions]
    shown = choices(problem, design, [int(d.kept[0]) for d in problem.decisions])
    assert shown[0].optimum == problem.levels[design[0] - 1]
    assert shown[0].options.split(", ") == list(problem.levels)
    assert [one.name for one in shown] == list(problem.names)
    few = choices(get_problem("HAQ-ResNet20-v0"), [8] * 36, None)
    assert few[0].options == "2 to 8 by 1"
    assert few[0].chosen == ""


def test_measured_problems_have_pictures_or_say_why():
    class Odd:
        title = "Odd one"
        names = ("a",)

    with pytest.raises(ArgumentError, match="Odd one"):
        panels(Odd())  # type: ignore[arg-type]
