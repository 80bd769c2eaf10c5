"""Provinces and communes since 1 July 2025."""

from smsgw.registration import units


def test_thirty_four_provinces_and_cities_with_da_nang_first():
    provinces = units.provinces()
    assert 34 == len(provinces)
    assert "Thành phố Đà Nẵng" == provinces[0].name
    assert ("48", provinces[0]) == (provinces[0].code, units.province("48"))


def test_da_nang_has_ninety_four_communes():
    da_nang = units.provinces()[0]
    assert 94 == len(da_nang.wards)
    names = {ward.name for ward in da_nang.wards}
    assert {"Phường Hải Châu", "Phường Tam Kỳ", "Xã Hòa Vang", "Đặc khu Hoàng Sa"} <= names


def test_three_thousand_three_hundred_and_twenty_one_communes_each_with_its_code():
    codes = [ward.code for province in units.provinces() for ward in province.wards]
    assert 3321 == len(codes) == len(set(codes))


def test_names_stand_once_in_a_province_and_in_order():
    for province in units.provinces():
        names = [ward.name for ward in province.wards]
        assert len(names) == len(set(names)), province.name


def test_a_commune_is_found_in_its_own_province_alone():
    da_nang, hue = units.province("48"), units.province("46")
    assert da_nang is not None
    assert hue is not None
    ward = da_nang.wards[0]
    assert da_nang.ward(ward.code) == ward
    assert hue.ward(ward.code) is None
    assert units.province("999") is None
