"""Extras: which ``pip install 'hwenvs[extra]'`` brings a package that is not there."""

from __future__ import annotations

from importlib.util import find_spec

from hwenvs.errors import MissingExtraError

EXTRAS = {
    "PIL": ("measure", "plot", "offline"),
    "botorch": ("baselines",),
    "cma": ("baselines", "demo"),
    "gpytorch": ("baselines",),
    "jinja2": ("plot",),
    "matplotlib": ("plot",),
    "minari": ("offline",),
    "mo_gymnasium": ("multiobjective",),
    "onnx": ("export",),
    "onnxruntime": ("export",),
    "optuna": ("baselines",),
    "pandas": ("baselines",),
    "pyarrow": ("measure",),
    "pymoo": ("baselines",),
    "ray": ("distributed",),
    "safetensors": ("measure", "export"),
    "sb3_contrib": ("baselines",),
    "scipy": ("baselines",),
    "sklearn": ("measure",),
    "stable_baselines3": ("baselines",),
    "torch": ("measure", "agents", "export"),
}
"""By module, the extras that bring it: first the one that most of what needs it needs."""


def missing_extra(
    error: ModuleNotFoundError, who: str, extra: str | None = None
) -> MissingExtraError | None:
    """What to say of a module that is not there; None if no extra brings it.

    Args:
        error: of its import.
        who: needs it.
        extra: that brings all that ``who`` needs; told if it brings the module.
    """
    package = (error.name or "").partition(".")[0]
    extras = EXTRAS.get(package)
    if extras is None:
        return None
    told = extra if extra in extras else extras[0]
    return MissingExtraError(f"{who} needs {package}: pip install 'hwenvs[{told}]'")


def require(who: str, *modules: str) -> None:
    """Looks for what is needed in the end before anything is computed; imports nothing.

    Raises:
        MissingExtraError: if a module is not there that an extra brings.
        ModuleNotFoundError: if one is not there that none brings.
    """
    for module in modules:
        if find_spec(module) is None:
            missing = ModuleNotFoundError(f"No module named {module!r}", name=module)
            raise missing_extra(missing, who) or missing
