"""The public conformance suite: the product's server, with what the suite looks for added to it."""

import re
import sys
from pathlib import Path

import pytest
from outside import Node, process

SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
SUPPORT = Path(__file__).parents[1] / "support"
SCENARIOS = {"2025-11-25": 33, "2026-07-28": 50}  # that the suite runs against a server


@pytest.mark.timeout(500)
@pytest.mark.parametrize("revision", SCENARIOS)
def test_every_scenario_of_a_revision_passes_scored_or_not(
    node: Node, env: dict[str, str], tmp_path: Path, revision: str
) -> None:
    given = {**env, "PYTHONPATH": str(SUPPORT)}
    with process(sys.executable, "-m", "everything", env=given, log=tmp_path / "log") as address:
        suite = ["server", "--url", address, "--requirements", revision]
        done = node.run(SUITE, *suite, "-o", tmp_path / "results", home=tmp_path)
    verdicts = re.findall(r"^([✓✗]) (\S+): (\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)
    assert [verdict for verdict in verdicts if verdict[0] != "✓" or verdict[3] != "0"] == []
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert len(verdicts) == SCENARIOS[revision]
