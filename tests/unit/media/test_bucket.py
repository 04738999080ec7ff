"""Pictures in a bucket, which judges our signatures by itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service import dependencies, settings
from service.media import pictures, signing
from service.media.bucket import Bucket
from service.media.folder import Folder, StoreFailed
from service.media.signing import Credentials
from service.settings import SettingsInvalid
from tests.support import bucket as buckets
from tests.support import picture_files
from tests.support.bucket import SampleBucket
from tests.support.clock import HandClock

WHO = Credentials(buckets.ACCESS, buckets.SECRET, buckets.REGION)


@pytest.fixture
async def sample() -> AsyncIterator[SampleBucket]:
    async with buckets.running() as running:
        yield running


@pytest.fixture
async def store(sample: SampleBucket, hand_clock: HandClock) -> AsyncIterator[Bucket]:
    opened = Bucket(sample.address, WHO, hand_clock)
    yield opened
    await opened.close()


def test_a_request_is_signed_as_amazon_documents_it() -> None:
    """The example "GET Object" of sig-v4-header-based-auth."""
    who = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
    signed = signing.headers(
        who,
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        b"",
        at=datetime(2013, 5, 24, tzinfo=UTC),
        more={"Range": "bytes=0-9"},
    )
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


async def test_a_picture_goes_in_and_out_and_is_asked_for_once(sample: SampleBucket, store: Bucket) -> None:
    made = await pictures.take(store, picture_files.as_file(picture_files.gradient(40, 30), "JPEG"))
    assert sample.kept == {f"/pictures/memo/{made.name}": (made.body, "image/jpeg")}
    assert await store.get(made.name) == made.body
    assert await store.get(made.name) == made.body
    assert len([one for one in sample.asked if one.startswith("GET")]) == 1
    await store.remove(made.name)
    assert sample.kept == {}
    assert await store.get(made.name) is None


async def test_a_wrong_key_and_a_bucket_out_of_reach_say_what_to_check(
    sample: SampleBucket, store: Bucket, hand_clock: HandClock
) -> None:
    sample.secret = "another one"
    with pytest.raises(StoreFailed, match=r"403 \(SignatureDoesNotMatch\)\. Check MEMO_MEDIA_BUCKET"):
        await store.put("aa.png", b"x")
    with pytest.raises(StoreFailed, match="403"):
        await store.get("aa.png")
    nowhere = Bucket("http://127.0.0.1:9/pictures", WHO, hand_clock)
    with pytest.raises(StoreFailed, match="cannot be reached"):
        await nowhere.get("aa.png")
    await nowhere.close()


def test_the_settings_choose_the_store(tmp_path: Path, hand_clock: HandClock) -> None:
    chosen = settings.load(data_dir=tmp_path)
    assert isinstance(dependencies.store_of(chosen, hand_clock), Folder)
    keys = {"media_access_key": "a", "media_secret_key": "b"}
    chosen = settings.load(data_dir=tmp_path, media_bucket="https://s3.example.org/pictures", **keys)
    assert isinstance(dependencies.store_of(chosen, hand_clock), Bucket)
    with pytest.raises(SettingsInvalid, match="MEMO_MEDIA_ACCESS_KEY"):
        dependencies.store_of(settings.load(media_bucket="https://s3.example.org/pictures"), hand_clock)
    for wrong in ("s3://pictures", "https://s3.example.org", "https://k:s@s3.example.org/pictures"):
        with pytest.raises(SettingsInvalid, match="MEMO_MEDIA_BUCKET"):
            settings.load(media_bucket=wrong)
