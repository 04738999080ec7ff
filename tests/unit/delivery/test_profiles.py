"""What is known of each kind of relay: numbers out of replies that relays really gave, and hosts that give them away."""

import re

import pytest

from service.delivery import profiles
from service.delivery.profiles import BY_KEY, PROFILES, Fate

REPLIES = [
    ("postfix", "2.0.0 Ok: queued as 4W3qZs6Yl0z9sWk", "4W3qZs6Yl0z9sWk"),
    ("postfix", "2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9B2C81C0", "9B2C81C0"),
    (
        "ses",
        "Ok 0100016e4ab7c399-5058a2a5-d4ad-407b-92b8-94472f229325-000000",
        "0100016e4ab7c399-5058a2a5-d4ad-407b-92b8-94472f229325-000000",
    ),
    (
        "ses",
        "Ok 01000154dc729264-93fdd7ea-f039-43d6-91ed-653e8547867c-000000",
        "01000154dc729264-93fdd7ea-f039-43d6-91ed-653e8547867c-000000",
    ),
    ("ses", "Ok", None),
    ("sendgrid", "Ok: queued as DZ-sElfDTQi_7BZNMrHcvA", "DZ-sElfDTQi_7BZNMrHcvA"),
    ("mailgun", "Great success", None),
    ("postmark", "2.0.0 Ok: queued as 6A59", "6A59"),
    (
        "brevo",
        "2.0.0 OK: queued as <27687904.11.1776230268133.JavaMail.zimbra@example.org>",
        "27687904.11.1776230268133.JavaMail.zimbra@example.org",
    ),
    (
        "brevo",
        "Message queued as <b317022a-32f2-e8cb-8740-f203bac5caf6@example.org>",
        "b317022a-32f2-e8cb-8740-f203bac5caf6@example.org",
    ),
    ("brevo", "2.0.0 OK", None),
    ("mailjet", "2.0.0 Ok: queued as 0C0151AC06F9", "0C0151AC06F9"),
    ("generic", "OK id=1rAbCd-0003xY-2Z", "1rAbCd-0003xY-2Z"),  # Exim
    ("generic", "2.6.0 <6b36518e@example.org> [InternalId=23138874] Queued mail for delivery", "23138874"),
    ("generic", "2.0.0 Ok: queued as C1583451154F", "C1583451154F"),
    ("generic", "2.0.0 Kept in the mailbox", None),
]

HOSTS = [
    ("email-smtp.eu-central-1.amazonaws.com", "ses"),
    ("email-smtp-fips.us-west-2.amazonaws.com", "ses"),
    ("SMTP.SendGrid.net.", "sendgrid"),
    ("smtp.eu.mailgun.org", "mailgun"),
    ("smtp-broadcasts.postmarkapp.com", "postmark"),
    ("smtp-relay.brevo.com", "brevo"),
    ("in-v3.mailjet.com", "mailjet"),
    ("127.0.0.1", "postfix"),
    ("localhost", "postfix"),
    ("mail.example.org", "generic"),
    ("smtp.sendgrid.net.example.org", "generic"),
    ("amazonaws.com", "generic"),
]


@pytest.mark.parametrize(("key", "text", "number"), REPLIES)
def test_the_relays_number_is_read_from_its_reply(key: str, text: str, number: str | None) -> None:
    assert profiles.queue_id(BY_KEY[key], text) == number


def test_every_pattern_has_met_a_real_reply() -> None:
    met = {key for key, _, number in REPLIES if number}
    assert met == {one.key for one in PROFILES if one.queue_id}


@pytest.mark.parametrize(("host", "key"), HOSTS)
def test_a_host_gives_its_profile_away(host: str, key: str) -> None:
    assert profiles.guessed(host).key == key


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.key)
def test_each_profile_says_where_it_is_from(profile: profiles.Profile) -> None:
    assert profile.sources
    assert all(re.match(r"https://|seen: 250 |RFC \d+ ", source) for source in profile.sources)
    assert all((profile.tls, profile.quota, profile.signs, profile.hint))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.key)
def test_a_reply_as_documented_is_read_by_the_same_profile(profile: profiles.Profile) -> None:
    seen = [source.partition("seen: 250 ")[2] for source in profile.sources if source.startswith("seen: ")]
    assert all(bool(profiles.queue_id(profile, one)) == bool(profile.queue_id) for one in seen)


def test_who_replaces_the_message_id_does_not_keep_our_bytes() -> None:
    assert not [one.key for one in PROFILES if one.keeps_bytes and one.message_id is Fate.REPLACED]


def test_keys_are_unique() -> None:
    assert len(BY_KEY) == len(PROFILES) == 8
