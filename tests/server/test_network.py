"""Nothing is looked for outside this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONSOLE = Path(sys.executable).parent / "foresight"
ALONE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


@pytest.mark.skipif(
    subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode != 0,
    reason="network namespaces are not permitted here",
)
def test_asking_and_telling_need_no_network_at_all(tmp_path: Path) -> None:
    environment = {**os.environ, "FORESIGHT_DATA_DIR": str(tmp_path / "data")}
    for words in (
        ["check-mixin-compatibility", "MixinRetry", "MixinTimeout", "--node-type", "EFFECT"],
        ["record-feedback", "success", "--learner", "mixin_compatibility", "--facts",
         '{"mixins": ["MixinRetry", "MixinTimeout"], "node_type": "EFFECT"}'],
        ["status"],
    ):  # fmt: skip
        done = subprocess.run(
            [*ALONE, CONSOLE, *words],
            capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
