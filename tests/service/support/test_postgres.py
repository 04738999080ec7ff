import asyncpg

from tests.support.postgres import Postgres


def test_a_database_is_made_copied_and_dropped(postgres: Postgres) -> None:
    with postgres.database("support one") as url, postgres.database("support_two", template="support one"):
        assert url.startswith("postgresql+asyncpg://")
        assert "/support%20one" in url
        assert {"support one", "support_two"} <= set(postgres.database_names())
    assert not {"support one", "support_two"} & set(postgres.database_names())


async def test_works_inside_a_running_loop_and_is_really_postgresql(postgres: Postgres) -> None:
    with postgres.database("support_three") as url:
        connection = await asyncpg.connect(url.replace("+asyncpg://postgres@/", "://postgres@/"))
        version = await connection.fetchval("SELECT version()")
        # Left open on purpose: a drop does not wait for whoever is still connected.
        assert version.startswith("PostgreSQL")
    assert "support_three" not in postgres.database_names()
    connection.terminate()


def test_an_old_database_of_that_name_is_replaced(postgres: Postgres) -> None:
    postgres.create_database("support_four")
    postgres.create_database("support_four")
    postgres.drop_database("support_four")
