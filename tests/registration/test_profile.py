"""The questions of the missing data, and what answers them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.registration import units
from smsgw.registration.fields import Reason, is_email
from smsgw.registration.profile import (
    Answers,
    Fault,
    Gender,
    Question,
    Texted,
    answer,
    changes,
    first_open,
    is_complete,
    province_asked,
    told_gender,
)

TODAY = date(2026, 5, 4)
AN = Texted("Nguyen Van An", "201234567", date(1990, 2, 1))
DA_NANG = units.province("48")
HUE = units.province("46")
assert DA_NANG is not None
assert HUE is not None
HOME_WARD = DA_NANG.wards[0]
ELSEWHERE = HUE.wards[0]

#: Each page as a citizen fills it in, in order.
PAGES: dict[Question, dict[str, str]] = {
    Question.NAME: {"full_name": "Nguyễn Văn An"},
    Question.GENDER: {"gender": "male"},
    Question.DOCUMENT: {
        "id_issued_day": "27",
        "id_issued_month": "3",
        "id_issued_year": "2015",
        "id_issued_by": "Công an thành phố Đà Nẵng",
    },
    Question.HOME: {"home_province": "48"},
    Question.HOME_WARD: {"home_ward": HOME_WARD.code, "home_street": "24 Trần Phú"},
    Question.LIVING: {"living_same": "no", "living_province": "46"},
    Question.LIVING_WARD: {"living_ward": ELSEWHERE.code, "living_street": "1 Lê Lợi"},
    Question.EMAIL: {"email": "an@vidu.vn"},
}


def answered(until=None, before=None):
    """The answers up to a question."""
    answers = before or Answers()
    for question, typed in PAGES.items():
        if question is until:
            break
        answers = taken(question, typed, answers)
    return answers


def taken(question, typed, before):
    found = answer(question, typed, before, AN, TODAY)
    assert isinstance(found, Answers), found
    return found


def refused(question, typed, before=None):
    found = answer(question, typed, before or answered(question), AN, TODAY)
    assert isinstance(found, tuple), found
    return found


def test_questions_follow_one_another():
    answers = Answers()
    for question, typed in PAGES.items():
        assert question is first_open(answers)
        answers = taken(question, typed, answers)
    assert first_open(answers) is None
    assert is_complete(answers)


def test_who_lives_at_home_is_not_asked_where():
    answers = taken(Question.LIVING, {"living_same": "yes"}, answered(Question.LIVING))
    assert answers.home == answers.lives_at
    assert Question.EMAIL is first_open(answers)


def test_a_skipped_email_is_an_answer():
    answers = taken(Question.EMAIL, {"email": ""}, answered(Question.EMAIL))
    assert is_complete(answers)


def test_answers_outlive_the_store():
    assert answered() == Answers.from_json(answered().to_json())
    assert Answers() == Answers.from_json({})


def test_an_answer_of_a_later_version_is_passed_over():
    assert Answers(email="") == Answers.from_json({"email": "", "shoe_size": 44})


# --- the name -----------------------------------------------------------------------------------

NAMES = {
    "with diacritics": ("Nguyễn Văn An", "Nguyễn Văn An"),
    "in capitals": ("NGUYỄN VĂN AN", "NGUYỄN VĂN AN"),
    "taken apart": ("Nguye\u0302\u0303n Va\u0306n An", "Nguyễn Văn An"),
    "blanks": ("  Nguyễn\u00a0 Văn\tAn ", "Nguyễn Văn An"),
    "without any": ("nguyen van an", "nguyen van an"),
}


@pytest.mark.parametrize(("typed", "kept"), NAMES.values(), ids=NAMES)
def test_the_texted_name_with_its_diacritics(typed, kept):
    assert kept == taken(Question.NAME, {"full_name": typed}, Answers()).full_name


NO_NAMES = {
    "empty": ("", Reason.REQUIRED),
    "blank": ("  ", Reason.REQUIRED),
    "another": ("Trần Văn An", Reason.NOT_THE_TEXTED_NAME),
    "a part": ("Nguyễn An", Reason.NOT_THE_TEXTED_NAME),
    "two hundred marks": ("Nguye" + "\u0302" * 200 + "n Van An", Reason.NOT_THE_TEXTED_NAME),
    "a mark that is no letter's": ("Nguyen Van A\u0489n", Reason.NOT_THE_TEXTED_NAME),
    "a script": ("<script>Nguyen Van An", Reason.NOT_THE_TEXTED_NAME),
    "NUL": ("Nguyen Van An\0", Reason.NOT_THE_TEXTED_NAME),
    "half a character": ("Nguyen Van An\ud800", Reason.NOT_THE_TEXTED_NAME),
    "something invisible": ("Nguyen Van\u200b An", Reason.NOT_THE_TEXTED_NAME),
}


@pytest.mark.parametrize(("typed", "reason"), NO_NAMES.values(), ids=NO_NAMES)
def test_no_other_name(typed, reason):
    assert (Fault("full_name", reason),) == refused(Question.NAME, {"full_name": typed})


def test_a_crossed_d_is_a_d():
    dao = AN._replace(full_name="Dang Thi Dao")
    found = answer(Question.NAME, {"full_name": "Đặng Thị Đào"}, Answers(), dao, TODAY)
    assert isinstance(found, Answers)
    assert "Đặng Thị Đào" == found.full_name


# --- gender and document ------------------------------------------------------------------------


def test_a_number_of_twelve_digits_tells_the_gender():
    assert Gender.MALE is told_gender("048090001234")
    assert Gender.FEMALE is told_gender("048190001234")
    assert Gender.FEMALE is told_gender("048303001234")
    assert told_gender("201234567") is None


@pytest.mark.parametrize("typed", ["", "other", "Male"])
def test_gender_is_chosen(typed):
    assert (Fault("gender", Reason.REQUIRED),) == refused(Question.GENDER, {"gender": typed})


DATES = {
    "none": (("", "", ""), Reason.REQUIRED),
    "no year": (("27", "3", ""), Reason.INCOMPLETE),
    "no day": (("", "3", "2015"), Reason.INCOMPLETE),
    "no such day": (("31", "2", "2015"), Reason.NO_SUCH_DATE),
    "words": (("27", "ba", "2015"), Reason.NO_SUCH_DATE),
    "two digits of a year": (("27", "3", "15"), Reason.NO_SUCH_DATE),
    "a long day": (("0027", "3", "2015"), Reason.NO_SUCH_DATE),
    "year nought": (("27", "3", "0000"), Reason.NO_SUCH_DATE),
    "tomorrow": (("5", "5", "2026"), Reason.IN_THE_FUTURE),
    "at birth": (("1", "2", "1990"), Reason.NOT_AFTER_BIRTH),
    "before": (("31", "1", "1990"), Reason.NOT_AFTER_BIRTH),
}


def written(day, month, year, by="Công an"):
    names = ("id_issued_day", "id_issued_month", "id_issued_year", "id_issued_by")
    return dict(zip(names, (day, month, year, by), strict=True))


@pytest.mark.parametrize(("typed", "reason"), DATES.values(), ids=DATES)
def test_no_day_on_which_a_card_was_issued(typed, reason):
    assert (Fault("id_issued_day", reason),) == refused(Question.DOCUMENT, written(*typed))


@pytest.mark.parametrize("typed", [("4", "5", "2026"), ("02", "02", "1990"), ("２７", "3", "2015")])
def test_a_day_on_which_a_card_was_issued(typed):
    assert taken(Question.DOCUMENT, written(*typed), Answers()).id_issued_on


def test_all_faults_of_a_page_at_once():
    assert (
        Fault("id_issued_day", Reason.REQUIRED),
        Fault("id_issued_by", Reason.REQUIRED),
    ) == refused(Question.DOCUMENT, {})
    assert (
        Fault("home_ward", Reason.REQUIRED),
        Fault("home_street", Reason.REQUIRED),
    ) == refused(Question.HOME_WARD, {})


TEXTS = {
    "long": ("a" * 201, Reason.TOO_LONG),
    "very long": ("a" * 100_000, Reason.TOO_LONG),
    "NUL": ("Công\0an", Reason.CHARACTERS),
    "two hundred marks": ("Cong" + "\u0302" * 100 + " an", Reason.CHARACTERS),
    "half a character": ("Công an\ud800", Reason.CHARACTERS),
    "writing turned round": ("Công an\u202e", Reason.CHARACTERS),
}


@pytest.mark.parametrize(("typed", "reason"), TEXTS.values(), ids=TEXTS)
def test_no_free_text(typed, reason):
    found = refused(Question.DOCUMENT, written("27", "3", "2015", typed))
    assert (Fault("id_issued_by", reason),) == found


@pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "Công an TP. Đà Nẵng", "a" * 200])
def test_a_free_text_stays_as_typed(typed):
    found = taken(Question.DOCUMENT, written("27", "3", "2015", typed), Answers())
    assert typed == found.id_issued_by


# --- addresses ----------------------------------------------------------------------------------


def test_an_address_has_the_names_of_that_day():
    home = answered().home
    assert ("Thành phố Đà Nẵng", "48") == (home.province, home.province_code)
    assert (HOME_WARD.name, HOME_WARD.code) == (home.ward, home.ward_code)
    assert f"24 Trần Phú, {HOME_WARD.name}, Thành phố Đà Nẵng" == home.formatted


@pytest.mark.parametrize("typed", ["", "999", "Đà Nẵng"])
def test_a_province_is_chosen(typed):
    found = refused(Question.HOME, {"home_province": typed})
    assert (Fault("home_province", Reason.REQUIRED),) == found


def test_a_commune_is_one_of_its_province():
    typed = {"home_ward": ELSEWHERE.code, "home_street": "1"}
    assert (Fault("home_ward", Reason.NOT_IN_PROVINCE),) == refused(Question.HOME_WARD, typed)


def test_a_commune_wants_its_province_first():
    found = refused(Question.HOME_WARD, PAGES[Question.HOME_WARD], Answers())
    assert (Fault("home_province", Reason.REQUIRED),) == found


def test_a_new_province_counts_once_its_commune_is_answered():
    before = answered()
    moving = taken(Question.HOME, {"home_province": "46"}, before)
    assert before.home == moving.home
    assert () == changes(before, moving)
    assert is_complete(moving)
    assert HUE == province_asked(moving, Question.HOME_WARD)
    typed = {"home_ward": ELSEWHERE.code, "home_street": "2"}
    moved = taken(Question.HOME_WARD, typed, moving)
    assert ("home",) == changes(before, moved)
    assert "46" == moved.home.province_code


def test_who_moves_back_home_lives_there():
    before = answered()
    moved = taken(Question.LIVING, {"living_same": "yes"}, before)
    assert moved.home == moved.lives_at
    assert ("living",) == changes(before, moved)


def test_living_elsewhere_wants_a_province():
    assert (Fault("living_same", Reason.REQUIRED),) == refused(Question.LIVING, {})
    assert (Fault("living_province", Reason.REQUIRED),) == refused(
        Question.LIVING, {"living_same": "no"}
    )


# --- e-mail -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["an@vidu.vn", "an.nguyen+dvc@mail.danang.gov.vn", "A_1@x-y.com"])
def test_an_email(text):
    assert is_email(text)


NO_EMAILS = [
    *("an", "an@", "@vidu.vn", "an@vidu", "an vidu@x.vn", "đan@vidu.vn", "an@vidu..vn", ".a@b.vn"),
    *("an@vidu.vn\n", "a" * 65 + "@b.vn", "a@" + "b" * 64 + ".vn", "a@-b.vn", "a@b.v", "a@@b.vn"),
    "a@" + "bcdefgh." * 40 + "vn",
]


@pytest.mark.parametrize("text", NO_EMAILS)
def test_no_email(text):
    assert not is_email(text)


def test_an_email_that_is_none_is_refused():
    assert (Fault("email", Reason.NO_ADDRESS),) == refused(Question.EMAIL, {"email": "an"})


FIELDS = sorted({field for typed in PAGES.values() for field in typed})


@given(
    st.sampled_from(Question),
    st.dictionaries(st.sampled_from(FIELDS), st.text(st.characters(), max_size=300)),
)
def test_whatever_is_typed_becomes_answers_or_faults(question, typed):
    found = answer(question, typed, answered(), AN, TODAY)
    if isinstance(found, tuple):
        assert found
        assert all(isinstance(fault, Fault) for fault in found)
    else:
        assert found == Answers.from_json(found.to_json())
