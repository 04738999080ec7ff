"""No statement of a send reads a large table from end to end. `python -m bench.plans` asks the same of a million rows."""

from service import database
from tests.support import plenty
from tests.support.plan_steps import Drive
from tests.support.plans import Net, told

DELIVERIES = 10_000


async def test_a_key_serves_every_statement_of_a_send(database_url: str) -> None:
    held = database.connect(database_url)
    try:
        filled = await held.write(plenty.fill, DELIVERIES)
        await held.write(plenty.learn)
        net = Net()
        await Drive(net, held, filled).all()
        caught = await net.judge(held)
    finally:
        await held.close()
    assert len(caught) > 60, "the net has caught what a send asks"
    assert not [one.step for one in caught if one.faults], "\n".join(
        told([one for one in caught if one.faults])
    )
