"""What a report says about all environments together."""

from __future__ import annotations

from collections.abc import Sequence

from hwenvs.reporting import comparisons
from hwenvs.reporting.blocks import Block, Paragraph, Section, Table
from hwenvs.reporting.overall import Overall, Standing
from hwenvs.reporting.results import THRESHOLDS, Results
from hwenvs.reporting.sections import picture
from hwenvs.reporting.table import effort_text, number, range_text

EXPLANATION = (
    "A score of 0 is the uniform design at the same budget, 1 is the optimum; a run's score is "
    "that of its best design. The interquartile mean (IQM) is the mean of the middle half of all "
    "runs. Intervals are 95 %, by bootstrap stratified over environments; with fewer than ten runs "
    "they are too narrow. The area is the mean score of the best design so far over the "
    "evaluations of the budget, scores below 0 counting as 0: 1 would be the optimum at once. "
    "Means, intervals, profiles and probabilities follow Agarwal et al. (NeurIPS 2021)."
)

NAMES = ("overall_intervals", "overall_profiles", "overall_pairs", "overall_improvement")
"""Of the figures."""


def overall_section(overall: Overall, collected: Sequence[Results]) -> Section:
    """Statistics over all environments with scores.

    Raises:
        MissingExtraError: without matplotlib.
    """
    blocks: list[Block] = [Paragraph(EXPLANATION)]
    if overall.left_out:
        blocks.append(Paragraph(f"Without scores, so left out: {', '.join(overall.left_out)}."))
    if any(len(one.strata) < len(overall.environments) for one in overall.standings):
        blocks.append(
            Paragraph(
                "**Some solvers ran on some of the environments only**: their means are over "
                "other tasks, so compare them by the probability of improvement, which looks at "
                "common environments."
            )
        )
    if uneven := _uneven(overall):
        blocks.append(
            Paragraph(
                f"**Not all runs are there**: {', '.join(uneven)} ran more often on some "
                "environments than on others. Their means are nearer to those, so compare them by "
                "the probability of improvement, in which environments weigh the same."
            )
        )
    blocks.append(_standings(overall))
    if len(overall.environments) > 1:
        blocks.append(_matrix(overall, collected))
    blocks += _pictures(overall)
    title = "All environments together" if len(overall.environments) > 1 else "Solvers compared"
    return Section(title, "overall", tuple(blocks))


def _uneven(overall: Overall) -> list[str]:
    """Solvers whose runs are not spread equally over their environments."""
    return [standing.solver for standing in overall.standings if not standing.even]


def _standings(overall: Overall) -> Table:
    heads = [
        "solver",
        "environments",
        "runs",
        "median score",
        "IQM score [95 %]",
        "area",
        *(f"evaluations to {level:g}" for level in THRESHOLDS),
        f"beats {overall.champion.solver} [95 %]",
    ]
    last = ""
    if not all(map(overall.complete, overall.standings)):
        last = " Those that did not run equally often on all environments come last."
    return Table(
        "Solvers over all environments; evaluations are medians over all runs, in brackets how "
        f"many runs got there, unless all did or none.{last}",
        heads,
        [_row(overall, standing) for standing in overall.standings],
    )


def _row(overall: Overall, standing: Standing) -> list[str]:
    found = overall.against_champion.get(standing.solver)
    better = "" if found is None else f"{found.value:.0%}{range_text(found.interval, percent=True)}"
    return [
        standing.solver,
        str(len(standing.strata)),
        str(standing.runs),
        number(standing.median),
        number(standing.mean) + range_text(standing.interval),
        number(standing.area),
        *(_effort(standing, level) for level in THRESHOLDS),
        better,
    ]


def _effort(standing: Standing, level: float) -> str:
    effort, reached = standing.efforts[level], standing.reaches[level]
    return effort_text(effort, reached, standing.runs, standing.evaluations)


def _matrix(overall: Overall, collected: Sequence[Results]) -> Table:
    """Interquartile means, environments by solvers."""
    solvers = [standing.solver for standing in overall.standings]
    rows = []
    for results in collected:
        if results.title not in overall.environments:
            continue
        means = {entry.solver: number(entry.mean, 2) for entry in results.summaries}
        rows.append([results.title, *(means.get(solver, "") for solver in solvers)])
    return Table("Interquartile mean of the scores on each environment.", ["", *solvers], rows)


def _pictures(overall: Overall) -> list[Block]:
    means = ", ".join(f"{s.solver} {number(s.mean, 2)}" for s in overall.standings)
    best = overall.champion.solver
    often = ", or not equally often" if _uneven(overall) else ""
    blocks: list[Block] = [
        picture(
            NAMES[0],
            comparisons.intervals(overall),
            f"Dot plot of interquartile means with intervals: {means}.",
            "Interquartile mean of the best scores with its 95 % interval. Hollow: not run on all "
            f"environments{often}. Arrows: off scale.",
        ),
        picture(
            NAMES[1],
            comparisons.profiles(overall),
            "Line chart of the share of runs with a score above a level, by solver.",
            "Performance profiles: the share of runs whose best score is above τ, mean over "
            "environments, with pointwise 95 % bands. Higher is better; where lines cross, who is "
            "better depends on the score asked for.",
        ),
    ]
    if len(overall.standings) < 2:
        return blocks
    return [
        *blocks,
        picture(
            NAMES[2],
            comparisons.pairs(overall),
            f"Dot plot of the probability that each solver beats {best}, with intervals.",
            f"Probability that a run of the solver has a better score than one of {best} on an "
            "environment drawn at random, ties counting half. An interval that includes 50 % "
            "leaves open who is better.",
        ),
        picture(
            NAMES[3],
            comparisons.improvements(overall),
            "Matrix of the probabilities that the solver of a row beats that of a column.",
            "Probability in % that a run of the row's solver has a better score than one of the "
            "column's, over the environments that both ran on. Empty: none in common.",
        ),
    ]
