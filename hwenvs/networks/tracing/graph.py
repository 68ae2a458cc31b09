"""From a module to the graph of its operations, with the shapes that they put out."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from torch import Tensor, fx, nn

from hwenvs.errors import TracingError

EXPRESSIBLE = (
    "plain and depthwise convolutions, linear layers, batch norms, activations, dropout, pooling, "
    "means over whole maps, sums, concatenations of channels, flattening"
)
"""What layer tables know."""

LEAVES = (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d)
"""Modules that stay whole also where a subclass keeps their computation."""


@dataclass(frozen=True)
class Graph:
    """What a module does.

    Attributes:
        module: the module.
        nodes: operations in the order in which they run.
        values: what each puts out on two examples: shapes of tensors, other values as they are.
    """

    module: nn.Module
    nodes: tuple[fx.Node, ...]
    values: dict[fx.Node, Any]

    def part(self, node: fx.Node) -> nn.Module | None:
        """The module that ``node`` calls, None if it calls none."""
        return self.module.get_submodule(str(node.target)) if node.op == "call_module" else None

    def readers(self, node: fx.Node) -> int:
        """How often the tensor of ``node`` is read (asking for its shape does not count)."""
        return sum(user.op == "output" or has_tensor(self.values[user]) for user in node.users)

    def refuse(self, node: fx.Node, why: str, valid: str = EXPRESSIBLE) -> NoReturn:
        """Raises the error about ``node``.

        Raises:
            TracingError: always.
        """
        raise refusal(self.module, node, why, valid)


def refusal(
    module: nn.Module, node: fx.Node | None, why: str, valid: str = EXPRESSIBLE
) -> TracingError:
    """The error about ``node`` of ``module``."""
    what = "its start" if node is None else label(module, node)
    return TracingError(f"cannot trace {type(module).__name__}: {what} {why}. Valid: {valid}")


def label(module: nn.Module, node: fx.Node) -> str:
    """What people call a node: its module's path and type, or its operation and where it is."""
    if node.op == "call_module":
        kind = type(module.get_submodule(str(node.target))).__name__
        return f"node {str(node.target)!r} ({kind})"
    scope = scope_of(node)
    return f"node {node.name!r}" + (f" in {scope!r}" if scope else "")


def scope_of(node: fx.Node) -> str:
    """Path of the innermost module whose forward computes ``node``; empty for the outermost."""
    stack = node.meta.get("nn_module_stack") or {}
    return str([*stack.values()][-1][0]) if stack else ""


def has_tensor(value: Any) -> bool:
    """Whether a recorded value is the shape of a tensor, or holds one."""
    if isinstance(value, list | tuple) and not isinstance(value, Shape):
        return any(has_tensor(part) for part in value)
    return isinstance(value, Shape)


class Shape(tuple[int, ...]):
    """Shape of a tensor, as opposed to a tuple of numbers that the module computes with."""


def trace(module: nn.Module, example: Tensor) -> Graph:
    """The operations of ``module`` on ``example [2, ...]``.

    Raises:
        TracingError: if Python decides by the data what runs, or something else cannot be traced.
    """
    parameters = [*inspect.signature(module.forward).parameters.values()][1:]
    defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
    inputs = (example, *defaults.values())
    settled: list[Any] = []
    while True:
        tracer = _Tracer(module, settled)
        try:
            graph = tracer.trace(module, concrete_args=defaults or None)
            break
        except TracingError:
            raise
        except _Undecided as stopped:
            settled.append(_settle(module, tracer.graph, stopped.node, inputs))
        except Exception as error:
            why = f"is the last that could be traced: {error}"
            raise refusal(module, tracer.last(), why) from error
    runnable = fx.GraphModule(module, graph)
    graph = runnable.graph
    graph.eliminate_dead_code()
    if len([node for node in graph.nodes if node.op == "placeholder"]) != len(inputs):
        raise TracingError(
            f"cannot trace {type(module).__name__}: its forward needs several inputs. Valid: one "
            "batch of images; further arguments need defaults"
        )
    recorder = _Recorder(module, runnable)
    recorder.run(*inputs)
    return Graph(module, tuple(graph.nodes), recorder.values)


def _settle(module: nn.Module, graph: fx.Graph, node: fx.Node, inputs: tuple[Any, ...]) -> Any:
    """What a node comes to: shapes are known, numbers in tensors are not."""
    graph.output(node)
    recorder = _Recorder(module, fx.GraphModule(module, graph))
    recorder.run(*inputs)
    node = next(one for one in recorder.values if one.name == node.name)
    if has_tensor(recorder.values[node]):
        raise refusal(
            module,
            node,
            "decides what runs next: its value depends on the data",
            "a forward that computes the same for every image",
        )
    return recorder.values[node]


class _Undecided(Exception):  # noqa: N818
    """Python asks for the value of a node."""

    def __init__(self, node: fx.Node) -> None:
        super().__init__(node.name)
        self.node = node


class _Tracer(fx.Tracer):
    """Traces, and says at which node it cannot.

    Args:
        module: the module.
        settled: values that Python asks for, in order, as far as known.
    """

    def __init__(self, module: nn.Module, settled: list[Any]) -> None:
        super().__init__()
        self.module = module
        self.settled = iter(settled)

    def value(self, obj: fx.Proxy) -> Any:
        """What ``obj`` stands for."""
        try:
            return next(self.settled)
        except StopIteration:
            raise _Undecided(obj.node) from None

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        known = (kind for kind in LEAVES if isinstance(m, kind))
        unchanged = any(type(m).forward is kind.forward for kind in known)
        return unchanged or super().is_leaf_module(m, module_qualified_name)

    def to_bool(self, obj: fx.Proxy) -> bool:
        return bool(self.value(obj))

    def iter(self, obj: fx.Proxy) -> Iterator[Any]:
        try:
            return super().iter(obj)
        except fx.proxy.TraceError as error:
            raise refusal(
                self.module,
                obj.node,
                "is looped over: how often depends on the input",
                "a forward that computes the same for every image",
            ) from error

    def last(self) -> fx.Node | None:
        """The node created last."""
        nodes = list(self.graph.nodes) if hasattr(self, "graph") else []
        return nodes[-1] if nodes else None


class _Proxy(fx.Proxy):
    """Turns into a number where Python wants one."""

    def __int__(self) -> int:
        return int(self.tracer.value(self))  # type: ignore[attr-defined]

    def __index__(self) -> int:
        return int(self)

    def __float__(self) -> float:
        return float(self.tracer.value(self))  # type: ignore[attr-defined]


class _Recorder(fx.Interpreter):
    """Runs a graph and keeps shapes and numbers."""

    def __init__(self, module: nn.Module, runnable: fx.GraphModule) -> None:
        super().__init__(runnable)
        self.extra_traceback = False
        self.root = module
        self.values: dict[fx.Node, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        try:
            value = super().run_node(n)
        except Exception as error:
            raise refusal(
                self.root,
                n,
                f"fails on the example input: {error}",
                "an example input that the module accepts",
            ) from error
        self.values[n] = fx.node.map_aggregate(value, _shape)
        return value


def _shape(value: Any) -> Any:
    return Shape(value.shape) if isinstance(value, Tensor) else value
