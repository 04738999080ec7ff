import httpx2

from service.dependencies import Resources
from service.newsletters import publication, web
from service.newsletters.models import Newsletter
from service.newsletters.web import Web

PATH = "/desk/newsletters/morning-memo"


async def test_who_may_read_on_the_web_is_chosen(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    assert '<option value="public" selected>' in (await ada.get(PATH)).text
    answer = await ada.post(f"{PATH}/web", data={"web": "private"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}#web")
    assert web.of(await resources.database.read(publication.get, memo.slug)) is Web.PRIVATE
    assert '<option value="private" selected>' in (await ada.get(PATH)).text
    assert (await ada.post(f"{PATH}/web", data={"web": "nobody"})).status_code == 422
