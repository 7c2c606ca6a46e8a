"""Ten minutes of asking and telling, as a part of `make torture`."""

from pathlib import Path

import pytest

from tests.benchmarks.running import SOAK_SECONDS, soak


@pytest.mark.heavy
@pytest.mark.timeout(2 * SOAK_SECONDS)
def test_the_memory_of_a_busy_server_stays_flat(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (growth,) = soak(tmp_path)
    with capsys.disabled():
        print(f"\n{growth.name}: {growth.value:.2f} {growth.unit}; {growth.detail}")
    assert growth.met
