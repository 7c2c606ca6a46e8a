"""ONNX graphs: written where a model is fitted, run where it is served.

A graph is accepted only if it agrees with its trainer (the export gate): converters round
thresholds, and a rounded threshold can send a row to another leaf. Neither onnxruntime nor a
converter is imported before it is needed.
"""

import os
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models import inert

Scores: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float64]]

TOLERANCE = 1e-4
OPSET = 15
PERTURBED_ROWS = 512
BY_CHANCE = 2  # of them may be off
COLUMNS = 2  # dimensions of a classifier's output; a regression may leave one out


class Disagrees(ValueError):
    """The exported graph does not compute what its trainer computes."""


class Unreadable(ValueError):
    """The bytes are no graph that can be run."""


def session(data: bytes) -> Scores:
    """Return float32 (n, d) -> probability of class 1, or the value of a regression, (n,).

    Raises:
        Unreadable: The graph cannot be loaded, or does more than compute.
    """
    try:
        inert.check(data)
    except inert.NotInert as error:
        raise Unreadable(str(error)) from None
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # from 1.29 on it reports to its maker when imported
    import onnxruntime

    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.load_model_format", "ONNX")  # what was checked
    options.log_severity_level = 3  # the converters' output shapes draw a warning per batch
    try:
        graph = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its C++ side without a common base
        raise Unreadable(f"the graph cannot be loaded: {error}") from error
    taken: str = graph.get_inputs()[0].name
    wanted: list[str] = [graph.get_outputs()[-1].name]
    run = graph.run

    def scores(x: NDArray[np.float32]) -> NDArray[np.float64]:
        got: NDArray[np.float32] = run(wanted, {taken: x})[0]
        column = got[:, -1] if got.ndim == COLUMNS else got
        return column.astype(np.float64)

    return scores


def from_lightgbm(booster: Any, x: NDArray[np.float32], rng: np.random.Generator) -> bytes:
    """Return the graph of a fitted binary or regression booster that was trained on ``x``.

    Raises:
        Disagrees: See the module's first paragraph.
    """
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    kinds = [("x", FloatTensorType([None, x.shape[1]]))]
    tools: Any = onnxmltools
    graph = tools.convert_lightgbm(booster, initial_types=kinds, target_opset=OPSET, zipmap=False)
    return _admit(graph, lambda rows: booster.predict(rows.astype(np.float64)), x, rng)


def from_xgboost(booster: Any, x: NDArray[np.float32], rng: np.random.Generator) -> bytes:
    """Return the graph of a fitted binary or regression booster that was trained on ``x``.

    Raises:
        Disagrees: See the module's first paragraph.
    """
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    kinds = [("x", FloatTensorType([None, x.shape[1]]))]
    tools: Any = onnxmltools
    graph = tools.convert_xgboost(booster, initial_types=kinds, target_opset=OPSET)
    return _admit(graph, booster.inplace_predict, x, rng)


def from_sklearn(model: Any, x: NDArray[np.float32], rng: np.random.Generator) -> bytes:
    """Return the graph of a fitted scikit-learn classifier or regressor.

    Raises:
        Disagrees: See the module's first paragraph.
    """
    import skl2onnx

    tools: Any = skl2onnx
    classifies = hasattr(model, "predict_proba")
    options = {id(model): {"zipmap": False}} if classifies else None
    graph = tools.to_onnx(model, x[:1], options=options, target_opset=OPSET)

    def trainer(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        said: NDArray[np.float64]
        said = model.predict_proba(rows)[:, 1] if classifies else model.predict(rows)
        return said

    return _admit(graph, trainer, x, rng)


def _admit(
    exported: Any,
    trainer: Callable[[NDArray[np.float32]], Any],
    x: NDArray[np.float32],
    rng: np.random.Generator,
) -> bytes:
    exported.graph.name = "graph"  # a random one otherwise: equal fits give equal bytes
    graph: bytes = exported.SerializeToString()
    run = session(graph)
    own, perturbed = (_off(run, trainer, rows) for rows in (x, _perturbed(x, rng)))
    # A made-up value may lie between a threshold and its rounded self, by chance in a row or two.
    worst = max(
        float(own.max(initial=0.0)), float(np.sort(perturbed)[:-BY_CHANCE].max(initial=0.0))
    )
    if not worst <= TOLERANCE:
        raise Disagrees(f"the exported graph is off by {worst:.2g}, allowed is {TOLERANCE:g}")
    return graph


def _off(
    run: Scores, trainer: Callable[[NDArray[np.float32]], Any], rows: NDArray[np.float32]
) -> NDArray[np.float64]:
    return np.abs(run(rows) - np.asarray(trainer(rows), dtype=np.float64))


def _perturbed(x: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    rows = x[rng.integers(0, len(x), min(len(x), PERTURBED_ROWS))]
    noise = rng.normal(0.0, 0.5, rows.shape) * x.std(axis=0)
    perturbed: NDArray[np.float32] = (rows + noise).astype(np.float32)
    return perturbed
