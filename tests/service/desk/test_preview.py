import httpx2
import pytest

from service.editions.models import Edition


async def test_the_preview_is_the_message_itself_in_a_sandbox(
    ada: httpx2.AsyncClient, draft: Edition
) -> None:
    frame = await ada.get(f"/desk/editions/{draft.uid}/preview.html")
    assert frame.status_code == 200
    assert frame.headers["content-type"].startswith("text/html")
    assert "The ferry stays" in frame.text
    policy = frame.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "allow-" not in policy
    assert frame.headers["x-content-type-options"] == "nosniff"
    assert "/unsubscribe/preview" in frame.text


@pytest.mark.parametrize(
    ("query", "contains"),
    [
        ("", 'class="preview-desktop"'),
        ("?width=phone", 'class="preview-phone"'),
        ("?look=text", "preview-text"),
    ],
)
async def test_the_three_looks(ada: httpx2.AsyncClient, draft: Edition, query: str, contains: str) -> None:
    page = await ada.get(f"/desk/editions/{draft.uid}{query}")
    assert contains in page.text
    assert ('sandbox=""' in page.text) is ("text" not in query)


async def test_a_look_that_there_is_not_is_said(ada: httpx2.AsyncClient, draft: Edition) -> None:
    assert (await ada.get(f"/desk/editions/{draft.uid}?look=smell")).status_code == 422


async def test_nobody_sees_a_preview_signed_out(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/desk/editions/01890000-0000-7000-8000-000000000000/preview.html")
    assert answer.status_code == 303
