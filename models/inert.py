"""What a graph may hold before it is run: nodes and numbers of its own, and nothing else.

ONNX lets a tensor name a file to be read and a node hold a graph to be looped over, and ONNX
Runtime follows both. No graph of ours has either. The few fields that matter are declared here, so
that protobuf's parser reads them and the serving process needs not import `onnx`.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

TENSOR, GRAPH, NODE, ATTRIBUTE, MODEL = "Tensor", "Graph", "Node", "Attribute", "Model"
# message -> field -> (number, message of the field; "" where its presence is all that matters)
FIELDS: Final = {
    MODEL: {"graph": (7, GRAPH), "training_info": (20, ""), "functions": (25, "")},
    GRAPH: {"node": (1, NODE), "initializer": (5, TENSOR), "sparse_initializer": (15, "")},
    NODE: {"attribute": (5, ATTRIBUTE)},
    ATTRIBUTE: {
        "t": (5, TENSOR),
        "g": (6, ""),
        "tensors": (10, TENSOR),
        "graphs": (11, ""),
        "sparse_tensor": (22, ""),
        "sparse_tensors": (23, ""),
    },
    TENSOR: {"external_data": (13, ""), "data_location": (14, "")},
}
WORDS: Final = {
    "training_info": "training steps",
    "functions": "functions",
    "sparse_initializer": "sparse numbers",
    "sparse_tensor": "sparse numbers",
    "sparse_tensors": "sparse numbers",
    "g": "a graph within a node",
    "graphs": "a graph within a node",
    "external_data": "numbers in another file",
    "data_location": "numbers in another file",
}


class NotInert(ValueError):
    """The bytes are no graph, or one that does more than compute."""


def check(data: bytes) -> None:
    """Refuse a graph that does more than compute.

    Raises:
        NotInert: With what it holds.
    """
    from google.protobuf.message import DecodeError

    model = _messages()[MODEL]()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise NotInert(f"not a graph: {error}") from None
    if not model.graph:
        raise NotInert("not a graph: it has no nodes")
    for name in _held(MODEL, model):
        raise NotInert(f"the graph has {WORDS[name]}, which no graph of ours has")


def _held(kind: str, message: Any) -> Iterator[str]:
    """Yield the fields that are there and should not be."""
    for name, (_, inner) in FIELDS[kind].items():
        found = getattr(message, name)
        if inner:
            for each in found:
                yield from _held(inner, each)
        elif any(found) if name == "data_location" else found:  # 0 is this file
            yield name


@cache
def _messages() -> dict[str, Any]:
    """Return the classes of the messages; every field is repeated, so that none hides another."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    fields_of = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="inert.proto", package="inert", syntax="proto2")
    for kind, fields in FIELDS.items():
        message = file.message_type.add(name=kind)
        for name, (number, inner) in fields.items():
            field = message.field.add(name=name, number=number, label=fields_of.LABEL_REPEATED)
            if inner:
                field.type, field.type_name = fields_of.TYPE_MESSAGE, f".inert.{inner}"
            else:
                flag = name == "data_location"
                field.type = fields_of.TYPE_INT64 if flag else fields_of.TYPE_BYTES
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        kind: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"inert.{kind}"))
        for kind in FIELDS
    }
