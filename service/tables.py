"""Every table, in one import: what Alembic compares and tests create."""

from sqlmodel import SQLModel

from service.accounts.models import Account, DeskSession, KeptReply, Key
from service.articles.models import Article, Feed, FeedIdentity
from service.backups.models import Continuity
from service.bounces.hooks.models import RelayEvent, RelayHook
from service.bounces.models import Bounce, BounceWave, Inbox, ReturnedMail
from service.deadlines.models import Deadline
from service.delivery.models import DkimKey, ProviderLimit, Relay, Seat
from service.doctor.models import Checkup
from service.editions.models import (
    Cadence,
    Edition,
    EditionPicture,
    Occurrence,
    Rendition,
    Share,
    Version,
    VersionItem,
)
from service.events.models import Event
from service.imports.models import ImportFile, ReaderImport
from service.ledger.models import Bounced, Delivery, Notice, Run, Span
from service.mailbox.models import CaughtMessage
from service.media.models import PictureAddress, StoredPicture
from service.newsletters.models import Newsletter
from service.proofs.models import ProofPart
from service.subscribers.models import ConsentEvent, Cooldown, Subscriber, Subscription
from service.suppressions.models import Suppression
from service.workers.models import WorkerProcess

metadata = SQLModel.metadata

__all__ = [
    "Account",
    "Article",
    "Bounce",
    "BounceWave",
    "Bounced",
    "Cadence",
    "CaughtMessage",
    "Checkup",
    "ConsentEvent",
    "Continuity",
    "Cooldown",
    "Deadline",
    "Delivery",
    "DeskSession",
    "DkimKey",
    "Edition",
    "EditionPicture",
    "Event",
    "Feed",
    "FeedIdentity",
    "ImportFile",
    "Inbox",
    "KeptReply",
    "Key",
    "Newsletter",
    "Notice",
    "Occurrence",
    "PictureAddress",
    "ProofPart",
    "ProviderLimit",
    "ReaderImport",
    "Relay",
    "RelayEvent",
    "RelayHook",
    "Rendition",
    "ReturnedMail",
    "Run",
    "Seat",
    "Share",
    "Span",
    "StoredPicture",
    "Subscriber",
    "Subscription",
    "Suppression",
    "Version",
    "VersionItem",
    "WorkerProcess",
    "metadata",
]
