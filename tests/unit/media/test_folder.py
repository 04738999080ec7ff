from pathlib import Path

import pytest

from service.media import pictures
from service.media.folder import Folder, StoreFailed
from tests.support import picture_files


async def test_a_picture_is_kept_once_and_found_by_its_name(tmp_path: Path) -> None:
    store = Folder(tmp_path / "media")
    raw = picture_files.as_file(picture_files.gradient(30, 20), "PNG")
    made = await pictures.take(store, raw)
    assert (await pictures.take(store, raw)).name == made.name
    files = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert [path.name for path in files] == [made.name]
    assert await store.get(made.name) == made.body
    await store.remove(made.name)
    await store.remove(made.name)
    assert await store.get(made.name) is None


async def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file in its way")
    with pytest.raises(StoreFailed, match="cannot be kept in"):
        await Folder(tmp_path / "media").put("aa.png", b"x")


async def test_too_large_a_file_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(pictures.PictureInvalid, match="larger than 10 MB"):
        await pictures.take(Folder(tmp_path), b"\xff\xd8\xff" + b"\0" * pictures.MOST_OCTETS)


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        (f"https://news.example.org/media/{'a' * 64}.jpg", True),
        (f"http://127.0.0.1:8300/list/media/{'a' * 64}.png", True),
        (f"https://news.example.org/media/{'a' * 64}.svg", False),
        (f"https://news.example.org/media/{'a' * 63}.jpg", False),
        (f"https://news.example.org/x?y=/media/{'a' * 64}.jpg", False),
        ("https://news.example.org/images/ferry.jpg", False),
    ],
)
def test_an_address_of_ours_is_known_whatever_host_it_was_made_for(address: str, is_ours: bool) -> None:
    assert (pictures.own_name(address) is not None) is is_ours
