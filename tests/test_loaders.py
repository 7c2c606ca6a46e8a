"""Whatever is loaded is data: bytes made to do harm are refused, and none are executed."""

import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import pytest
from hostile import archive, array, encrypted, objects, pack, pickle, resized, sealed, snapshot
from numpy.typing import NDArray

from learners import codec
from learners.errors import Damaged, LearnerError, WrongInput
from learners.learner import AnyLearner
from learners.registry import catalog
from learners.training_files import Found, Job
from models import inert, onnx, packing
from server import importing, replay_lines, settings, tokens

LEARNERS = pytest.mark.parametrize("learner", catalog().values(), ids=catalog())
Make = Callable[[Path], bytes]


def refused(
    load: Callable[[], object], kind: type[Exception] | tuple[type[Exception], ...], ran: Path
) -> str:
    """Return the reason of a refusal, during which nothing may be executed or written."""
    with pytest.raises(kind):
        load()  # imports what refusing needs, and imports execute
    with hostile.watched() as events, pytest.raises(kind) as caught:
        load()
    assert events == []
    assert not ran.exists()
    reason = str(caught.value)
    assert reason
    return reason


def test_the_account_sees_what_a_pickle_does(tmp_path: Path) -> None:
    import importlib

    loads = importlib.import_module("pickle").loads
    with hostile.watched() as events:
        loads(pickle(tmp_path / "ran"))
        (tmp_path / "written").write_text("x")
        exec("1")  # noqa: S102 - the account must see it
    assert [event.split()[0] for event in events] == [
        "pickle.find_class", "os.system", "open", "exec",
    ]  # fmt: skip
    assert (tmp_path / "ran").exists()


PACKS: list[tuple[str, Make, str]] = [
    ("a pickle", pickle, "not a pack"),
    ("a pickle with our first bytes", lambda ran: sealed(pickle(ran)), "structure"),
    ("objects", lambda ran: pack({"left.npy": objects(ran)}), "array of Python objects"),
    ("objects, bare", lambda ran: archive({"left.npy": objects(ran)}), "not a pack"),
    ("a huge shape", lambda _: pack({"a.npy": array((10**13,))}), "another size"),
    ("an overflowing shape", lambda _: pack({"a.npy": array((2**62, 2**62))}), "another size"),
    ("a negative shape", lambda _: pack({"a.npy": array((-1,))}), "structure|another size"),
    ("no array", lambda _: pack({"a.npy": b"\x93NUMPY\x01\x00v\x00" + b"(" * 118}), "structure"),
    ("a later format", lambda _: pack({"a.npy": b"\x93NUMPY\x03\x00" + bytes(9)}), "not read"),
    ("a deep manifest", lambda _: sealed(archive({"manifest.json": hostile.DEEP})), "structure"),
    ("another method", lambda _: pack({"a.npy": b"x"}, zipfile.ZIP_LZMA), "another way"),
    ("encrypted", lambda _: sealed(encrypted(archive({"a.npy": b"x"}))), "another way"),
    ("says less", lambda _: sealed(resized(archive({"a.npy": bytes(2 * 10**7)}), 9)), "Bad CRC"),
    ("says more", lambda _: sealed(resized(archive({"a.npy": b"x"}), 9)), "another size"),
    ("says too much", lambda _: sealed(resized(archive({"a.npy": b"x"}), 2**31)), "more than"),
    ("no zip", lambda _: sealed(b"PK\x05\x06" + bytes(18) + b"x"), "manifest|structure"),
]


@pytest.mark.parametrize(("make", "said"), [p[1:] for p in PACKS], ids=[p[0] for p in PACKS])
def test_a_hostile_pack_is_refused_in_little_memory(tmp_path: Path, make: Make, said: str) -> None:
    data = make(tmp_path / "ran")
    with pytest.raises(packing.Damaged, match=said), hostile.weighed(4_000_000):
        packing.unpack(data)
    refused(lambda: packing.unpack(data), packing.Damaged, tmp_path / "ran")


def test_names_that_lead_out_of_an_archive_lead_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inside = array((1,), bytes(8))
    data = pack({"../../out.npy": inside, "/tmp/out.npy": inside})
    packing.unpack(data)
    with hostile.watched() as events:
        _, arrays = packing.unpack(data)
    assert list(arrays) == ["../../out", "/tmp/out"]  # nothing but names
    assert events == []
    assert list(tmp_path.rglob("*")) == []


@LEARNERS
@pytest.mark.parametrize("make", [p[1] for p in PACKS], ids=[p[0] for p in PACKS])
def test_no_learner_loads_hostile_params(tmp_path: Path, learner: AnyLearner, make: Make) -> None:
    data = make(tmp_path / "ran")
    refused(lambda: learner.load(data), Damaged, tmp_path / "ran")


@LEARNERS
@pytest.mark.parametrize(
    "make",
    [
        pickle,
        lambda ran: snapshot(pickle(ran)),
        lambda _: snapshot(hostile.DEEP),
        lambda _: snapshot(b'{"memory": {}, "ledger": 1, "known": 0}'),
        lambda _: snapshot(b'{"memory": {}')[:-4],
    ],
    ids=["a pickle", "a packed pickle", "deep", "other types", "cut off"],
)
def test_no_learner_thaws_a_hostile_snapshot(
    tmp_path: Path, learner: AnyLearner, make: Make
) -> None:
    data = make(tmp_path / "ran")
    reason = refused(lambda: codec.thaw(learner, 1, data), Damaged, tmp_path / "ran")
    assert "the log is replayed instead" in reason


def test_a_snapshot_unfolds_to_no_more_than_a_memory_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (learner, *_) = catalog().values()
    monkeypatch.setattr(codec, "LARGEST", 2**20)
    data = snapshot(hostile.TEXT_BOMB)
    with pytest.raises(Damaged, match="at most 1048576 bytes"), hostile.weighed(3 * 2**20):
        codec.thaw(learner, 1, data)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda near: hostile.graph(near.name), "numbers in another file"),
        (lambda near: hostile.graph(f"../{near.parent.name}/{near.name}"), "in another file"),
        (lambda near: hostile.graph(str(near)), "numbers in another file"),
        (lambda _: hostile.graph("", nested=True), "a graph within a node"),
        (pickle, "not a graph"),
        (lambda _: b"", "not a graph"),
        (lambda _: b"\x14\x00\x00\x00ORTM" + bytes(64), "not a graph"),
    ],
    ids=["beside", "up", "anywhere", "loops", "a pickle", "empty", "the runtime's own format"],
)
def test_a_graph_that_does_more_than_compute_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Make, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    near = tmp_path / "near.bin"
    near.write_bytes(np.ones(16, np.float32).tobytes())
    data = make(near)
    assert said in refused(lambda: onnx.session(data), onnx.Unreadable, tmp_path / "ran")


def test_a_graph_of_its_own_numbers_is_not_refused() -> None:
    inert.check(hostile.graph(""))


def test_the_parts_of_a_graph_are_those_that_onnx_has() -> None:
    from onnx import onnx_ml_pb2

    library: Any = onnx_ml_pb2
    for kind, fields in inert.FIELDS.items():
        known = getattr(library, f"{kind}Proto").DESCRIPTOR.fields_by_name
        for name, (number, inner) in fields.items():
            assert known[name].number == number
            if inner:
                assert known[name].message_type.name == f"{inner}Proto"
    whole = {
        name
        for kind in ("Graph", "Node", "Attribute", "Tensor", "SparseTensor", "Function")
        for name, field in getattr(library, f"{kind}Proto").DESCRIPTOR.fields_by_name.items()
        if field.message_type is not None
        and field.message_type.name in ("GraphProto", "SparseTensorProto", "FunctionProto")
    }
    assert whole <= set(inert.WORDS)


@LEARNERS
@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"name": {"__reduce__": ["os.system", "true"]}},
        {"name": "x", "__class__": "os.system"},
        {"name": "x", "tags": "!!python/object/apply:os.system ['true']"},
    ],
)
def test_a_hostile_catalogue_entry_is_refused(
    tmp_path: Path, learner: AnyLearner, entry: dict[str, Any]
) -> None:
    extend = learner.extend
    if extend is None:
        pytest.skip(f"{learner.name} takes no entries")
    refused(lambda: extend((entry,)), LearnerError, tmp_path / "ran")


@pytest.mark.parametrize(
    "make",
    [
        pickle,
        lambda ran: pack({"a.npy": objects(ran)}),
        lambda _: hostile.DEEP,
        lambda _: b'{"a": ' * 100_000,
        lambda _: b"\xff\xfe\x00",
        lambda _: (
            b'{"mixin_a": "a", "mixin_b": "b", "node_type": "EFFECT", "success_count": 1e999,'
            b' "failure_count": 0}'
        ),
        lambda _: b'{"mixin_a": "a", "mixin_b": "b", "node_type": "EFFECT", "success_count": NaN}',
    ],
    ids=["a pickle", "objects", "deep", "deep objects", "no text", "infinite", "not a number"],
)
def test_a_hostile_history_is_refused(tmp_path: Path, make: Make) -> None:
    (learner, *_) = catalog().values()
    file = tmp_path / "history"
    file.write_bytes(make(tmp_path / "ran"))

    def imported() -> object:
        return importing.plan(importing.text_of(str(file)), learner, "", 1e9)

    refused(imported, WrongInput, tmp_path / "ran")
    refused(lambda: replay_lines.read(learner, file), WrongInput, tmp_path / "ran")


def test_a_history_without_an_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "LARGEST", 10**6)
    with pytest.raises(WrongInput, match="expected at most"), hostile.weighed(8 * 10**6):
        importing.text_of("/dev/zero")


@pytest.mark.parametrize("make", [pickle, lambda _: hostile.DEEP, objects])
def test_hostile_files_of_tokens_and_of_training_are_refused(tmp_path: Path, make: Make) -> None:
    data, ran = make(tmp_path / "ran"), tmp_path / "ran"
    (tmp_path / tokens.FILE).write_bytes(data)
    refused(lambda: tokens.read(tmp_path), WrongInput, ran)
    refused(lambda: Job.model_validate_json(data), ValueError, ran)
    refused(lambda: Found.model_validate_json(data), ValueError, ran)


@pytest.mark.parametrize("name", ["TOOLSETS", "HTTP_PORT", "MAX_DISK", "DATABASE_URL", "MODELS"])
def test_a_hostile_setting_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    said = f"!!python/object/apply:os.system ['touch {tmp_path / 'ran'}']"
    monkeypatch.setenv(f"FORESIGHT_{name}", said)
    reason = refused(settings.load, settings.WrongSetting, tmp_path / "ran")
    assert reason.startswith(f"FORESIGHT_{name}: expected ")


def test_what_executes_on_load_is_banned() -> None:
    root = Path(__file__).parents[1]
    lint = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert {"S", "TID", "DTZ"} <= set(lint["select"])
    assert {
        "pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib.load", "numpy.load",
        "yaml.load", "asyncio.create_task", "random",
    } <= set(lint["flake8-tidy-imports"]["banned-api"])  # fmt: skip
    bans = ("S102", "S301", "S302", "S307", "S506", "TID251")
    assert not [rule for rule in lint["ignore"] if rule.startswith(bans)]


def test_arrays_come_back_as_they_were() -> None:
    kept: list[NDArray[Any]] = [
        np.zeros(0),
        np.zeros((0, 3), np.float32),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array(5.0),
        np.array(["a", "bc"]),
    ]
    _, arrays = packing.unpack(packing.pack({}, {str(n): each for n, each in enumerate(kept)}))
    for n, each in enumerate(kept):
        np.testing.assert_array_equal(arrays[str(n)], each)
        assert arrays[str(n)].dtype == each.dtype
        assert arrays[str(n)].flags.f_contiguous == each.flags.f_contiguous
