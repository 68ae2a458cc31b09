"""Runs as offline data sets: every recorded design is walked again, and kept as Minari has it.

A record holds designs, not observations.  Since environments are deterministic, walking with the
actions that ask for a design gives everything else, and what it pays is held against the record: a
data set either is what the solver saw, or is not written.
"""

from hwenvs.offline.dataset import FORMATS, export_minari
from hwenvs.offline.episodes import Episode, replay
from hwenvs.offline.metadata import default_name

__all__ = ["FORMATS", "Episode", "default_name", "export_minari", "replay"]
