from typing import Any

import httpx2

from service.newsletters.models import Newsletter
from tests.service.api.conftest import KeyMaker, detail

URL = "/newsletters/morning-memo/cadence"
WEEKDAYS: dict[str, Any] = {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "local_time": "06:00"}


async def test_the_answer_names_the_next_five_dates(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    answer = await api.put(URL, json=WEEKDAYS)

    # The clock stands on Monday, 2 March 2026, 05:30 UTC, which is 06:30 in Berlin.
    assert answer.status_code == 200, answer.text
    assert answer.json()["time_zone"] == "Europe/Berlin"
    assert [one["at"] for one in answer.json()["next"]] == [
        f"2026-03-{day}T05:00:00Z" for day in ("03", "04", "05", "06", "09")
    ]
    assert (await api.get(URL)).json()["items"] == [answer.json()]


async def test_nb_40_numbers_for_weekdays_are_refused(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for days in [["1"], [1], ["0"], ["7"], ["1-5"], ["*/2"], ["mon", "someday"], [], [""]]:
        answer = await api.put(URL, json=WEEKDAYS | {"weekdays": days})

        detail(answer, 422)
        assert answer.json()["field"] == "weekdays"
        assert (await api.get(URL)).json()["items"] == []


async def test_a_time_that_is_none_is_refused(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for at in ["6", "24:00", "06:60", "06:00+02:00", ""]:
        detail(await api.put(URL, json=WEEKDAYS | {"local_time": at}), 422)


async def test_nb_26_a_change_of_zone_keeps_the_time_on_the_wall(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    await api.put(URL, json=WEEKDAYS)

    await api.patch("/newsletters/morning-memo", json={"time_zone": "America/New_York"})

    after = (await api.get(URL)).json()["items"][0]
    assert after["time_zone"] == "America/New_York"
    assert after["next"][0]["at"] == "2026-03-02T11:00:00Z"


async def test_a_cadence_is_ended_once(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    await api.put(URL, json=WEEKDAYS)
    await api.put(f"{URL}?slot=2", json=WEEKDAYS | {"local_time": "17:00"})

    assert (await api.delete(f"{URL}?slot=2")).status_code == 204

    assert [one["slot"] for one in (await api.get(URL)).json()["items"]] == [1]
    detail(await api.delete(f"{URL}?slot=2"), 404)
    detail(await api.get("/newsletters/evening-memo/cadence"), 404)


async def test_what_makes_mail_leave_by_itself_needs_the_scope_send(
    client: httpx2.AsyncClient, key: KeyMaker, memo: Newsletter
) -> None:
    headers = {"Authorization": f"Bearer {await key('read', 'write')}"}

    assert "send" in detail(await client.put(f"/api/v1{URL}", headers=headers, json=WEEKDAYS), 403)
    assert "send" in detail(await client.delete(f"/api/v1{URL}", headers=headers), 403)
