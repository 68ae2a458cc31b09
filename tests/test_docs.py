"""What the pages show runs, and what they point to exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize(
    "page",
    [
        *(ROOT / "README.md", ROOT / "docs/solvers.md", ROOT / "docs/own-network.md"),
        ROOT / "docs/multiobjective.md",
        ROOT / "docs/nas.md",
        ROOT / "docs/reports.md",
        ROOT / "docs/sb3.md",
        ROOT / "docs/search.md",
    ],
    ids=lambda p: p.name,
)
@pytest.mark.filterwarnings("ignore::hwenvs.errors.AnalyticProxyWarning")
def test_the_code_of_a_page_runs(page: Path) -> None:
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page.name, "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_picture_has_a_text_of_its_own(page: Path) -> None:
    texts = re.findall(r"!\[([^\]]*)\]\(", page.read_text(encoding="utf-8"))
    assert all(texts)
    assert len(texts) == len(set(texts)), sorted({t for t in texts if texts.count(t) > 1})


def test_every_command_shown_is_one() -> None:
    from hwenvs.cli.app import app

    known = {command.name for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    for page in PAGES:
        for name in re.findall(r"(?:^|`|    )hwenvs ([a-z-]+)", page.read_text(), re.MULTILINE):
            assert name in known, f"{page.name}: hwenvs {name}"
