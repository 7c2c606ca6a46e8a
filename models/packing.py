"""The one file format of fitted values: a manifest and arrays, data only, with a checksum.

An ``.npz`` without Python objects cannot execute anything; SHA-256 over the content makes damage an
error instead of a wrong answer. ONNX graphs travel inside as arrays of bytes. Nothing is written to
disk, and what it unfolds to is bounded before it is unfolded.
"""

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from tokenize import TokenError
from typing import Any, TypeAlias

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Arrays: TypeAlias = Mapping[str, NDArray[Any]]

MAGIC = b"foresight-pack-1\n"
DIGEST = hashlib.sha256().digest_size
MANIFEST = "manifest.json"
LARGEST = 2**30  # bytes that a pack may unfold to
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1  # of the flags of an entry
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
# What the parsers of zip, JSON and npy headers raise on bytes made to break them.
BROKEN = (
    ValueError, KeyError, TypeError, EOFError, OSError, OverflowError, RecursionError, MemoryError,
    NotImplementedError, SyntaxError, TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
# Written instead of the clock's time: equal values give equal bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


class Damaged(ValueError):
    """The bytes are not what ``pack`` wrote."""


def pack(manifest: Mapping[str, JSON], arrays: Arrays) -> bytes:
    """Return manifest and arrays as checksummed bytes; equal values give equal bytes.

    Raises:
        ValueError: An array holds Python objects, or the manifest has NaN or infinity.
    """
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        text = json.dumps(dict(manifest), sort_keys=True, allow_nan=False)
        archive.writestr(_entry(MANIFEST), text.encode())
        for name in sorted(arrays):
            content = io.BytesIO()
            npy.write_array(content, np.asanyarray(arrays[name]), allow_pickle=False)
            archive.writestr(_entry(f"{name}.npy"), content.getvalue())
    data = body.getvalue()
    return MAGIC + hashlib.sha256(data).digest() + data


def unpack(data: bytes) -> tuple[dict[str, JSON], dict[str, NDArray[Any]]]:
    """Return what ``pack`` was given.

    Raises:
        Damaged: The checksum or the structure does not match.
    """
    head = len(MAGIC) + DIGEST
    if len(data) < head or not data.startswith(MAGIC):
        raise Damaged("not a pack: the first bytes do not match")
    body = data[head:]
    if hashlib.sha256(body).digest() != data[len(MAGIC) : head]:
        raise Damaged("the checksum does not match")
    try:
        return _read(body)
    except BROKEN as error:
        raise Damaged(f"the structure does not match: {error}") from error


def _read(body: bytes) -> tuple[dict[str, JSON], dict[str, NDArray[Any]]]:
    manifest: dict[str, JSON] | None = None
    arrays: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > LARGEST:
            raise Damaged(f"it would unfold to more than {LARGEST} bytes")
        for entry in entries:
            content = _content(archive, entry)
            if entry.filename == MANIFEST:
                manifest = json.loads(content)
            else:
                arrays[entry.filename.removesuffix(".npy")] = _array(content)
    if not isinstance(manifest, dict):
        raise Damaged("the manifest is missing")
    return manifest, arrays


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return an entry's bytes, never unfolding more of them than it says there are."""
    if entry.compress_type not in METHODS or entry.flag_bits & ENCRYPTED:
        raise Damaged(f"{entry.filename!r:.60} is packed in another way")
    with archive.open(entry) as file:
        content = file.read(entry.file_size + 1)  # with a number: else it unfolds everything
    if len(content) != entry.file_size:
        raise Damaged(f"{entry.filename!r:.60} has another size than it says")
    return content


def _array(content: bytes) -> NDArray[Any]:
    """Return the array of an ``.npy``, as a copy, once its size is known to be what is there."""
    file = io.BytesIO(content)
    version = npy.read_magic(file)
    if version not in HEADERS:
        raise Damaged(f"arrays of format {version} are not read")
    shape, by_columns, kind = HEADERS[version](file)
    if kind.hasobject:
        raise Damaged("an array of Python objects would be unpickled; it is not read")
    if math.prod(shape) * kind.itemsize != len(content) - file.tell():
        raise Damaged("an array has another size than it says")
    flat = np.frombuffer(content, kind, offset=file.tell())
    return flat.reshape(shape, order="F" if by_columns else "C").copy(order="A")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
