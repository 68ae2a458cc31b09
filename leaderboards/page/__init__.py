"""The leaderboard's page: one HTML file that needs nothing else and is equal byte for byte."""

from hwenvs.leaderboards.page.render import render, write

__all__ = ["render", "write"]
