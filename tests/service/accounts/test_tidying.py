from datetime import timedelta

from service.accounts import keys, replies, signin
from service.accounts.replies import Reply
from service.dependencies import Resources
from service.worker import Worker
from tests.support.clock import HandClock


async def test_the_worker_forgets_what_has_run_out(resources: Resources, clock: HandClock) -> None:
    database = resources.database
    key, _ = await database.write(keys.create, "City desk", ["write"], now=clock.now())
    asked = replies.ask(key.id, "one", method="POST", path="/x", body=b"")
    await database.write(replies.once, asked, lambda _: Reply(201, "{}"), now=clock.now())
    account = await database.write(
        signin.create_account, "Nora Quist", "nora@example.org", "no hash", now=clock.now()
    )
    await database.write(signin.open_session, account, now=clock.now())
    clock.advance(signin.SESSION_LASTS + timedelta(seconds=1))

    await Worker(resources, "smtp://127.0.0.1:1?tls=none").tidy()

    assert await database.write(replies.forget_old, now=clock.now()) == 0
    assert await database.write(signin.forget_expired, now=clock.now()) == 0
