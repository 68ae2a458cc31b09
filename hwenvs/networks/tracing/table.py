"""From a graph of operations to a layer table."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any, NoReturn

from torch import fx, nn

from hwenvs.networks.base import INPUT, Layer, Network, Node, Pointwise, Pool
from hwenvs.networks.tracing import joins, layers, maps
from hwenvs.networks.tracing.graph import Graph, Shape, has_tensor, label, scope_of
from hwenvs.networks.tracing.values import MODULES, WITHOUT_MODULE, Call, Value

HANDLERS = {**layers.HANDLERS, **maps.HANDLERS, **joins.HANDLERS}
"""How operations become nodes."""

EQUIVALENT = {name: kind for kind, name in MODULES.items() if name != "identity"}
"""Modules that do what functions and methods of a name do."""


class TableWriter:
    """Writes the layer table of a graph.

    Args:
        graph: the operations.

    Attributes:
        graph: the same.
        nodes: of the table so far, by name, the image among them.
        ending: ``"softmax"`` or ``"log_softmax"`` if the module ends with one; tables end before.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: dict[str, Node] = {}
        self.ending: str | None = None
        self._values: dict[fx.Node, Value] = {}
        self._owners: set[str] = set()
        self._weights: dict[int, tuple[str, Any]] = {}
        self._paths = {str(node.target) for node in graph.nodes if node.op == "call_module"}

    def write(self, name: str, title: str) -> Network:
        """The table.

        Raises:
            TracingError: if an operation cannot be expressed.
        """
        for node in self.graph.nodes:
            if node.op == "output":
                self._check_output(node)
            elif node.op != "get_attr" and has_tensor(self.graph.values[node]):
                self._values[node] = self._value(node)
        nodes = tuple(node for node in self.nodes.values() if node.name != INPUT)
        image = self.nodes[INPUT]
        return Network(name, title, nodes, nodes[-1].channels, image.size, image.channels)

    def refuse(self, call: Call, why: str, *valid: str) -> NoReturn:
        """Raises the error about a call.

        Raises:
            TracingError: always.
        """
        self.graph.refuse(call.node, why, *valid)

    def label(self, call: Call) -> str:
        """What people call the node."""
        return label(self.graph.module, call.node)

    def value(self, call: Call, position: int = 0, pending: tuple[type, ...] = ()) -> Value:
        """The tensor that a call reads at ``position``.

        Args:
            call: the operation.
            position: of the argument.
            pending: what the call can complete.
        """
        value = call.argument(position, "input", "other", "tensors")
        return self.checked(call, value, pending)

    def checked(self, call: Call, value: Any, pending: tuple[type, ...] = ()) -> Value:
        """``value``, if it is a tensor that ``call`` can read as it is."""
        if not isinstance(value, Value):
            self.refuse(call, f"reads {value!r}, which is no output of another node")
        if value.pending is not None and not isinstance(value.pending, pending):
            self.refuse(
                call,
                f"reads {value.pending.label}, which no table has on its own",
                "zeros before a convolution; x[:, :, ::2, ::2] before zero channels are added; "
                "means over whole maps",
            )
        return value

    def add(self, call: Call, make: Any, *inputs: Value, **fields: Any) -> Value:
        """Adds a node of class ``make``; its size is that of the call's output unless given."""
        if make is Layer:
            self.claim(call)
        name = self._name(call, block=make not in (Pool, Pointwise))
        fields.setdefault("size", call.shape[-1] if len(call.shape) == 3 else 1)
        node: Node = make(name=name, inputs=tuple(v.node for v in inputs), **fields)
        self.nodes[name] = node
        return Value(name, node.channels, node.size)

    def claim(self, call: Call) -> None:
        """Notes that the weights of a module are used."""
        owner = str(call.node.target)
        if owner in self._owners:
            self.refuse(
                call,
                "runs a second time: layers that share weights cannot be compressed apart",
                "a module of its own for every call (copy.deepcopy)",
            )
        weight = getattr(call.module, "weight", None)
        if weight is not None and weight.dtype.is_floating_point:
            other, _ = self._weights.get(id(weight), ("", None))
            if other:
                self.refuse(
                    call,
                    f"has the weights of {other!r}: layers that share weights cannot be "
                    "compressed apart",
                    "weights of its own for every module (copy.deepcopy)",
                )
            # Kept as well: what is gone could leave its id to another.
            self._weights[id(weight)] = (owner, weight)
        self._owners.add(owner)

    def attach(self, value: Value, **fields: Any) -> Value:
        """Changes the node of ``value``."""
        self.nodes[value.node] = replace(self.nodes[value.node], **fields)
        return value

    def is_read(self, value: Value) -> bool:
        """Whether a node of the table reads the node of ``value`` already."""
        return any(value.node in node.inputs for node in self.nodes.values())

    def rename(self, old: str, new: str) -> None:
        """Lets whoever reads tensor ``old`` from here on read ``new``: it was overwritten."""
        for node, value in self._values.items():
            if value.node == old:
                self._values[node] = replace(value, node=new)

    def _value(self, node: fx.Node) -> Value:
        shape = self.graph.values[node]
        if not isinstance(shape, Shape):
            self.graph.refuse(node, "puts out several tensors")
        alone = self.graph.readers(node) == 1
        if node.op == "placeholder":
            return replace(self._image(shape[1:]), alone=alone)
        if not shape or shape[0] != 2:
            self.graph.refuse(node, "mixes the images of a batch or drops its dimension")
        call = self._call(node, tuple(shape[1:]))
        if call.name not in HANDLERS:
            self.graph.refuse(node, f"computes {call.name!r}, which layer tables do not know")
        value = HANDLERS[call.name](self, call)
        value = replace(value, shape=call.shape, alone=value.alone and alone)
        if value.pending is None and not value.fits(call.shape):
            self.graph.refuse(
                node,
                f"puts out {list(call.shape)} for an image, not {value.channels} channels of "
                f"{value.size} x {value.size}",
                "square maps, flattened as a whole",
            )
        return value

    def _image(self, shape: tuple[int, ...]) -> Value:
        channels, size = shape[0], shape[1] if len(shape) > 1 else 1
        self.nodes[INPUT] = Node(INPUT, (), channels, size)
        return Value(INPUT, channels, size, tuple(shape))

    def _call(self, node: fx.Node, shape: tuple[int, ...]) -> Call:
        args: Any = fx.node.map_aggregate(node.args, self._argument)
        kwargs: Any = fx.node.map_aggregate(node.kwargs, self._argument)
        module = self.graph.part(node)
        if module is not None:
            name = next((MODULES[k] for k in type(module).__mro__ if k in MODULES), "")
            name = name or type(module).__name__
            in_place = bool(getattr(module, "inplace", False))
            return Call(node, name, module, args, kwargs, shape, in_place)
        raw = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        name = str(raw).strip("_")
        in_place = str(raw) != name or bool(kwargs.get("inplace", False))
        if name in EQUIVALENT and name not in WITHOUT_MODULE:
            module = self._equivalent(node, EQUIVALENT[name], args, kwargs)
        return Call(node, name, module, args, kwargs, shape, in_place)

    def _argument(self, argument: Any) -> Any:
        """A value instead of a tensor's node, a number instead of a number's."""
        if not isinstance(argument, fx.Node):
            return argument
        return self._values.get(argument, self.graph.values[argument])

    def _equivalent(
        self, node: fx.Node, kind: type[nn.Module], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> nn.Module | None:
        """A module that does what a function does; None for functions with weights."""
        if kind in (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d):
            self.graph.refuse(
                node,
                "is called with weights of its own",
                f"the same as a module, torch.nn.{kind.__name__}",
            )
        known = inspect.signature(kind).parameters
        given = {name: value for name, value in kwargs.items() if name in known}
        return None if kind is nn.ZeroPad2d else kind(*args[1:], **given)

    def _name(self, call: Call, block: bool) -> str:
        """A module's path; for a function the path of the ``block`` it ends, or its own name."""
        path, own = str(call.node.target), call.node.name
        if call.node.op == "call_module":
            taken, names = set(self.nodes), [path, f"{path}.{own}"]
        else:
            scope = scope_of(call.node)
            inside = f"{scope}.{own}" if scope else own
            taken = self.nodes.keys() | self._paths
            names = [scope, inside] if scope and block else [inside]
        free = next((name for name in names if name not in taken), f"{names[-1]}_")
        if free != path and path in self._owners:
            self.refuse(call, f"has the name of the image, {INPUT!r}", "another attribute name")
        return free

    def _check_output(self, node: fx.Node) -> None:
        value = self._values.get(node.args[0]) if isinstance(node.args[0], fx.Node) else None
        *_, last = self.nodes
        whole = value is not None and value.pending is None and value.size == 1
        if value is None or not whole or value.node != last or last == INPUT:
            self.graph.refuse(
                node, "is not one tensor [N, classes] computed from the image", "one such tensor"
            )
        if len(value.shape) != 1:
            self.graph.refuse(node, "has more than two dimensions", "one tensor [N, classes]")
