"""Bytes that somebody made to do harm, and an account of what was done on meeting them."""

import hashlib
import io
import json
import os
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from models.packing import MAGIC

EXECUTES = (
    "exec", "pickle.find_class", "marshal.load", "marshal.loads", "code.__new__",
    "function.__new__", "ctypes.dlopen", "os.system", "os.exec", "os.fork", "os.posix_spawn",
    "os.spawn", "subprocess.Popen", "socket.connect", "os.remove", "os.rename", "os.mkdir",
)  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

_watching = False
_seen: list[str] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event in EXECUTES:
        _seen.append(f"{event} {arguments!r:.200}")
    elif event == "open" and arguments[2] & WRITES:
        _seen.append(f"open {arguments!r:.200}")


sys.addaudithook(_hook)


@contextmanager
def watched() -> Generator[list[str], None, None]:
    """Yield a list of everything that is executed, started or written while the block runs."""
    global _watching  # noqa: PLW0603 - a hook cannot be taken away again, only made blind
    _seen.clear()
    _watching = True
    try:
        yield _seen
    finally:
        _watching = False


@contextmanager
def weighed(largest: int) -> Generator[None, None, None]:
    """Fail if the block ever holds more than so many bytes more than before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before <= largest, f"{peak - before} bytes"


def pickle(ran: Path) -> bytes:
    """Return a pickle that makes a file when it is loaded."""
    return f"cposix\nsystem\n(S'touch {ran}'\ntR.".encode()


def objects(ran: Path) -> bytes:
    """Return an ``.npy`` of Python objects, which holds a pickle."""
    file = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    npy.write_array_header_1_0(file, header)
    return file.getvalue() + pickle(ran)


def array(shape: tuple[int, ...], content: bytes = b"") -> bytes:
    """Return an ``.npy`` that says it has a shape."""
    file = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(file, header)
    return file.getvalue() + content


def archive(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip file of entries."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return file.getvalue()


def pack(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return entries as a pack whose checksum is right."""
    return sealed(archive({"manifest.json": b"{}"} | entries, method))


def sealed(body: bytes) -> bytes:
    """Return a body as a pack whose checksum is right."""
    return MAGIC + hashlib.sha256(body).digest() + body


def resized(body: bytes, size: int) -> bytes:
    """Return a zip file of one entry that lies about the size of what it unfolds to."""
    told = bytearray(body)
    central = body.rindex(b"PK\x01\x02")
    for at in (22, central + 24):
        told[at : at + 4] = size.to_bytes(4, "little")
    return bytes(told)


def encrypted(body: bytes) -> bytes:
    """Return a zip file of one entry that says it is encrypted."""
    told = bytearray(body)
    for at in (6, body.rindex(b"PK\x01\x02") + 8):
        told[at] |= 1
    return bytes(told)


def snapshot(text: bytes) -> bytes:
    """Return a text as a snapshot is packed."""
    return zlib.compress(text)


def graph(where: str, *, nested: bool = False) -> bytes:
    """Return an ONNX graph whose numbers lie in another file, or with a graph to be looped over."""
    from onnx import TensorProto, helper

    floats = TensorProto.FLOAT
    x = helper.make_tensor_value_info("x", TensorProto.INT64, [None])
    y = helper.make_tensor_value_info("y", floats, [None, 4])
    table = helper.make_tensor("table", floats, [4, 4], np.zeros(16))
    if where:
        table.ClearField("float_data")
        table.data_location = TensorProto.EXTERNAL
        entry = table.external_data.add()
        entry.key, entry.value = "location", where
    node = helper.make_node("Gather", ["table", "x"], ["y"])
    if nested:
        inner = helper.make_graph([node], "inner", [], [y])
        node = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    made = helper.make_graph([node], "graph", [x], [y], [table])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return bytes(model.SerializeToString())


DEEP = b"[" * 200_000
TEXT_BOMB = json.dumps("x" * 20_000_000).encode()
