"""A name and a date of birth that somebody types are read as those in a text are."""

from datetime import date

import pytest

from smsgw.registration import syntax

TODAY = date(2026, 11, 26)

NAMES = {
    "Nguyễn Thị  Đào": "Nguyen Thi Dao",
    " O'Brien-Le ": "O'Brien-Le",
    "A": syntax.BAD_NAME_LENGTH,
    "An,201234567": syntax.BAD_NAME,
    "": syntax.BAD_NAME,
    "Nam 2": syntax.BAD_NAME,
}
DATES = {
    "01.02.1990": date(1990, 2, 1),
    "1/2/1990": date(1990, 2, 1),
    "1990-02-01": date(1990, 2, 1),
    "31.02.1990": syntax.NO_SUCH_DAY,
    "1990-02-31": syntax.NO_SUCH_DAY,
    "2026-11-27": syntax.BAD_BIRTH_DATE,
    "1.1.1899": syntax.BAD_BIRTH_DATE,
    "1990/02/01": syntax.BAD_DATE_FORM,
    "1,2,1990": syntax.BAD_DATE_FORM,
    "yesterday": syntax.BAD_DATE_FORM,
    "": syntax.BAD_DATE_FORM,
}


@pytest.mark.parametrize(("written", "read"), NAMES.items())
def test_name_that_is_typed_follows_the_rules_of_a_text(written, read):
    assert read == syntax.read_name(written, TODAY)


@pytest.mark.parametrize(("written", "read"), DATES.items())
def test_date_of_birth_that_is_typed_follows_the_rules_of_a_text_or_iso(written, read):
    assert read == syntax.read_birth_date(written, TODAY)
