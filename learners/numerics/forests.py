"""Trees as flat arrays: all trees advance together, and the path explains the prediction.

``feature``, ``threshold`` and ``value`` have an entry per node, ``child`` two; a leaf is its own
child and reads the dummy feature d. Attribution along the path is after Saabas, A. (2014): the
contributions and the mean value of the roots sum to the prediction. They are not Shapley values.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FIELDS = ("feature", "threshold", "child", "value", "roots")


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """A packed forest; its prediction is ``base`` + ``scale`` * the sum of the leaves' values."""

    feature: NDArray[np.int32]
    threshold: Floats
    child: NDArray[np.int32]
    value: Floats
    roots: NDArray[np.int32]
    width: int
    depth: int
    scale: float
    base: float = 0.0

    def __post_init__(self) -> None:
        """Refuse arrays that would read outside themselves."""
        nodes = len(self.feature)
        sound = (
            len(self.threshold) == len(self.value) == nodes
            and len(self.child) == 2 * nodes
            and len(self.roots) > 0
            and nodes > 0
        )
        if not sound:
            raise ValueError("the arrays of a forest do not fit together")
        for array, bound in ((self.feature, self.width + 1), (self.child, nodes)):
            if array.min() < 0 or array.max() >= bound:
                raise ValueError("a node points outside the forest")
        if self.roots.min() < 0 or self.roots.max() >= nodes:
            raise ValueError("a root points outside the forest")


def predict(forest: Forest, x: NDArray[np.float32]) -> Floats:
    """Return (n,) predictions of (n, d) rows."""
    rows = np.append(x.astype(np.float64), np.zeros((len(x), 1)), axis=1)
    line = np.arange(len(x))[:, None]
    node = np.broadcast_to(forest.roots, (len(x), len(forest.roots)))
    for _ in range(forest.depth):
        right = rows[line, forest.feature[node]] > forest.threshold[node]
        node = forest.child[2 * node + right]
    total: Floats = forest.value[node].sum(axis=1)
    return forest.base + forest.scale * total


def contributions(forest: Forest, row: NDArray[np.float32]) -> tuple[float, Floats]:
    """Return the mean prediction, and by feature (d,) what moved this row away from it."""
    start = forest.base + forest.scale * float(forest.value[forest.roots].sum())
    return start, moved(forest, row[None, :])[0]


def moved(forest: Forest, x: NDArray[np.float32]) -> Floats:
    """Return (n, d): what each feature of a row moved it away from the mean prediction."""
    width = forest.width + 1
    rows = np.append(x.astype(np.float64), np.zeros((len(x), 1)), axis=1)
    line = np.arange(len(x))[:, None]
    node = np.broadcast_to(forest.roots, (len(x), len(forest.roots)))
    total = np.zeros(len(x) * width)
    for _ in range(forest.depth):
        feature = forest.feature[node]
        after = forest.child[2 * node + (rows[line, feature] > forest.threshold[node])]
        step = forest.value[after] - forest.value[node]
        total += np.bincount((line * width + feature).ravel(), step.ravel(), len(total))
        node = after
    by_row: Floats = forest.scale * total.reshape(len(x), width)[:, :-1]
    return by_row


def arrays(forest: Forest, prefix: str) -> dict[str, NDArray[Any]]:
    """Return the forest for ``models.packing``, under names that begin with ``prefix``."""
    packed: dict[str, NDArray[Any]] = {f"{prefix}{name}": getattr(forest, name) for name in FIELDS}
    numbers = [forest.width, forest.depth, forest.scale, forest.base]
    packed[f"{prefix}numbers"] = np.array(numbers, dtype=np.float64)
    return packed


def from_arrays(packed: Mapping[str, NDArray[Any]], prefix: str) -> Forest:
    """Return what ``arrays`` wrote.

    Raises:
        ValueError: The arrays do not describe a forest.
        KeyError: An array is missing.
    """
    width, depth, scale, base = (float(number) for number in packed[f"{prefix}numbers"])
    return Forest(
        packed[f"{prefix}feature"].astype(np.int32),
        packed[f"{prefix}threshold"].astype(np.float64),
        packed[f"{prefix}child"].astype(np.int32),
        packed[f"{prefix}value"].astype(np.float64),
        packed[f"{prefix}roots"].astype(np.int32),
        int(width),
        int(depth),
        scale,
        base,
    )


def from_sklearn(model: Any, width: int) -> Forest:
    """Return a fitted scikit-learn forest: of a classifier, the probability of class 1."""
    parts = [_tree(estimator.tree_, width) for estimator in model.estimators_]
    return _joined(parts, width, 1.0 / len(parts))


def from_lightgbm(booster: Any) -> Forest:
    """Return a fitted LightGBM booster without categories or missing values: the raw score."""
    dump: Mapping[str, Any] = booster.dump_model()
    width = int(dump["max_feature_idx"]) + 1
    parts = [_dumped(tree["tree_structure"], width) for tree in dump["tree_info"]]
    return _joined(parts, width, 1.0)


def from_xgboost(booster: Any) -> Forest:
    """Return a fitted XGBoost booster of one output, without missing values: the raw score."""
    learner: Mapping[str, Any] = json.loads(booster.save_raw("json"))["learner"]
    numbers = learner["learner_model_param"]
    width = int(numbers["num_feature"])
    start = float(str(numbers["base_score"]).strip("[]"))
    if learner["objective"]["name"] == "binary:logistic":
        start = math.log(start / (1.0 - start))
    trees = learner["gradient_booster"]["model"]["trees"]
    return replace(_joined([_saved(tree, width) for tree in trees], width, 1.0), base=start)


@dataclass(frozen=True, slots=True)
class _Tree:
    feature: NDArray[np.int32]
    threshold: Floats
    child: NDArray[np.int32]
    value: Floats
    depth: int


def _tree(tree: Any, width: int) -> _Tree:
    here = np.arange(tree.node_count, dtype=np.int32)
    leaf = tree.children_left < 0
    value: Floats = tree.value[:, 0, :]
    if value.shape[1] > 1:
        value = value[:, 1:] / value.sum(axis=1, keepdims=True)
    left = np.where(leaf, here, tree.children_left)
    right = np.where(leaf, here, tree.children_right)
    return _Tree(
        np.where(leaf, width, tree.feature).astype(np.int32),
        np.where(leaf, 0.0, tree.threshold),
        np.stack([left, right], axis=1).ravel().astype(np.int32),
        np.ascontiguousarray(value[:, 0]),
        int(tree.max_depth),
    )


def _dumped(root: Mapping[str, Any], width: int) -> _Tree:
    nodes: list[Mapping[str, Any]] = []
    child: list[int] = []
    deepest = 0
    waiting: list[tuple[Mapping[str, Any], int, int]] = [(root, -1, 0)]
    while waiting:
        node, slot, depth = waiting.pop()
        here = len(nodes)
        nodes.append(node)
        child += [here, here]
        deepest = max(deepest, depth)
        if slot >= 0:
            child[slot] = here
        if "left_child" in node:
            waiting.append((node["right_child"], 2 * here + 1, depth + 1))
            waiting.append((node["left_child"], 2 * here, depth + 1))
    return _Tree(
        np.array([node.get("split_feature", width) for node in nodes], dtype=np.int32),
        np.array([node.get("threshold", 0.0) for node in nodes], dtype=np.float64),
        np.array(child, dtype=np.int32),
        np.array([_value(node) for node in nodes], dtype=np.float64),
        deepest,
    )


def _saved(tree: Mapping[str, Any], width: int) -> _Tree:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    here, leaf = np.arange(len(left)), left < 0
    condition = np.array(tree["split_conditions"], dtype=np.float32)  # of a leaf: its value
    cover = np.array(tree["sum_hessian"], dtype=np.float64)
    value, depth = condition.astype(np.float64), np.zeros(len(left), dtype=np.int64)
    for node in here[~leaf][::-1].tolist():  # children come after their parent
        both = [left[node], right[node]]
        value[node] = np.average(value[both], weights=cover[both])
        depth[node] = 1 + depth[both].max()
    # left there is below the condition, here it is up to it: the next float32 below says the same
    below = np.nextafter(condition, np.float32(-np.inf)).astype(np.float64)
    child = np.stack([np.where(leaf, here, left), np.where(leaf, here, right)], axis=1)
    return _Tree(
        np.where(leaf, width, np.array(tree["split_indices"])).astype(np.int32),
        np.where(leaf, 0.0, below),
        child.ravel().astype(np.int32),
        value,
        int(depth[0]),
    )


def _value(node: Mapping[str, Any]) -> float:
    return float(node["internal_value"] if "internal_value" in node else node["leaf_value"])


def _joined(parts: list[_Tree], width: int, scale: float) -> Forest:
    starts = np.cumsum([0, *(len(part.feature) for part in parts)])
    return Forest(
        np.concatenate([part.feature for part in parts]),
        np.concatenate([part.threshold for part in parts]),
        np.concatenate([p.child + s for p, s in zip(parts, starts, strict=False)]).astype(np.int32),
        np.concatenate([part.value for part in parts]),
        starts[:-1].astype(np.int32),
        width,
        max(part.depth for part in parts),
        scale,
    )
