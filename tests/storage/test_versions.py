"""The registry: numbers, promotions with their audit, what is kept, and what is refused."""

from functools import partial

import pytest
from rig import open_database

from storage import snapshots, versions
from storage.database import Database
from storage.embedded import Dsn
from storage.errors import Damaged

pytestmark = pytest.mark.anyio


async def registered(database: Database, count: int) -> list[int]:
    await database.run(partial(versions.ensure, learner="coins"))
    return [
        await database.run(
            partial(
                versions.register, learner="coins", revision=1, candidate="c",
                params=bytes([i]) * 50, report={"i": i}, lineage={},
            )
        )
        for i in range(count)
    ]  # fmt: skip


async def test_versions_are_numbered_in_order_and_listed_newest_first(fresh_database: Dsn) -> None:
    database = await open_database(fresh_database)
    assert await registered(database, 3) == [1, 2, 3]
    listed = await database.run(partial(versions.versions, learner="coins"))
    assert [row["number"] for row in listed] == [3, 2, 1]
    await database.close()


async def test_promotion_says_what_was_served_before_and_leaves_an_audit(
    fresh_database: Dsn,
) -> None:
    database = await open_database(fresh_database)
    await registered(database, 2)
    before = [
        await database.run(
            partial(versions.promote, learner="coins", number=number, by="me", reason=str(number))
        )
        for number in (1, 2, None)
    ]
    assert before == [None, 1, 2]
    audit = await database.run(partial(versions.promotions, learner="coins"))
    assert [(row["number"], row["previous"]) for row in audit] == [(None, 2), (2, 1), (1, None)]
    assert (await database.run(versions.serving))["coins"]["incumbent"] is None
    await database.close()


async def test_of_old_versions_the_report_is_kept_and_of_served_ones_the_params(
    fresh_database: Dsn,
) -> None:
    database = await open_database(fresh_database)
    await registered(database, 14)
    await database.run(partial(versions.promote, learner="coins", number=2, by="me", reason="r"))
    await database.run(partial(versions.strip, learner="coins", keep=10))
    listed = await database.run(partial(versions.versions, learner="coins"))
    loadable = {row["number"] for row in listed if row["loadable"]}
    assert loadable == {2, *range(5, 15)}
    assert all(row["report"] is not None for row in listed)
    await database.close()


async def test_damaged_params_and_snapshots_are_refused(fresh_database: Dsn) -> None:
    database = await open_database(fresh_database)
    await registered(database, 1)
    await database.run(
        partial(snapshots.write, learner="coins", revision=1, epoch=1, seq=5, data=b"memory")
    )
    await database.run(lambda c: c.execute("update versions set params = 'x'"))
    await database.run(lambda c: c.execute("update snapshots set data = 'x'"))
    with pytest.raises(Damaged, match="version 1 of coins: expected SHA-256"):
        await database.run(partial(versions.read, learner="coins", number=1))
    with pytest.raises(Damaged, match="snapshot of coins: expected SHA-256"):
        await database.run(partial(snapshots.read, learner="coins", revision=1))
    await database.close()


async def test_an_older_snapshot_does_not_replace_a_newer_one(fresh_database: Dsn) -> None:
    database = await open_database(fresh_database)
    await database.run(partial(versions.ensure, learner="coins"))
    for seq, data in ((5, b"five"), (3, b"three"), (9, b"nine")):
        await database.run(
            partial(snapshots.write, learner="coins", revision=1, epoch=1, seq=seq, data=data)
        )
    found = await database.run(partial(snapshots.read, learner="coins", revision=1))
    assert found == (9, b"nine")
    await database.close()
