"""What a serving process loads, and what it does not."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from learners.registry import catalog
from learners.replay import Rows, asked, log, replay

SERVE = """
import sys
from pathlib import Path
import numpy as np
from learners.registry import catalog

learner = catalog()["mixin_compatibility"]
params = learner.load(Path(sys.argv[1]).read_bytes())
example = learner.specimen(np.random.default_rng(0))
advice = learner.answer(params, learner.memory(), example.query, 1.8e9, np.random.default_rng(0))
assert advice.reasons
print(sorted({"sklearn", "lightgbm", "xgboost", "torch", "onnx", "scipy"} & set(sys.modules)))
"""


def test_serving_a_model_imports_none_of_the_libraries_that_trained_it(tmp_path: Path) -> None:
    learner = catalog()["mixin_compatibility"]
    rng = np.random.default_rng(0)
    entries = log([learner.specimen(rng) for _ in range(150)])
    rows = Rows(learner)
    replay(learner, entries, asked(learner, entries), rows.add)
    params = learner.candidates["blend"](rows.table(), rng)
    file = tmp_path / "params"
    file.write_bytes(learner.dump(params))
    done = subprocess.run(
        [sys.executable, "-P", "-c", SERVE, str(file)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr
