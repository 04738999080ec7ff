from service.addresses import AddressInvalid
from service.desk.refusals import Place, refused
from service.errors import Conflict, Invalid


def test_an_error_finds_the_nearest_field_and_its_name_on_the_page() -> None:
    places = {"canary.seeds": Place("seeds"), "ping_url": Place("ping-url", "Call this address")}
    assert refused(Invalid("x", field="canary.seeds.3"), places).place == "seeds"
    said = refused(Invalid("ping url cannot be called", field="ping_url"), places)
    assert said.message == "“Call this address” cannot be called."
    assert refused(AddressInvalid(), places, otherwise="here").place == "here"
    assert (refused(Conflict("busy"), places).place, refused(Conflict("busy")).status) == (None, 409)
