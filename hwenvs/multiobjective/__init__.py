"""Vector rewards: accuracy and costs at once, in mo-gymnasium's convention, and their true front.

Nothing here needs mo-gymnasium; its wrappers work on these environments.
"""

from hwenvs.multiobjective.environment import MultiObjectiveEnv
from hwenvs.multiobjective.vector import MultiObjectiveVectorEnv

__all__ = ["MultiObjectiveEnv", "MultiObjectiveVectorEnv"]
