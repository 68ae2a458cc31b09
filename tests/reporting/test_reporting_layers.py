"""Designs layer by layer, and what a page says of where accuracies come from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from hwenvs.problems import make_problem
from hwenvs.registration import ENVIRONMENTS
from hwenvs.reporting import drawing
from hwenvs.reporting.animation import _draw_design, _draw_rewards
from hwenvs.reporting.blocks import Document, Paragraph
from hwenvs.reporting.layers import channels
from hwenvs.reporting.markdown import markdown_page
from hwenvs.reporting.results import Results, collect
from hwenvs.reporting.sections import environment_section
from hwenvs.solving import get_solver, solve

LENET = "DeepCompression-LeNet5-v0"


def results_of(environment: str, evaluations: int = 1) -> Results:
    """Random designs of ``environment``."""
    return collect([solve(get_solver("random"), environment, evaluations, 0)])[0]


@pytest.mark.parametrize(
    ("environment", "labels"),
    [
        (LENET, ["density\n(% of the weights kept)", "codebook\n(bits kept)"]),
        ("HAQ-ResNet20-v0", ["weights\n(bits kept)", "activations\n(bits kept)"]),
        ("AMC-ResNet20-v0", ["channels kept", "kept (%)"]),
        ("NAS-ProxylessCIFAR-v0", ["operator"]),
    ],
)
def test_panels_of_a_design_count_in_one_unit_each(environment: str, labels: list[str]) -> None:
    results = results_of(environment)
    drawn = channels(results)
    assert [axes.get_ylabel() for axes in drawn.axes] == labels
    run = results.best
    design = run.designs[run.best]
    kinds = 1 if environment.startswith(("AMC", "NAS")) else 2
    for place, axes in enumerate(drawn.axes[:kinds]):
        heights = [bar.get_height() for bar in axes.patches]
        assert heights[len(design) // kinds :] == list(design[place::kinds])
    names = [label.get_text() for label in drawn.axes[-1].get_xticklabels()]
    assert len(names) == len(design) // kinds
    assert not any(name.endswith(("density", "codebook", "weights")) for name in names)


def test_a_block_that_is_left_out_has_no_height() -> None:
    run = solve("uniform", "NAS-ProxylessCIFAR-v0", 1)
    design = [1, 3, *run.designs[0][2:-1], 1]
    run.designs, run.rewards = [run.designs[0], design], [run.rewards[0], 2.0]
    run.accuracies, run.scores = [0.5, 0.5], None
    (axes,) = channels(collect([run])[0]).axes
    assert axes.get_yticklabels()[0].get_text() == "zero"
    assert axes.get_ylim()[0] == axes.get_yticks()[0] == 1
    marks = axes.collections[0].get_segments()
    assert [segment[:, 0].mean().round() for segment in marks] == [0, len(design) - 1]


def test_titles_are_broken_between_words_and_not_within_ids() -> None:
    axes = Figure((9.0, 3.0)).subplots()
    words = [f"{'x' * place}-DeepCompression-LeNet300-Ratio-v0" for place in range(1, 9)]
    drawing.title(axes, " ".join(words), "")
    lines = axes.get_title(loc="left").splitlines()
    assert len(lines) > 2
    assert " ".join(lines).split() == words


def test_films_say_what_heights_are_percent_of() -> None:
    problem = make_problem(**ENVIRONMENTS[LENET])
    axes = Figure().subplots()
    _draw_design(axes, problem, [50, 8] * 4, "")
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["density: % of the weights", "codebook: % of 32 bits"]
    assert [bar.get_height() for bar in axes.patches[8:]] == [50.0] * 4 + [25.0] * 4
    axes = Figure().subplots()
    problem = make_problem(**ENVIRONMENTS["AMC-ResNet20-v0"])
    _draw_design(axes, problem, problem.reference.designs[0].tolist(), "")
    assert axes.get_ylabel() == "kept (% of channels)"


@pytest.mark.parametrize(
    ("environment", "said", "highest"),
    [
        (
            "AMC-DigitsLeNet-v0",
            "Accuracies were measured design by design, on digits test rows 0 to 796",
            "Highest measured accuracy at no more",
        ),
        (
            "AMC-ResNet20-v0",
            "Accuracies are estimates of a proxy, measured on cifar10",
            "Highest estimated accuracy at no more",
        ),
        (
            "NAS-Proxyless-v0",
            "Accuracies are estimates of a proxy, not measured but transferred",
            "Highest estimated accuracy at no more",
        ),
    ],
)
def test_a_page_says_whether_accuracies_were_measured_or_estimated(
    environment: str, said: str, highest: str
) -> None:
    section = environment_section(results_of(environment, 2), 1)
    first = next(block for block in section.blocks if isinstance(block, Paragraph))
    assert said in first.text
    assert highest in markdown_page(Document("", section.blocks))


def test_a_page_says_what_the_entries_of_designs_count_in() -> None:
    section = environment_section(results_of(LENET), 1)
    assert "Kept % of the weights and bits in turn:" in markdown_page(Document("", section.blocks))


def test_a_film_says_where_its_axis_of_scores_cuts_off_the_worst() -> None:
    run = solve(get_solver("random"), "AMC-ResNet20-v0", 3, 0)
    for scores, cut in ((([-50.0] + [0.0, 0.5] * 20), True), ([0.0, 0.5] * 20, False)):
        axes = Figure().subplots()
        _draw_rewards(axes, replace(run, scores=scores), len(scores) - 1)
        assert axes.get_ylabel() == ("score\n(lowest 5% cut off)" if cut else "score")
        assert (axes.get_ylim()[0] > min(scores)) == cut
