"""The certificates that SNS signs with: fetched from Amazon and nowhere else, and kept for a day."""

from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from service.bounces.hooks import sns
from service.bounces.hooks.calls import NotBelieved, Trouble
from service.errors import Invalid
from service.fetching import Fetcher

KEPT_FOR = timedelta(days=1)
KEPT_AT_MOST = 20
_Kept = dict[str, tuple[datetime, bytes]]
_of_fetchers: WeakKeyDictionary[Fetcher, _Kept] = WeakKeyDictionary()


async def of(fetcher: Fetcher, body: bytes, *, topic: str, now: datetime) -> bytes:
    """In PEM. Raises NotBelieved, or what `fetching` raises where Amazon cannot be reached. Another topic's is never fetched."""
    named = sns.topic_of(body)
    if not named or (topic and topic != named):
        raise NotBelieved(Trouble.OTHER_TOPIC)
    url = sns.certificate_url(body)
    kept = _of_fetchers.setdefault(fetcher, {})
    found = kept.get(url)
    if found is not None and found[0] > now:
        return found[1]
    try:
        fetched = await fetcher.fetch(url, accept="certificate")
    except Invalid as error:  # it is not there, or is no certificate
        raise NotBelieved(Trouble.NO_CERTIFICATE) from error
    if fetched.url != url:
        raise NotBelieved(Trouble.NO_CERTIFICATE)
    while len(kept) >= KEPT_AT_MOST:
        kept.pop(next(iter(kept)))
    kept[url] = (now + KEPT_FOR, fetched.body)
    return fetched.body
