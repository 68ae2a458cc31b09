"""Stable-Baselines3's algorithms as solvers, and our environments as its ``VecEnv``."""

from hwenvs.baselines.stable_baselines.ars import ARS
from hwenvs.baselines.stable_baselines.base import StableBaselines
from hwenvs.baselines.stable_baselines.dqn import DQN
from hwenvs.baselines.stable_baselines.off_policy import DDPG, SAC, TD3, TQC
from hwenvs.baselines.stable_baselines.on_policy import A2C, PPO, MaskablePPO
from hwenvs.baselines.stable_baselines.recurrent import RecurrentPPO
from hwenvs.baselines.stable_baselines.task_vec_env import TaskVecEnv
from hwenvs.baselines.stable_baselines.vec_env import DesignVecEnv

__all__ = [
    "A2C",
    "ARS",
    "DDPG",
    "DQN",
    "PPO",
    "SAC",
    "TD3",
    "TQC",
    "DesignVecEnv",
    "MaskablePPO",
    "RecurrentPPO",
    "StableBaselines",
    "TaskVecEnv",
]
