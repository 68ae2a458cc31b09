"""Pictures: a table in text, pixels, and a window, of any design at any step."""

from __future__ import annotations

import sys
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled
from matplotlib.colors import to_hex

from hwenvs import rendering
from hwenvs.problems.chain import ChainProblem
from hwenvs.text import amount_text, counted, result_text

pytestmark = pytest.mark.usefixtures("_no_display")


@pytest.fixture
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")


def after(env: gym.Env, steps: int) -> gym.Env:
    """The environment after some decisions."""
    env.reset()
    discrete = isinstance(env.action_space, gym.spaces.Discrete)
    for _ in range(steps):
        env.step(4 if discrete else np.array([0.6], np.float32))
    return env


def told(problem: ChainProblem, decision: int, entry: int) -> str:
    """How text tells what a decision says."""
    if problem.levels:
        return problem.levels[entry - 1]
    return f"{entry:4d} / {problem.decisions[decision].size:4d}"


def test_text_has_a_line_a_decision_and_the_budget(env_id: str) -> None:
    env = gym.make(env_id, render_mode="ansi")
    problem = env.unwrapped.problem
    lines = after(env, 3).render().splitlines()
    assert len(lines) == problem.horizon + 3
    assert "budget" in lines[0]
    for name, line in zip(problem.names, lines[2:], strict=False):
        assert name in line
    kept = env.unwrapped.get_state()
    assert told(problem, 2, kept[2]) in lines[4]
    assert lines[5].startswith("  3>")
    limited = problem.budget.amount < np.inf
    shown = f"{problem.budget.fraction:.1%} allowed" if limited else "spent"
    assert shown in lines[-1]


def test_text_of_a_finished_design_ends_with_its_result(env_id: str) -> None:
    env = gym.make(env_id, render_mode="ansi", constraint="projected")
    env.reset()
    for _ in range(env.unwrapped.problem.horizon):
        info = env.step(env.action_space.sample())[-1]
    text = env.render()
    assert f"accuracy {info['accuracy']:.2%}" in text
    assert f"MACs {info['cost_fractions']['macs']:.1%}" in text
    assert told(env.unwrapped.problem, 0, info["design"][0]) in text


def test_text_without_a_budget_says_so() -> None:
    env = gym.make(
        "AMC-ResNet20-v0", render_mode="ansi", budget=None, reward="error_times_log_macs"
    )
    assert "no budget" in after(env, 1).render()


TWO = {"latency": 0.5, "size": 0.7}
"""Budgets of a problem that has two."""


def test_text_has_a_column_and_a_bar_for_every_budget() -> None:
    env = gym.make("HAQ-ResNet20-v0", render_mode="ansi", budget=TWO)
    problem = env.unwrapped.problem
    title, head, *rows = after(env, 2).render().splitlines()
    costs = problem.progress(env.unwrapped.get_state()).spendings
    for spending, line in zip(costs, rows[problem.horizon :], strict=True):
        quantity = spending.quantity
        assert f"{quantity} settled" in head
        assert f"{TWO[quantity]:.1%} of {amount_text(problem.full_costs[quantity], quantity)}" in (
            title
        )
        assert line.startswith(quantity)
        share = spending.spent[1] / problem.full_costs[quantity]
        assert f"{share:.1%} spent, {TWO[quantity]:.1%} allowed" in line
        assert amount_text(spending.costs[1], quantity) in rows[1]
        assert f"{share:.1%}" in rows[1]
    assert len({line.index("spent") for line in rows[problem.horizon :]}) == 1
    assert len({len(row) for row in [head, *rows[:2]]}) == 1


def test_pictures_have_panels_for_every_budget() -> None:
    env = gym.make("HAQ-ResNet20-v0", render_mode="rgb_array", budget=TWO)
    env.reset()
    drawn = rendering.figure(env.unwrapped.problem.progress(()))
    labels = [axes.get_ylabel() for axes in drawn.axes]
    assert labels[-4:] == ["latency (% of full)", "size (% of full)", "latency", "size"]
    assert [axes.get_lines()[0].get_xdata()[0] for axes in drawn.axes[-2:]] == [
        budget.amount for budget in env.unwrapped.problem.budgets
    ]
    with_one = gym.make("HAQ-ResNet20-v0", render_mode="rgb_array")
    assert after(env, 1).render().shape[0] > after(with_one, 1).render().shape[0]


@pytest.mark.parametrize(
    ("env_id", "labels"),
    [
        ("DeepCompression-LeNet5-v0", ["density\n(% of the weights)", "codebook\n(bits)"]),
        ("HAQ-ResNet20-v0", ["weights\n(bits)", "activations\n(bits)"]),
        ("AMC-ResNet20-v0", ["channels"]),
        ("NAS-ProxylessCIFAR-v0", ["operator"]),
    ],
)
def test_decisions_of_different_kinds_have_axes_of_their_own(
    env_id: str, labels: list[str]
) -> None:
    env = after(gym.make(env_id), 3)
    problem, kept = env.unwrapped.problem, env.unwrapped.get_state()
    drawn = rendering.figure(problem.progress(kept))
    assert [axes.get_ylabel() for axes in drawn.axes[:-2]] == labels
    for place, axes in enumerate(drawn.axes[:-2]):
        count = problem.horizon // len(labels)
        heights = [bar.get_height() for bar in axes.patches]
        own = kept[place :: len(labels)]
        assert heights[:count] == [one.size for one in problem.decisions[place :: len(labels)]]
        assert heights[count : count + len(own)] == list(own)
        assert len(heights) == count + len(own) + (3 % len(labels) == place)
        assert max(axes.get_yticks()) <= max(heights)


@pytest.mark.parametrize("env_id", ["AMC-ResNet20-v0", "HAQ-ResNet20-v0", "NAS-ProxylessCIFAR-v0"])
@pytest.mark.parametrize("steps", [0, 2])
def test_legends_show_the_colours_of_the_bars_from_the_first_frame_on(
    env_id: str, steps: int
) -> None:
    env = after(gym.make(env_id), steps)
    drawn = rendering.figure(env.unwrapped.problem.progress(env.unwrapped.get_state()))
    legends = [axes.get_legend() for axes in drawn.axes if axes.get_legend()]
    colours = {
        text.get_text(): to_hex(
            handle.get_edgecolor() if text.get_text() == "next" else handle.get_facecolor()
        )
        for legend in legends
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
        if text.get_text() != "budget"
    }
    style = rendering.STYLE
    assert list(colours.values()) == [style.whole, style.kept, style.current, style.spent]


@pytest.mark.parametrize("env_id", ["HAQ-MobileNetV1-v0", "DeepCompression-LSTM-v0"])
def test_titles_are_broken_between_items(env_id: str) -> None:
    env = gym.make(env_id)
    env.reset()
    for _ in range(env.unwrapped.problem.horizon):
        info = env.step(env.action_space.sample())[-1]
    drawn = rendering.figure(env.unwrapped.problem.progress(info["design"].tolist()), info)
    lines = drawn.get_suptitle().splitlines()[1:]
    assert len(lines) > 1
    assert " · ".join(lines) == result_text(info)


@pytest.mark.parametrize("steps", [0, 5, 18])
def test_pixels_show_every_stage_of_an_episode(steps: int) -> None:
    env = gym.make("AMC-ResNet20-v0", render_mode="rgb_array")
    pixels = after(env, steps).render()
    assert pixels.shape == (560, 1000, 3)
    assert pixels.dtype == np.uint8
    blue = (pixels == (0x3B, 0x6F, 0xB6)).all(axis=2).sum()
    assert (blue > 500) == (steps > 0)


def test_pixels_need_no_display_and_do_not_touch_pyplot() -> None:
    before = sys.modules.pop("matplotlib.pyplot", None)
    after(gym.make("AMC-ResNet20-v0", render_mode="rgb_array"), 2).render()
    assert "matplotlib.pyplot" not in sys.modules
    if before is not None:
        sys.modules["matplotlib.pyplot"] = before


def test_the_window_follows_the_episode_and_closes() -> None:
    import matplotlib.pyplot as plt

    opened = len(plt.get_fignums())
    env = gym.make("AMC-ResNet20-v0", render_mode="human")
    assert after(env, 2).render() is None
    assert len(plt.get_fignums()) == opened + 1
    env.close()
    env.close()
    assert len(plt.get_fignums()) == opened


def test_vector_environments_draw_every_copy() -> None:
    envs = gym.make_vec("AMC-ResNet20-v0", num_envs=2, render_mode="ansi")
    envs.reset()
    envs.step(np.array([[0.2], [1.0]], np.float32))
    texts = envs.render()
    assert len(texts) == 2
    assert texts[0] != texts[1]
    assert gym.make_vec("AMC-ResNet20-v0", num_envs=2).render() is None


def test_vector_environments_tell_the_results_of_finished_designs_like_scalar_ones() -> None:
    envs = gym.make_vec("HAQ-ResNet20-v0", num_envs=2, render_mode="ansi")
    single = gym.make("HAQ-ResNet20-v0", render_mode="ansi")
    envs.reset()
    single.reset()
    for _ in range(envs.unwrapped.problem.horizon):
        envs.step(np.array([[0.2], [0.8]], np.float32))
        single.step(np.array([0.8], np.float32))
    assert envs.render()[1] == single.render()
    assert "accuracy" in envs.render()[0]


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(rendering, "import_module", refuse)
    env = gym.make("AMC-ResNet20-v0", render_mode="rgb_array")
    env.reset()
    with pytest.raises(DependencyNotInstalled, match=r"hwenvs\[plot\]"):
        env.render()


def test_render_without_a_mode_warns_like_gymnasium() -> None:
    env = gym.make("AMC-ResNet20-v0").unwrapped
    env.reset()
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None


@pytest.mark.parametrize(
    ("value", "quantity", "text"),
    [
        (284_370_176.0, "macs", "284 M MACs"),
        (0.0644, "latency", "64.4 ms"),
        (0, "energy", "0.00 J"),
        (1536, "size", "1.54 kB"),
        (4_231_976, "params", "4.23 M parameters"),
        (2e-10, "latency", "0.200 ns"),
        (9.997e-4, "latency", "1.00 ms"),
        (9.99e-4, "latency", "999 µs"),
        (999_999, "macs", "1.00 M MACs"),
        (999_499, "macs", "999 k MACs"),
        (999.9, "size", "1.00 kB"),
        (-9.997e-4, "latency", "-1.00 ms"),
    ],
)
def test_amounts_are_written_with_prefix_and_unit(value: float, quantity: str, text: str) -> None:
    assert rendering.amount_text(value, quantity) == text


@pytest.mark.parametrize(
    ("number", "things", "text"),
    [
        (0, ("batches",), "0 batches"),
        (1, ("batches",), "1 batch"),
        (2, ("batches",), "2 batches"),
        (1200, ("batches",), "1,200 batches"),
    ],
)
def test_one_is_no_plural(number: int, things: tuple[str, ...], text: str) -> None:
    assert counted(number, "batch", *things) == text


def test_a_block_that_is_left_out_has_a_mark_and_no_height() -> None:
    problem = gym.make("NAS-ProxylessCIFAR-v0").unwrapped.problem
    drawn = rendering.figure(problem.progress((1, 3, 2, 1)))
    axes = drawn.axes[0]
    assert axes.get_yticklabels()[0].get_text() == "zero"
    assert axes.get_ylim()[0] == axes.get_yticks()[0] == 1
    (marks,) = axes.collections
    assert [segment[:, 0].mean().round() for segment in marks.get_segments()] == [0, 3]
    without = rendering.figure(gym.make("AMC-ResNet20-v0").unwrapped.problem.progress((8, 8))).axes[
        0
    ]
    assert without.get_ylim()[0] == 0
    assert not [segment for marks in without.collections for segment in marks.get_segments()]


def test_text_says_the_same_of_choices() -> None:
    priced = {"budget": None, "reward": "accuracy_times_cost", "target": 0.5}
    problem = gym.make("NAS-ProxylessCIFAR-v0", **priced).unwrapped.problem
    lines = rendering.ansi(problem.progress((1, 7))).splitlines()
    assert "uncompressed" not in lines[0]
    assert [lines[place].count("█") for place in (2, 3)] == [0, 24]
