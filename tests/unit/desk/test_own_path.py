import pytest

from service.desk import visit


@pytest.mark.parametrize(
    "path",
    ["/desk", "/desk/editions/1?look=text", "/desk/newsletters/morning-memo", "/desk?x=https://a.example"],
)
def test_a_path_of_the_desk_is_kept(path: str) -> None:
    assert visit.own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example.org/desk",
        "//evil.example.org/desk",
        "/\\evil.example.org",
        "/desk\\..\\x",
        "javascript:alert(1)",
        "/n/morning-memo",
        "/desk/../n/x",
        "/desk/sign-in?next=/desk",
        "/desk/sign-out",
        "/deskevil",
        "/desk/x\r\nSet-Cookie: a=b",
        "",
        "desk",
        "http://[",
    ],
)
def test_nb_22_everything_else_leads_to_today(path: str) -> None:
    assert visit.own_path(path) == "/desk"
