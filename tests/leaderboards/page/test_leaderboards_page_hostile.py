"""The leaderboard's page runs and loads nothing that an entry says."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from hwenvs.leaderboards.page import render

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}\x00\u202e&"


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


def test_hostile_words_stay_words(checked, reader, read):
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
    lines = [line.model_copy(update={"reruns": [(HOSTILE, 3)]}) for line in checked.lines]
    page = render(replace(checked, verdicts=hostile, lines=tuple(lines)))
    attacked = read(page)
    assert len(attacked.all("script")) == 1
    assert page.count("</script") == 1
    assert not attacked.all("img")
    assert not [name for _, a in attacked.tags for name in a if name.startswith("on")]
    assert "\x00" not in page
    assert "\u202e" not in page
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
def test_only_https_code_is_a_link(checked, code, linked, read):
    key = ("small-v1", "uniform")
    verdict = checked.verdicts[key]
    about = verdict.entry.about.model_copy(update={"code": code})
    changed = replace(verdict, entry=replace(verdict.entry, about=about))
    seen = read(render(replace(checked, verdicts={key: changed})))
    addresses = [a["href"] for a in seen.all("a") if not a["href"].startswith("#")]
    assert addresses == ([code] if linked else [])
    assert code.strip() in seen.text


def test_only_the_own_script_may_run(reader):
    policy = next(a["content"] for a in reader.all("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", policy)
    assert "unsafe-eval" not in policy
