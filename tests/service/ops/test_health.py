import httpx2

from service.dependencies import Resources


async def test_health_names_database_and_schema(client: httpx2.AsyncClient, resources: Resources) -> None:
    answer = await client.get("/healthz")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    database = "sqlite" if resources.database.is_sqlite else "postgresql"
    assert answer.json() == {"status": "ok", "database": database, "schema": "0001"}
    assert (await client.head("/healthz")).status_code == 200


async def test_a_database_that_does_not_answer_is_a_problem(
    client: httpx2.AsyncClient, resources: Resources
) -> None:
    await resources.database.write(
        lambda session: session.connection().exec_driver_sql("DROP TABLE alembic_version")
    )
    answer = await client.get("/healthz")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 503
    assert "MEMO_DATABASE_URL" in answer.json()["detail"]
    assert "alembic" not in answer.text


async def test_the_bare_address_leads_to_the_desk(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/")

    assert (answer.status_code, answer.headers["location"]) == (307, "/desk")
