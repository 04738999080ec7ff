import pytest

from service import tokens
from service.accounts import keys
from service.accounts.keys import KeyNotFound, Scope, ScopeUnknown
from service.accounts.names import NameInvalid
from service.dependencies import Resources


async def test_a_key_is_found_by_its_secret_which_is_not_kept(resources: Resources) -> None:
    now = resources.clock.now()
    key, secret = await resources.database.write(keys.create, "City desk", ["send", "read"], now=now)

    found = await resources.database.read(keys.find, secret)

    assert found is not None and found.uid == key.uid
    assert keys.scopes_of(found) == {Scope.READ, Scope.SEND}
    assert secret.startswith("memo_") and secret.startswith(key.prefix) and len(key.prefix) < 16
    assert secret not in found.model_dump_json()


async def test_a_revoked_key_and_a_wrong_secret_find_nothing(resources: Resources) -> None:
    now = resources.clock.now()
    key, secret = await resources.database.write(keys.create, "City desk", ["read"], now=now)
    assert await resources.database.read(keys.find, secret + "x") is None
    assert await resources.database.read(keys.find, "") is None

    await resources.database.write(keys.revoke, key.uid, actor="somebody", now=now)

    assert await resources.database.read(keys.find, secret) is None
    assert [kept.name for kept in await resources.database.read(keys.all_of)] == ["City desk"]


async def test_revoking_a_key_that_is_not_there_says_so(resources: Resources) -> None:
    with pytest.raises(KeyNotFound):
        await resources.database.write(
            keys.revoke, tokens.new_uid(), actor="somebody", now=resources.clock.now()
        )


async def test_a_key_without_known_scopes_is_refused(resources: Resources) -> None:
    for scopes in [[], ["everything"], ["read", "admin"], [" "]]:
        with pytest.raises(ScopeUnknown):
            await resources.database.write(keys.create, "City desk", scopes, now=resources.clock.now())


async def test_nb_19_a_key_name_is_one_usable_line(resources: Resources) -> None:
    for name in ["", "  ", "Big\nnews", "a\x00b", "x" * 101]:
        with pytest.raises(NameInvalid):
            await resources.database.write(keys.create, name, ["read"], now=resources.clock.now())
