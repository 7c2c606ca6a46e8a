"""The schema: `schema.sql` is the readable truth, and the migrations lead to it."""

import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import migrations, pool
from storage.embedded import Dsn, Lease

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


@pytest.fixture
def described(database: Lease) -> Callable[[Dsn], str]:
    """pg_dump's own words for a schema, without what the migrations' table adds."""

    def describe(dsn: Dsn) -> str:
        command = [
            database.binaries.program("pg_dump"), "--schema-only", "--no-owner",
            "--restrict-key=same", "--exclude-table=schema_migrations",
            "-h", dsn["host"], "-p", str(dsn["port"]), "-U", dsn["user"], "-d", dsn["database"],
        ]  # fmt: skip
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    return describe


async def test_the_migrations_lead_to_the_schema(
    fresh_database: Dsn, described: Callable[[Dsn], str]
) -> None:
    async with pool.connection(pool.embedded(dict(fresh_database))) as connection:
        await migrations.migrate(connection)
        migrated = described(fresh_database)
        name = f"schema_{uuid.uuid4().hex}"
        await connection.execute(f"create database {name}")
        other = fresh_database.copy()
        other["database"] = name
        async with pool.connection(pool.embedded(dict(other))) as plain:
            await plain.execute((ROOT / "storage/schema.sql").read_text("utf-8"))
        assert described(other) == migrated
        await connection.execute(f"drop database {name}")


async def test_the_matrix_has_the_columns_that_the_spec_names(fresh_database: Dsn) -> None:
    async with pool.connection(pool.embedded(dict(fresh_database))) as connection:
        await migrations.migrate(connection)
        rows = await connection.fetch(
            "select column_name from information_schema.columns "
            "where table_name = 'mixin_compatibility_matrix' order by ordinal_position"
        )
    assert [row["column_name"] for row in rows] == [
        "mixin_a", "mixin_b", "node_type", "success_count", "failure_count",
        "compatibility_score", "conflict_reason", "resolution_pattern", "created_at",
    ]  # fmt: skip
