"""The leaderboard's page without a browser: structure, escaping, bytes, colours."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hwenvs.errors import ArgumentError, EntryError
from hwenvs.leaderboards.board import ENTRIES, LOG, Board, check_board
from hwenvs.leaderboards.entries import ABOUT, About, open_entry
from hwenvs.leaderboards.log import append, head
from hwenvs.leaderboards.page import render, write
from hwenvs.leaderboards.page.colours import DARK, LIGHT, contrast, legible, style_sheet
from hwenvs.leaderboards.page.designs import choices, panels, picture
from hwenvs.leaderboards.page.pictures import Curve, interval, learning_curves
from hwenvs.leaderboards.page.text import clean, duration, effort, fixed, sort_key
from hwenvs.leaderboards.verify import verify
from hwenvs.reporting import palette

VOID = {"meta", "input", "link", "br", "img", "path", "circle"}
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}\x00\u202e&"


class Reader(HTMLParser):
    """Tags with their attributes, the text, and whether every tag is closed by its own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.stack: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if not {"style", "script"} & set(self.stack):
            self.words.append(data)

    def all(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag == name]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module")
def checked(board_folder: Path) -> Board:
    found = check_board(board_folder, suites=board_folder / "suites")
    assert not found.faults
    return found


@pytest.fixture(scope="module")
def page(checked: Board) -> str:
    return render(checked)


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    return Reader(page)


def test_every_tag_is_closed_and_every_id_is_there_once(reader):
    assert not reader.stack
    ids = Counter(a["id"] for _, a in reader.tags if "id" in a)
    assert len(ids) > 10
    assert set(ids.values()) == {1}


def test_every_anchor_and_every_label_has_its_target(reader):
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    anchors = {a["href"][1:] for a in reader.all("a") if a["href"].startswith("#")}
    labelled = {a["aria-labelledby"] for _, a in reader.tags if "aria-labelledby" in a}
    labels = {a["for"] for a in reader.all("label")}
    assert len(anchors) > 10
    assert labelled
    assert labels
    assert anchors | labelled | labels <= ids


def test_nothing_is_loaded_from_anywhere(page, reader):
    loading = ("src", "srcset", "data", "action", "poster", "background", "xlink:href")
    assert not [a for _, a in reader.tags for name in loading if name in a]
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & {
        tag for tag, _ in reader.tags
    }
    outside = [a for tag, a in reader.tags if "href" in a and not a["href"].startswith("#")]
    assert outside
    assert all(a["href"].startswith("https://") and "noopener" in a["rel"] for a in outside)
    assert "url(" not in page
    assert "@import" not in page
    assert "http://" not in page


def test_the_page_is_equal_byte_for_byte(board_folder, page, tmp_path):
    other = tmp_path / "elsewhere"
    shutil.copytree(board_folder, other)
    again = check_board(other, suites=other / "suites")
    path = write(again)
    assert path == other / "index.html"
    assert path.read_bytes() == page.encode()
    assert write(again).read_bytes() == page.encode()
    assert str(board_folder) not in page


def test_last_bits_do_not_show(checked, page):
    nudged = {}
    for key, verdict in checked.verdicts.items():
        judged = [
            replace(one, curves=np.where(one.curves > 0, np.nextafter(one.curves, 2), 0.0))
            for one in verdict.judged
        ]
        nudged[key] = replace(verdict, judged=tuple(judged))
    digest = re.compile(r"<dt>Verdict</dt><dd><code>[0-9a-f]{64}")
    moved = render(replace(checked, verdicts=nudged))
    assert digest.sub("", moved) == digest.sub("", page)
    assert moved != page


def test_the_page_holds_what_is_ranked(checked, board_folder, small_suite, reader):
    rows = checked.rows(small_suite)
    assert len(rows) == 3
    assert head(board_folder / LOG) in reader.text
    assert "Log of 3 lines" in reader.text
    for row in rows:
        assert row.verdict.entry.digest in reader.text
        assert row.verdict.digest in reader.text
        assert f"hwenvs leaderboard verify small-v1/{row.name}" in reader.text
        low, high = row.interval
        assert f"{row.mean:.3f} ({low:.3f} to {high:.3f})" in reader.text
    shown = [a["data-search"].split()[0] for a in reader.all("tr") if "data-search" in a]
    assert shown == [row.name for row in rows]
    for task in small_suite.tasks:
        assert task.dynamics in reader.text
        assert ",".join(map(str, task.design)) in reader.text


def test_the_best_design_is_the_best_of_all_entries(checked, small_suite, reader):
    for task in small_suite.tasks:
        found = [
            one for v in checked.verdicts.values() for one in v.judged if one.task.key == task.key
        ]
        best = max(found, key=lambda one: one.reward)
        assert ",".join(map(str, best.design)) in reader.text
        accuracy = task.problem().evaluate([best.design]).accuracy[0]
        expected = f"score {task.score(best.reward):.3f}, estimated accuracy {100 * accuracy:.2f} %"
        assert expected in reader.text


def test_tables_say_what_they_are(reader):
    tables, captions = len(reader.all("table")), len(reader.all("caption"))
    assert tables == captions > 3
    assert all(a.get("scope") in ("col", "row") for a in reader.all("th"))
    sortings = [a["aria-sort"] for a in reader.all("th") if "aria-sort" in a]
    assert sortings == ["ascending"]
    figures = [a for a in reader.all("svg") if "aria-hidden" not in a]
    assert all(a["role"] == "img" and len(a["aria-label"]) > 30 for a in figures)
    assert [a for _, a in reader.tags if a.get("aria-live") == "polite"]
    assert reader.all("a")[0]["href"] == "#main"


def test_badges_and_tracks_are_explained(reader):
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    for badge in ("replayed", "reproduced", "indistinguishable", "different"):
        assert f"badge-{badge}" in ids
    for track in ("design", "search", "policy"):
        assert f"track-{track}" in ids
    assert "HAQ-ResNet20-v0 seed 3" in reader.text, "what was run again"


def test_hostile_words_stay_words(checked, reader):
    hostile = {}
    for key, verdict in checked.verdicts.items():
        about = verdict.entry.about.model_copy(
            update={
                **dict.fromkeys(
                    ("method", "description", "code", "commit", "tuning", "licence", "hardware"),
                    HOSTILE,
                ),
                "authors": [HOSTILE, HOSTILE],
                "solver": HOSTILE,
                "hyperparameters": {HOSTILE: [HOSTILE, {"deeper": HOSTILE}]},
            }
        )
        hostile[key] = replace(verdict, entry=replace(verdict.entry, about=about))
    page = render(replace(checked, verdicts=hostile))
    attacked = Reader(page)
    assert len(attacked.all("script")) == 1
    assert page.count("</script") == 1
    assert not attacked.all("img")
    assert not [name for _, a in attacked.tags for name in a if name.startswith("on")]
    assert "\x00" not in page
    assert "{{ 7 * 7 }}" in page
    # Of the honest page's tags only links to code are gone: nothing else came or went.
    honest = Counter(tag for tag, _ in reader.tags)
    found = Counter(tag for tag, _ in attacked.tags)
    links = len(checked.verdicts)
    assert honest["a"] - found["a"] == links
    assert set(found) <= set(honest)
    assert attacked.text.count("<script>alert(1)</script>") >= 11 * links


@pytest.mark.parametrize(
    ("code", "linked"),
    [
        ("https://example.org/code", True),
        ('https://example.org/"onmouseover="alert(1)', True),
        ("http://example.org", False),
        ("javascript:alert(1)//https://", False),
        (" https://example.org", False),
        ("HTTPS://example.org", False),
        ("data:text/html,x", False),
    ],
)
def test_only_https_code_is_a_link(checked, code, linked):
    key = ("small-v1", "uniform")
    verdict = checked.verdicts[key]
    about = verdict.entry.about.model_copy(update={"code": code})
    changed = replace(verdict, entry=replace(verdict.entry, about=about))
    seen = Reader(render(replace(checked, verdicts={key: changed})))
    addresses = [a["href"] for a in seen.all("a") if not a["href"].startswith("#")]
    assert addresses == ([code] if linked else [])
    assert code.strip() in seen.text


def test_only_the_own_script_may_run(reader):
    policy = next(a["content"] for a in reader.all("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", policy)
    assert "unsafe-eval" not in policy


def test_a_board_with_faults_is_not_shown(checked):
    with pytest.raises(EntryError, match="something is wrong"):
        render(replace(checked, faults=["something is wrong"]))


def test_a_board_without_entries_shows_its_environments(checked, small_suite):
    empty = Reader(render(replace(checked, verdicts={}, lines=())))
    assert "No entries yet." in empty.text
    assert ",".join(map(str, small_suite.tasks[0].design)) in empty.text
    bare = Reader(render(replace(checked, suites=(), verdicts={}, lines=())))
    assert "There are no suites yet." in bare.text


def test_twenty_entries_stay_below_two_megabytes(board_folder, small_suite, tmp_path):
    folder = tmp_path / "many"
    shutil.copytree(board_folder, folder)
    for number in range(17):
        source = folder / ENTRIES / "small-v1" / "random"
        copy = source.with_name(f"copy-{number}")
        shutil.copytree(source, copy)
        about = json.loads((copy / ABOUT).read_text()) | {
            "name": copy.name,
            "description": "Words. " * 500,
            "tuning": "Words. " * 250,
        }
        (copy / ABOUT).write_text(json.dumps(about))
        append(folder / LOG, verify(open_entry(copy), small_suite))
    many = check_board(folder, suites=folder / "suites")
    assert not many.faults
    path = write(many)
    seen = Reader(path.read_text(encoding="utf-8"))
    assert len([a for a in seen.all("tr") if "data-search" in a]) == 20
    assert path.stat().st_size < 2_000_000


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


def test_about_has_no_field_that_the_page_forgets(checked):
    verdict = checked.verdicts["small-v1", "uniform"]
    told = {
        "method": "Method here",
        "description": "Description here",
        "authors": ["First here", "Second here"],
        "code": "Code here",
        "commit": "Commit here",
        "solver": "solver.here:Solver",
        "hyperparameters": {"hyper": "Parameter here"},
        "tuning": "Tuning here",
        "licence": "Licence here",
        "hardware": "Hardware here",
        "account": "Account-here",
        "track": "policy",
        "deterministic": False,
        "trained_on_test_instances": True,
    }
    assert set(told) | {"name", "suite"} == set(About.model_fields)
    about = verdict.entry.about.model_copy(update=told)
    changed = replace(verdict, entry=replace(verdict.entry, about=about))
    seen = Reader(render(replace(checked, verdicts={("small-v1", "uniform"): changed}))).text
    for words in re.findall(r"[A-Z]\w+[ -]here|solver\.here:Solver", str(told)):
        assert words in seen
    assert "need not give" in seen
    assert "Trained on the environments of the suiteyes" in seen
