"""The one file format of fitted values: a manifest and arrays, data only, with a checksum.

An ``.npz`` read with ``allow_pickle=False`` cannot execute anything; SHA-256 over the content makes
damage an error instead of a wrong answer. ONNX graphs travel inside as arrays of bytes.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Arrays: TypeAlias = Mapping[str, NDArray[Any]]

MAGIC = b"foresight-pack-1\n"
DIGEST = hashlib.sha256().digest_size
MANIFEST = "manifest.json"
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
            np.save(content, np.asarray(arrays[name]), allow_pickle=False)
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
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise Damaged(f"the structure does not match: {error}") from error


def _read(body: bytes) -> tuple[dict[str, JSON], dict[str, NDArray[Any]]]:
    manifest: dict[str, JSON] | None = None
    arrays: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name == MANIFEST:
                manifest = json.loads(content)
            else:
                array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
                arrays[name.removesuffix(".npy")] = array
    if not isinstance(manifest, dict):
        raise Damaged("the manifest is missing")
    return manifest, arrays


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
