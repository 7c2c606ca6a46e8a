"""A pack returns what was packed, or says that it is damaged; it never returns something else."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.typing import NDArray

from models.packing import Damaged, pack, unpack

KINDS = st.sampled_from([np.float64, np.float32, np.int32, np.uint8])
ARRAYS = st.dictionaries(
    st.text("abcdefghij_", min_size=1, max_size=8),
    arrays_of.arrays(dtype=KINDS, shape=arrays_of.array_shapes(max_dims=2, max_side=5)),
    max_size=4,
)
MANIFESTS = st.dictionaries(
    st.text(max_size=8),
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    max_size=4,
)


@given(MANIFESTS, ARRAYS)
def test_a_pack_returns_what_was_packed(
    manifest: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> None:
    told, kept = unpack(pack(manifest, arrays))
    assert told == manifest
    assert kept.keys() == arrays.keys()
    for name, array in arrays.items():
        assert kept[name].dtype == array.dtype
        np.testing.assert_array_equal(kept[name], array)


@given(ARRAYS, st.integers(0), st.integers(0, 7))
def test_any_flipped_bit_is_damage(arrays: dict[str, NDArray[Any]], where: int, bit: int) -> None:
    data = bytearray(pack({"kind": "x"}, arrays))
    data[where % len(data)] ^= 1 << bit
    with pytest.raises(Damaged):
        unpack(bytes(data))


@given(ARRAYS, st.integers(0))
def test_a_truncated_pack_is_damage(arrays: dict[str, NDArray[Any]], where: int) -> None:
    data = pack({}, arrays)
    with pytest.raises(Damaged):
        unpack(data[: where % len(data)])


def test_equal_values_give_equal_bytes() -> None:
    one = {"a": np.arange(5), "b": np.ones(3)}
    other = {"b": np.ones(3), "a": np.arange(5)}
    assert pack({"x": 1, "y": 2}, one) == pack({"y": 2, "x": 1}, other)


def test_objects_are_refused() -> None:
    with pytest.raises(ValueError, match="pickle"):
        pack({}, {"a": np.array([{}], dtype=object)})
