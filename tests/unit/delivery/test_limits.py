from service.delivery.limits import Limits, Timeouts
from service.settings import Settings


def test_as_nobody_set_it() -> None:
    """RFC 5321 section 4.5.3.2, and half a minute for a machine that is not there."""
    assert Timeouts.of(Settings()) == Timeouts(
        connect=30, greeting=300, mail=300, rcpt=300, data=120, block=180, dot=600
    )
    assert Timeouts.of(Settings()) == Timeouts()
    assert Limits.of(Settings()) == Limits() == Limits(messages=1_000, age_seconds=300, idle_seconds=50)


def test_each_setting_is_its_own() -> None:
    chosen = Settings(
        relay_connect_timeout=1,
        relay_greeting_timeout=2,
        relay_mail_timeout=3,
        relay_rcpt_timeout=4,
        relay_data_timeout=5,
        relay_block_timeout=6,
        relay_dot_timeout=7,
        relay_connection_messages=8,
        relay_connection_age=9,
        relay_connection_idle=10,
    )
    assert Timeouts.of(chosen) == Timeouts(1, 2, 3, 4, 5, 6, 7)
    assert Limits.of(chosen) == Limits(8, 9, 10)
