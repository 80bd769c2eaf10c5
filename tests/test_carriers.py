"""Which links stand in for one another."""

from smsgw.carriers import Carriers

TWO = {"viettel-a": "viettel", "viettel-b": "viettel", "mobi": "mobi"}


def test_links_of_one_carrier_stand_together():
    carriers = Carriers(TWO, {})
    assert ("viettel-a", "viettel-b") == carriers.links(carriers.of("viettel-b"))
    assert ("mobi",) == carriers.links("mobi")


def test_link_that_is_gone_keeps_the_carrier_last_known():
    carriers = Carriers(TWO, {"old": "viettel", "mobi": "vina"})
    assert "viettel" == carriers.of("old")
    assert "mobi" == carriers.of("mobi")  # today's configuration wins


def test_new_link_may_take_the_name_of_a_gone_one_as_its_carrier():
    assert ("new",) == Carriers({"new": "old", "mobi": "mobi"}, {}).links(
        Carriers({"new": "old", "mobi": "mobi"}, {}).of("old")
    )


def test_one_carrier_alone_is_everybodys():
    carriers = Carriers({"a": "viettel", "b": "viettel"}, {"old": "vina"})
    assert {"viettel"} == {carriers.of(link) for link in ("a", "b", "old", "never seen")}


def test_links_that_are_gone_stand_behind_those_of_today():
    carriers = Carriers(TWO, {"old": "viettel", "older": "vina"})
    assert ("viettel-a", "viettel-b", "old") == carriers.links_ever("viettel")
    assert ("mobi",) == carriers.links_ever("mobi")
