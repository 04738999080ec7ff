"""What a name server may do, and that "could not ask" is never taken for "is not there"."""

import pytest

from service.doctor.answers import Status
from service.doctor.resolver import Resolver, ResolverUnusable
from tests.support.name_server import NameServer


async def test_what_is_there_and_what_is_not(dns: NameServer, resolver: Resolver) -> None:
    dns.txt("example.org", "v=spf1 " + "a:mail.example.org " * 20 + "-all", 'another; "quoted"')
    dns.put("example.org", "MX", "20 b.example.org.", "10 a.example.org.")
    found = await resolver.ask("example.org", "TXT")
    assert (found.status, found.values[0]) == (Status.FOUND, 'another; "quoted"')
    assert found.values[1].endswith("mail.example.org -all")  # several strings, one text
    assert sorted((await resolver.ask("example.org", "MX")).values) == [
        "10 a.example.org.",
        "20 b.example.org.",
    ]
    assert (await resolver.ask("example.org", "AAAA")).status is Status.EMPTY
    assert (await resolver.ask("www.example.org", "A")).status is Status.UNKNOWN_NAME
    assert (await resolver.ask("bad..name", "A")).status is Status.FAILED


async def test_aliases_are_followed_and_told(dns: NameServer, resolver: Resolver) -> None:
    dns.put("s1._domainkey.example.org", "CNAME", "s1.relay.example.net.").put(
        "s1.relay.example.net", "CNAME", "k.example.net."
    )
    dns.txt("k.example.net", "v=DKIM1; p=")
    found = await resolver.ask("s1._domainkey.example.org", "TXT")
    assert (found.values, found.aliases) == (
        ("v=DKIM1; p=",),
        ("s1._domainkey.example.org", "s1.relay.example.net"),
    )
    dns.put("s2._domainkey.example.org", "CNAME", "gone.example.net.")
    lost = await resolver.ask("s2._domainkey.example.org", "TXT")
    assert (lost.status, lost.aliases) == (Status.UNKNOWN_NAME, ("gone.example.net",))
    assert lost.by_way_of == " (by way of gone.example.net)"
    dns.put("round.example.org", "CNAME", "round.example.org.")
    assert (await resolver.ask("round.example.org", "TXT")).status is Status.FAILED


async def test_an_answer_that_does_not_fit_is_asked_for_over_tcp(dns: NameServer, resolver: Resolver) -> None:
    dns.txt("example.org", "v=spf1 -all").cut_off("example.org")
    assert (await resolver.ask("example.org", "TXT")).values == ("v=spf1 -all",)
    assert dns.asked == [("example.org", "TXT", "udp"), ("example.org", "TXT", "tcp")]


async def test_a_server_that_fails_is_no_missing_record(dns: NameServer, resolver: Resolver) -> None:
    impatient = Resolver(dns.address, seconds=0.5)
    dns.failing("example.org").failing("example.net", "REFUSED").silent("example.com")
    for asking, name, word in (
        (resolver, "example.org", "SERVFAIL"),
        (resolver, "example.net", "REFUSED"),
        (impatient, "example.com", "no name server answered in time"),
    ):
        found = await asking.ask(name, "TXT")
        assert found.status is Status.FAILED
        assert not found.is_void
        assert word in found.problem


async def test_the_reverse_of_an_address(dns: NameServer, resolver: Resolver) -> None:
    dns.named("192.0.2.25", "mail.example.org.").named("2001:db8::25", "mail.example.org.")
    assert (await resolver.ask("192.0.2.25", "PTR")).values == ("mail.example.org.",)
    assert (await resolver.ask("2001:db8::25", "PTR")).values == ("mail.example.org.",)


async def test_each_question_is_asked_once(dns: NameServer, resolver: Resolver) -> None:
    dns.txt("example.org", "v=spf1 -all")
    for _ in range(3):
        await resolver.ask("example.org", "TXT")
    assert len(dns.asked) == 1


@pytest.mark.parametrize(
    "server", ["ns.example.org", "192.0.2.53:dns", "192.0.2.53:0", "[2001:db8::1", "192.0.2.53:70000"]
)
def test_what_is_no_name_server_is_refused(server: str) -> None:
    with pytest.raises(ResolverUnusable, match="MEMO_RESOLVER"):
        Resolver(server)


@pytest.mark.parametrize("server", ["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"])
def test_name_servers_as_people_write_them(server: str) -> None:
    Resolver(server)
