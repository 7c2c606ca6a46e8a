"""The OpenMP runtime that LightGBM's library expects to find on the system.

Its Linux wheel does not carry `libgomp.so.1`, and a small Debian has none. The wheels of
scikit-learn and XGBoost carry the same library under a name of their own: it is loaded under the
expected one, from memory. Nothing is written or changed on disk.
"""

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path

EXPECTED = "libgomp.so.1"
CARRIERS = ("sklearn", "xgboost")

_loaded: list[ctypes.CDLL] = []  # kept: a closed library would be unloaded


class Missing(OSError):
    """There is no OpenMP runtime; the text says how to get one."""


def ensure() -> None:
    """Make the runtime available to libraries loaded from now on.

    Raises:
        Missing: Neither the system nor a wheel has it.
    """
    if not sys.platform.startswith("linux") or _loaded:
        return
    try:
        _loaded.append(ctypes.CDLL(EXPECTED, ctypes.RTLD_GLOBAL))
    except OSError as error:
        library = carried()
        if library is None:
            raise Missing(
                f"{EXPECTED} is missing, which LightGBM needs: install it (Debian: libgomp1)"
            ) from error
        _loaded.append(load(renamed(library)))


def carried() -> Path | None:
    """Return a wheel's copy; it lies beside the package, in a folder of libraries."""
    for package in CARRIERS:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            site = Path(spec.origin).parent.parent
            found = sorted(site.glob("*.libs/libgomp-*.so*"))
            if found:
                return found[0]
    return None


def renamed(library: Path) -> bytes:
    """Return the library with the name by which the loader will look for it."""
    own = library.name.encode() + b"\0"
    return library.read_bytes().replace(own, EXPECTED.encode().ljust(len(own), b"\0"))


def load(library: bytes) -> ctypes.CDLL:
    """Load a library from memory, for all that are loaded after it."""
    descriptor = os.memfd_create(EXPECTED)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(library)
        return ctypes.CDLL(f"/proc/self/fd/{descriptor}", ctypes.RTLD_GLOBAL)
    finally:
        os.close(descriptor)
