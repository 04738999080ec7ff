from datetime import datetime
from typing import overload
from zoneinfo import ZoneInfo


@overload
def there(moment: datetime, zone: str) -> datetime: ...
@overload
def there(moment: None, zone: str) -> None: ...
def there(moment: datetime | None, zone: str) -> datetime | None:
    """The same instant with the newsletter's own offset, as people plan it."""
    return moment.astimezone(ZoneInfo(zone)) if moment is not None else None
