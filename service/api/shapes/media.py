from typing import Any

from pydantic import BaseModel, Field

from service.media import pictures
from service.media.models import StoredPicture

PICTURE_EXAMPLE: dict[str, Any] = {
    "url": f"https://memo.example.org/media/{'5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef'}.jpg",
    "content_type": "image/jpeg",
    "width": 1200,
    "height": 800,
    "octets": 148_213,
}


class KeptPicture(BaseModel):
    url: str = Field(description="What to give as a block's `picture.url`. It never shows anything else.")
    content_type: str = Field(description="`image/jpeg` or `image/png`, whatever was sent.")
    width: int = Field(description="In pixels, at most 1200.")
    height: int
    octets: int


def picture(row: StoredPicture, base_url: str) -> KeptPicture:
    return KeptPicture(
        url=f"{base_url}/{pictures.path_of(row.name)}",
        content_type=pictures.CONTENT_TYPES[row.extension],
        width=row.width,
        height=row.height,
        octets=row.octets,
    )
