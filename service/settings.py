"""Settings: `MEMO_*` variables, or files of the same name in the folder `MEMO_SECRETS_DIR` (for container secrets).

Read once in an entrance and passed down; never a global. Every field is described in `docs/settings.md`, held there by a test.
"""

import os
import re
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service import wording
from service.errors import Invalid
from service.setting_values import Certificates, GreetingName, Level, NameServer, Proxies, SigningKeys

TOKEN_CHARACTERS = 16
_DOMAIN = re.compile(
    r"(?=.{1,190}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]"
)
_HERE = Path(__file__).resolve().parent


class SettingsInvalid(Invalid):
    """A setting cannot be used as it is."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MEMO_", frozen=True, extra="ignore")

    data_dir: Path = Field(
        Path("var"), description="Folder for the database, keys and everything else that is kept."
    )
    database_url: str = Field(
        "", description="`sqlite:///path` or `postgresql://…`; empty: SQLite in the data folder."
    )
    relay_url: str = Field(
        "",
        description="`smtp://user:pass@host:port` or `smtps://…`, with `?tls=required|opportunistic|none`; "
        "it is the main relay then. Empty: the main relay of the register, or else the built-in mailbox.",
    )
    relay_ca_file: Certificates = Field(
        None,
        description="Certificates to trust for the relay, and the mailbox of bounces, beside the system's.",
    )
    relay_connections: int = Field(
        10,
        ge=1,
        le=200,
        description="Connections open to the relay at once, from all workers together, one of them for notices; "
        "a relay that is entered at the desk may have a number of its own.",
    )
    relay_connection_messages: int = Field(
        1_000, ge=1, description="Messages over one connection before a fresh one takes over."
    )
    relay_connection_age: float = Field(
        300, gt=0, description="Seconds after which a connection is renewed, between two messages."
    )
    relay_connection_idle: float = Field(
        50, gt=0, description="Seconds without work after which a connection is not used again."
    )
    relay_connect_timeout: float = Field(
        30, gt=0, description="Seconds to wait until the relay's machine answers at all."
    )
    relay_greeting_timeout: float = Field(
        300,
        gt=0,
        description="Seconds to wait for the relay's greeting, and each reply up to the end of the login "
        "(RFC 5321 §4.5.3.2, like those that follow).",
    )
    relay_mail_timeout: float = Field(300, gt=0, description="Seconds to wait for the reply to MAIL.")
    relay_rcpt_timeout: float = Field(300, gt=0, description="Seconds to wait for the reply to RCPT.")
    relay_data_timeout: float = Field(
        120, gt=0, description="Seconds to wait for the reply to DATA, that the message may follow."
    )
    relay_block_timeout: float = Field(
        180, gt=0, description="Seconds to wait while a message is written and the relay reads none of it."
    )
    relay_dot_timeout: float = Field(
        600,
        gt=0,
        description="Seconds to wait for the reply to a whole message; shorter makes more uncertain ones.",
    )
    relay_fallback_after: float = Field(
        120,
        ge=0,
        description="Seconds that the main relay must be out of reach before its fallback stands in for it.",
    )
    ehlo_name: GreetingName = Field(
        "", description="Name we greet the relay with; empty: the host of the public address."
    )
    bounce_domain: str = Field(
        "",
        description="Domain whose mail is brought back to us, for the envelope sender of each message; "
        "empty: the newsletter's own address is the sender, and bounces go there.",
    )
    bounce_listen: str = Field(
        "",
        description="`host:port` on which a worker takes mail for the bounce domain over SMTP; empty: it does not.",
    )
    public_url: str = Field("", description="Address readers reach us at; every link begins with it.")
    secret_key: SigningKeys = Field(
        "",
        description="Signing keys, newest first, divided by commas; empty: made once and kept in the data folder.",
    )
    suppression_pepper: str = Field(
        "",
        description="Keeps hashed addresses from being guessed; empty: made once and kept in the data folder.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8300, ge=0, le=65535, description="Port to listen on.")
    mailbox_port: int = Field(
        8325, ge=0, le=65535, description="SMTP port of the built-in mailbox (loopback only)."
    )
    fetch_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Private `host:port` or networks that articles may be fetched from, divided by commas.",
    )
    uncertain_wait: float = Field(
        120, ge=0, description="Seconds before a message without a clear answer is tried once more."
    )
    resolver: NameServer = Field(
        "",
        description="Name server that `memo doctor` asks, as `192.0.2.53` or with a port; empty: the system's.",
    )
    media_bucket: str = Field(
        "",
        description="`https://host/bucket` of an S3-compatible store for pictures, with a prefix if wanted; "
        "empty: the folder `media` in the data folder, which all processes of several machines have to share.",
    )
    media_region: str = Field("us-east-1", description="Region of the bucket for pictures.")
    media_access_key: str = Field(
        "", description="Access key id for the bucket; it may read, write and delete there."
    )
    media_secret_key: str = Field("", description="Secret access key for the bucket.")
    keep_pictures_days: int = Field(
        30, ge=1, description="Days after which a picture is let go that no edition and no newsletter shows."
    )
    keep_details_days: int = Field(
        90,
        ge=7,
        description="Days after its end until an edition's deliveries become its counts and its kept proof.",
    )
    keep_pending_days: int = Field(
        30, ge=1, description="Days after which people are forgotten whose link to confirm lapsed unused."
    )
    postgresql_programs: Path | None = Field(
        None, description="Folder of pg_dump and pg_restore, for backups of PostgreSQL; empty: looked for."
    )
    trusted_proxies: Proxies = Field("", description="Addresses of proxies whose forwarded headers count.")
    metrics_token: str = Field(
        "",
        description="Who brings it as `Authorization: Bearer …` may read `/metrics`, at least 16 characters; "
        "empty: this computer only.",
    )
    log_format: Literal["console", "json"] = Field("console", description="`console` or `json`.")
    log_level: Level = Field("INFO", description="Least severe level that is logged.")

    @field_validator("fetch_allow", mode="before")
    @classmethod
    def _divided(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in value.replace(",", " ").split() if part)
        return value

    @field_validator("metrics_token")
    @classmethod
    def _is_long_enough(cls, value: str) -> str:
        if value and len(value) < TOKEN_CHARACTERS:
            raise ValueError(f"a token that nobody guesses has at least {TOKEN_CHARACTERS} characters")
        return value

    @field_validator("bounce_domain")
    @classmethod
    def _is_a_domain(cls, value: str) -> str:
        domain = value.strip().rstrip(".").lower()
        if domain and not _DOMAIN.fullmatch(domain):
            raise ValueError("give a domain as DNS has it, for example bounces.news.example.org")
        return domain

    @field_validator("bounce_listen")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        host, _, port = value.strip().rpartition(":")
        if value and not (host and port.isascii() and port.isdigit() and int(port) <= 65535):
            raise ValueError("give an address and a port, for example 0.0.0.0:2525")
        return value.strip()

    @field_validator("media_bucket")
    @classmethod
    def _is_a_bucket(cls, value: str) -> str:
        parts = urlsplit(value)
        is_whole = parts.scheme in {"http", "https"} and parts.hostname and parts.path.strip("/")
        if value and (not is_whole or parts.query or parts.username):
            raise ValueError("give its address with the bucket, for example https://s3.example.org/pictures")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _is_absolute(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError("give the whole address, for example https://news.example.org")
        return value.rstrip("/")

    @cached_property
    def database(self) -> str:
        """The database URL with the driver we use spelled out."""
        if not self.database_url:
            return f"sqlite:///{(self.data_dir / 'memo.sqlite3').resolve()}"
        scheme, _, rest = self.database_url.partition("://")
        if scheme.startswith("postgres"):
            return f"postgresql+asyncpg://{rest}"
        if scheme == "sqlite":
            return self.database_url
        raise SettingsInvalid("MEMO_DATABASE_URL must begin with sqlite:/// or postgresql://.")

    @property
    def is_sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    @property
    def base_url(self) -> str:
        """The public address without a slash at its end."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def bounce_address(self) -> tuple[str, int] | None:
        """Where the listener for bounces listens. Raises SettingsInvalid without a domain to listen for."""
        if not self.bounce_listen:
            return None
        if not self.bounce_domain:
            raise SettingsInvalid(
                "MEMO_BOUNCE_LISTEN needs MEMO_BOUNCE_DOMAIN: it takes mail for that domain only."
            )
        host, _, port = self.bounce_listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def greeting_name(self) -> str:
        return self.ehlo_name or urlsplit(self.base_url).hostname or "localhost"

    @property
    def fallback_after(self) -> timedelta:
        return timedelta(seconds=self.relay_fallback_after)

    @property
    def uncertain_after(self) -> timedelta:
        return timedelta(seconds=self.uncertain_wait)


def load(**overrides: Any) -> Settings:
    """Read the environment; raises SettingsInvalid naming the variable to mend."""
    folder = os.environ.get("MEMO_SECRETS_DIR")
    try:
        return Settings(_secrets_dir=folder, **overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = "MEMO_" + "_".join(str(part) for part in first["loc"]).upper()
        said = wording.sentence(name, wording.phrase(first))
        raise SettingsInvalid(f"{said.rstrip('.')}.") from error


def shipped(name: str) -> Path:
    """A folder that belongs to the product (`templates`, `static`, `alembic`, `examples`): in the checkout, or installed."""
    installed = _HERE / "_shipped" / name
    return installed if installed.exists() else _HERE.parent / name
