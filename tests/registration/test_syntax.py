"""Every row of the service's rules for a citizen's text."""

import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.model import Outcome, Reply
from smsgw.registration import machine, syntax
from smsgw.registration.syntax import Request, SyntaxFault, parse
from tests.budget import BUDGET_MS, cost_ms

TODAY = date(2026, 3, 2)
AN = Request("Nguyen Van An", "201234567", date(1990, 2, 1))

AN_IN_OTHER_WORDS = {
    "as in the dispatch": "TK,Nguyen Van An,201234567,01.02.1990",
    "semicolons": "TK;Nguyen Van An;201234567;01.02.1990",
    "mixed separators": "TK;Nguyen Van An,201234567;01.02.1990",
    "slashes in the date": "TK,Nguyen Van An,201234567,01/02/1990",
    "keyword in lower case": "tk,Nguyen Van An,201234567,01.02.1990",
    "keyword half in lower case": "Tk,Nguyen Van An,201234567,01.02.1990",
    "keyword in other half": "tK,Nguyen Van An,201234567,01.02.1990",
    "blanks around every part": "  TK , Nguyen Van An ; 201234567 ,  01.02.1990  ",
    "tabs and line ends": "\tTK,\nNguyen\tVan\r\nAn,201234567\v,\f01.02.1990\r\n",
    "exotic line ends": "TK,\x85Nguyen\u2028Van\u2029An,201234567,01.02.1990",
    "no-break spaces": "TK,Nguyen\u00a0Van\u202fAn,\u00a0201234567,01.02.1990",
    "typographic spaces": "TK,Nguyen\u2003Van\u3000An,\u1680201234567,\u205f01.02.1990",
    "runs of spaces in the name": "TK,Nguyen   Van \t An,201234567,01.02.1990",
    "zero-width characters": "T\u200bK,Ng\u200cuyen Van\u200d An,2012\u206034567,01.02\u200b.1990",
    "byte-order mark": "\ufeffTK,Nguyen Van An,201234567,01.02.1990",
    "soft hyphen": "TK,Ngu\u00adyen Van An,201234567,01.02.1990",
    "marks of direction": "\u202aTK,\u200fNguyen Van An\u202c,201234567,\u206601.02.1990\u2069",
    "variation selector": "TK,Nguyen Van An\ufe0f,201234567,01.02.1990",
    "blank Hangul letters": "TK,Nguyen\u3164 Van An,201234567\uffa0,01.02.1990",
    "place of an object, after dictation": "TK,Nguyen Van An,201234567,01.02.1990\ufffc",
    "blanks of braille": "TK,Nguyen\u2800Van An,\u2800201234567,01.02.1990",
    "first blank letters of Hangul": "TK,Nguyen\u115f Van\u1160 An,201234567,01.02.1990",
    "separator of Mongolian vowels": "TK,Nguyen Van An\u180e,201\u180b234567,01.02.1990",
    "tags": "TK,Nguyen Van An\U000e0041\U000e007f,201234567,01.02.1990\U000e0001",
    "another variation selector": "TK,Nguyen Van An\U000e0100,201234567,01.02.1990",
    "shorthand and music that show nothing": "TK,Nguyen Van An\U0001bca0,201234567,"
    "01\U0001d159.02\U0001d173.1990",
    "code points that will show nothing": "TK,Nguyen Van An\u2065\ufff0,20123\U000e0fff4567,"
    "01.02.1990",
    "trailing comma": "TK,Nguyen Van An,201234567,01.02.1990,",
    "trailing semicolon": "TK,Nguyen Van An,201234567,01.02.1990;",
    "trailing full stop": "TK,Nguyen Van An,201234567,01.02.1990.",
    "trailing full stop among blanks": "TK,Nguyen Van An,201234567,01.02.1990 . \n",
    "day and month without zeros": "TK,Nguyen Van An,201234567,1.2.1990",
    "day without zero": "TK,Nguyen Van An,201234567,1/02/1990",
    "month without zero": "TK,Nguyen Van An,201234567,01.2.1990",
    "blanks around dots": "TK,Nguyen Van An,201234567,01 . 02 .1990",
    "blanks around slashes": "TK,Nguyen Van An,201234567,01 /02/\t1990",
    "blanks in the CMND": "TK,Nguyen Van An,201 234 567,01.02.1990",
    "dots in the CMND": "TK,Nguyen Van An,201.234.567,01.02.1990",
    "dots and blanks in the CMND": "TK,Nguyen Van An,201. 234 .567,01.02.1990",
    "diacritics": "TK,Nguyễn Văn Ân,201234567,01.02.1990",
    "diacritics taken apart": unicodedata.normalize("NFD", "TK,Nguyễn Văn Ân,201234567,01.02.1990"),
    "full width": "ＴＫ，Ｎｇｕｙｅｎ　Ｖａｎ　Ａｎ；２０１２３４５６７，０１．０２．１９９０",
    "full-width slashes": "ＴＫ，Nguyen Van An，201234567，01／02／1990，",
    "small commas": "TK﹐Nguyen Van An﹔201234567﹐01.02.1990",
    "digits in circles": "TK,Nguyen Van An,②0①234567,01.02.1990",
    "mathematical digits": "TK,Nguyen Van An,𝟐𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕,01.02.1990",
}


@pytest.mark.parametrize("text", AN_IN_OTHER_WORDS.values(), ids=AN_IN_OTHER_WORDS)
def test_every_allowed_way_of_writing_gives_the_same_request(text):
    assert AN == parse(text, TODAY)


NAMES = {
    "Nguyễn Thị Đào": "Nguyen Thi Dao",
    "NGUYỄN THỊ ĐÀO": "NGUYEN THI DAO",
    "đỗ đình đệ": "do dinh de",
    "Đặng Thùy Trâm": "Dang Thuy Tram",
    "Vũ Thị Hoài Phương": "Vu Thi Hoai Phuong",
    "Trương Ưng Ước": "Truong Ung Uoc",
    "H'Hen Niê": "H'Hen Nie",
    "H’Hen Niê": "H'Hen Nie",  # what phones make of an apostrophe
    "H‘Hen Niê": "H'Hen Nie",
    "Hʼ Hen": "H' Hen",
    "Y-Ban Niê": "Y-Ban Nie",
    "Y‑Ban": "Y-Ban",  # no-break hyphen
    "Trần  Thị   B": "Tran Thi B",
    "José Müller": "Jose Muller",
    "Ab": "Ab",
    "A B": "A B",
    "A" * 100: "A" * 100,
    "A" * 49 + "   " + "B" * 50: "A" * 49 + " " + "B" * 50,  # 100 once the run is one
    "ﬁn": "fin",  # one character for two letters
    # Letters that look like a crossed d.
    "Ðào Thị Hà": "Dao Thi Ha",  # eth
    "ðào thị hà": "dao thi ha",
    "Ɖào Thị Hà": "Dao Thi Ha",  # of African alphabets
    "ɖào thị hà": "dao thi ha",
    "ƊƋᴆꟇ": "DDDD",
    "ɗƌȡᵭᶁᶑꟈ": "ddddddd",
    "₫ào Thị Hà": "dao Thi Ha",  # the sign of the dong
    "D\u0335ào d\u0336o": "Dao do",  # a stroke laid over it
}


@pytest.mark.parametrize(("written", "name"), NAMES.items())
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_name_loses_its_diacritics_and_keeps_its_case(written, name, form):
    text = unicodedata.normalize(form, f"TK,{written},201234567,01.02.1990")
    assert Request(name, "201234567", date(1990, 2, 1)) == parse(text, TODAY)


CMNDS = {
    "201234567": "201234567",
    "012345678901": "012345678901",
    "048 190 123456": "048190123456",
    "048.190.123.456": "048190123456",
    " 0 4 8190123456 ": "048190123456",
}


@pytest.mark.parametrize(("written", "cmnd"), CMNDS.items())
def test_cmnd_of_9_or_12_digits(written, cmnd):
    assert AN._replace(cmnd=cmnd) == parse(f"TK,Nguyen Van An,{written},01.02.1990", TODAY)


DATES = {
    "01.01.1900": date(1900, 1, 1),
    "29.02.2024": date(2024, 2, 29),
    "29.2.2000": date(2000, 2, 29),
    "31/12/1999": date(1999, 12, 31),
    "02.03.2026": TODAY,
    "1 / 3 / 2026": date(2026, 3, 1),
}


@pytest.mark.parametrize(("written", "birth_date"), DATES.items())
def test_real_dates_from_1900_to_today(written, birth_date):
    text = f"TK,Nguyen Van An,201234567,{written}"
    assert AN._replace(birth_date=birth_date) == parse(text, TODAY)


NOT_A_REGISTRATION = {
    "empty": "",
    "only blanks": " \t\r\n\u00a0\u200b",
    "only a separator": ",",
    "only separators": ",,,",
    "a trailing separator beside three": ",,,,",
    "a greeting": "xin chao",
    "another keyword": "DK,Nguyen Van An,201234567,01.02.1990",
    "keyword missing": "Nguyen Van An,201234567,01.02.1990",
    "keyword empty": ",Nguyen Van An,201234567,01.02.1990",
    "keyword torn": "T K,Nguyen Van An,201234567,01.02.1990",
    "keyword followed by a letter": "TKA,Nguyen Van An,201234567,01.02.1990",
    "keyword in Cyrillic": "ТК,Nguyen Van An,201234567,01.02.1990",
    "no separator": "TK Nguyen Van An 201234567 01.02.1990",
    "no separator after the keyword": "TK Nguyen Van An,201234567,01.02.1990",
    "no separator before the date": "TK,Nguyen Van An,201234567 01.02.1990",
    "full stops as separators": "TK.Nguyen Van An.201234567.01.02.1990",
    "ideographic commas": "TK、Nguyen Van An、201234567、01.02.1990",
    "five parts": "TK,Nguyen,Van An,201234567,01.02.1990",
    "a part too many at the end": "TK,Nguyen Van An,201234567,01.02.1990,x",
    "two trailing commas": "TK,Nguyen Van An,201234567,01.02.1990,,",
    "two trailing full stops": "TK,Nguyen Van An,201234567,01.02.1990..",
    "trailing comma and full stop": "TK,Nguyen Van An,201234567,01.02.1990,.",
    "trailing full stop and comma": "TK,Nguyen Van An,201234567,01.02.1990.,",
    "trailing ellipsis": "TK,Nguyen Van An,201234567,01.02.1990…",
    "trailing exclamation mark": "TK,Nguyen Van An,201234567,01.02.1990!",
    "leading comma": ",TK,Nguyen Van An,201234567,01.02.1990",
    "name missing": "TK,201234567,01.02.1990",
    "name empty": "TK,,201234567,01.02.1990",
    "name blank": "TK, \t ,201234567,01.02.1990",
    "name of one letter": "TK,A,201234567,01.02.1990",
    "name of one letter and blanks": "TK,  A  ,201234567,01.02.1990",
    "name of 101 letters": f"TK,{'A' * 101},201234567,01.02.1990",
    "name without a letter": "TK,'-,201234567,01.02.1990",
    "digit in the name": "TK,Nguyen Van An 2,201234567,01.02.1990",
    "full stop in the name": "TK,Ng. Van An,201234567,01.02.1990",
    "underscore in the name": "TK,Nguyen_Van_An,201234567,01.02.1990",
    "dash in the name": "TK,Nguyen – An,201234567,01.02.1990",
    "quotes around the name": 'TK,"Nguyen Van An",201234567,01.02.1990',
    "brackets around the name": "TK,<Nguyen Van An>,201234567,01.02.1990",
    "formula as name": "TK,=CMD,201234567,01.02.1990",
    "letters of another script": "TK,Нгуен Ван Ан,201234567,01.02.1990",
    "one letter of another script": "TK,Nguуen Van An,201234567,01.02.1990",
    "letter that is no A to Z with a mark": "TK,Søren Łuk,201234567,01.02.1990",
    "emoji in the name": "TK,Nguyen Van An 😀,201234567,01.02.1990",
    "control character in the name": "TK,Nguyen\x00Van An,201234567,01.02.1990",
    "separator character of ASCII in the name": "TK,Nguyen\x1fVan An,201234567,01.02.1990",
    "escape in the text": "\x1bTK,Nguyen Van An,201234567,01.02.1990",
    "replacement character in the name": "TK,Nguy\ufffdn Van An,201234567,01.02.1990",
    "eight digits": "TK,Nguyen Van An,20123456,01.02.1990",
    "ten digits": "TK,Nguyen Van An,2012345678,01.02.1990",
    "eleven digits": "TK,Nguyen Van An,20123456789,01.02.1990",
    "thirteen digits": "TK,Nguyen Van An,2012345678901,01.02.1990",
    "CMND empty": "TK,Nguyen Van An,,01.02.1990",
    "letter in the CMND": "TK,Nguyen Van An,20123456O,01.02.1990",
    "hyphen in the CMND": "TK,Nguyen Van An,201-234-567,01.02.1990",
    "plus before the CMND": "TK,Nguyen Van An,+201234567,01.02.1990",
    "Arabic-Indic digits": "TK,Nguyen Van An,٢٠١٢٣٤٥٦٧,01.02.1990",
    "Devanagari digits": "TK,Nguyen Van An,201234567,०१.०२.१९९०",
    "date empty": "TK,Nguyen Van An,201234567,",
    "no such day": "TK,Nguyen Van An,201234567,31.02.1990",
    "no such leap day": "TK,Nguyen Van An,201234567,29.02.1900",
    "no leap year": "TK,Nguyen Van An,201234567,29.02.2023",
    "day nought": "TK,Nguyen Van An,201234567,00.02.1990",
    "month nought": "TK,Nguyen Van An,201234567,01.00.1990",
    "month thirteen": "TK,Nguyen Van An,201234567,01.13.1990",
    "American order": "TK,Nguyen Van An,201234567,02.25.1990",
    "year first": "TK,Nguyen Van An,201234567,1990.02.01",
    "year nought": "TK,Nguyen Van An,201234567,01.02.0000",
    "before 1900": "TK,Nguyen Van An,201234567,31.12.1899",
    "tomorrow": "TK,Nguyen Van An,201234567,03.03.2026",
    "next year": "TK,Nguyen Van An,201234567,01.01.2027",
    "year of two digits": "TK,Nguyen Van An,201234567,01.02.90",
    "year of five digits": "TK,Nguyen Van An,201234567,01.02.01990",
    "day of three digits": "TK,Nguyen Van An,201234567,001.02.1990",
    "hyphens in the date": "TK,Nguyen Van An,201234567,01-02-1990",
    "dot and slash": "TK,Nguyen Van An,201234567,01.02/1990",
    "slash and dot": "TK,Nguyen Van An,201234567,01/02.1990",
    "no dots": "TK,Nguyen Van An,201234567,01021990",
    "blanks for dots": "TK,Nguyen Van An,201234567,01 02 1990",
    "blank inside the year": "TK,Nguyen Van An,201234567,01.02.19 90",
    "minus in the date": "TK,Nguyen Van An,201234567,-1.02.1990",
    "words after the date": "TK,Nguyen Van An,201234567,01.02.1990 cam on",
    "two requests": "TK,Nguyen Van An,201234567,01.02.1990\nTK,Le B,201234568,01.02.1990",
    "parts in another order": "TK,201234567,Nguyen Van An,01.02.1990",
    "SQL": "TK,'); DROP TABLE accounts; --,201234567,01.02.1990",
    "over-long": "TK," + "A" * 100_000 + ",201234567,01.02.1990",
    "over-long in marks": "TK,A" + "\u0301\u0323" * 50_000 + ",201234567,01.02.1990",
    "half a surrogate pair": "TK,Nguyen \ud83d An,201234567,01.02.1990",
    "what a gateway itself writes": "Loi. Tin nhan sai cu phap. Cu phap dung la: "
    "TK,Ho va ten,soCMND,nn.tt.nnnn (ngay thang nam sinh)",
    "unreadable": None,
}


@pytest.mark.parametrize("text", NOT_A_REGISTRATION.values(), ids=NOT_A_REGISTRATION)
def test_anything_else_is_a_syntax_error(text):
    assert isinstance(parse(text, TODAY), SyntaxFault)


def test_birthday_is_compared_with_the_local_day_that_is_passed_in():
    text = "TK,Nguyen Van An,201234567,03.03.2026"
    assert syntax.BAD_BIRTH_DATE == parse(text, TODAY)
    assert isinstance(parse(text, TODAY + timedelta(days=1)), Request)


# Digit 4: century and sex; digits 5 and 6: year.
PERSONAL_NUMBERS = [
    ("048090123456", "01.02.1990", True),
    ("048190123456", "01.02.1990", True),
    ("048290123456", "01.02.1990", False),
    ("048091123456", "01.02.1990", False),
    ("048000123456", "01.02.1900", True),
    ("048200123456", "01.02.2000", True),
    ("048305123456", "01.02.2005", True),
    ("048105123456", "01.02.2005", False),
    ("201234567", "01.02.1990", True),  # the older card says nothing
]


@pytest.mark.parametrize(("cmnd", "birth", "agree"), PERSONAL_NUMBERS)
def test_personal_number_is_compared_with_the_date_of_birth_on_request(cmnd, birth, agree):
    text = f"TK,Nguyen Van An,{cmnd},{birth}"
    assert isinstance(parse(text, TODAY), Request)
    checked = parse(text, TODAY, check_personal_number=True)
    assert isinstance(checked, Request) if agree else checked == syntax.CONTRADICTION


TORTURE = {
    "a mark of two marks": "\u0f73" * syntax.MAX_CHARACTERS,
    "the same in a name": "TK,A" + "\u0f73" * 1900 + ",201234567,01.02.1990",
    "many marks of two classes": "\u0f71\u0f74\u0327" * 660,
    "a ligature of 18 letters": "\ufdfa" * syntax.MAX_CHARACTERS,
    "letters of no table": "\u4e00" * syntax.MAX_CHARACTERS,
    "quotes and hyphens": "TK," + "'- " * 600,
    "digits": "TK,An," + "1 " * 900,
    "separators": ",;" * 1000,
}


@pytest.mark.parametrize("text", TORTURE.values(), ids=TORTURE)
def test_no_text_takes_long_to_be_read(text):
    assert isinstance(parse(text, TODAY), SyntaxFault)
    assert cost_ms(lambda: parse(text, TODAY)) < BUDGET_MS


def test_longest_request_is_read_in_its_most_wasteful_form():
    name = "u\u031b\u0323" * 100
    text = f"TK,{name},{'. '.join('048090123456')},01 . 02 . 1990"
    expected = Request("u" * 100, "048090123456", date(1990, 2, 1))
    assert expected == parse(text, TODAY)
    assert expected == parse(text + "\u200b" * (syntax.MAX_CHARACTERS - len(text)), TODAY)


@given(st.text(st.characters(), max_size=300))
def test_text_folded_in_pieces_is_the_text_folded_as_one(text):
    whole = unicodedata.normalize("NFKD", text).translate(syntax._FOLDING)
    assert sorted(whole) == sorted(syntax.fold(text))


def test_every_invisible_character_is_dropped():
    invisible = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == "Cf"]
    assert {""} == {syntax.fold(character) for character in invisible}


# --- any text ---------------------------------------------------------------------------------

FAULTS = {fault for fault in vars(syntax).values() if isinstance(fault, SyntaxFault)}
near_misses = st.text("TKtk,;./ '-\u00a0\u200b0123456789AnđĐễ\u0301，；．／１２\x00", max_size=60)
shuffled = st.lists(
    st.sampled_from(["TK", ",", ";", "Nguyen Van An", "201234567", "01.02.1990", " ", "."])
).map("".join)


@given(st.one_of(st.text(st.characters()), near_misses, shuffled, st.none()), st.booleans())
def test_any_text_gives_exactly_one_outcome_and_never_an_exception(text, check):
    result = parse(text, TODAY, check_personal_number=check)
    decision = machine.decide(result, phone_holder=None, cmnd_holder=None)
    if isinstance(result, Request):
        assert (Outcome.REGISTERED, Reply.REGISTERED) == decision[:2]
        # What is kept is plain, and reads as itself.
        name, cmnd, birth = result
        assert result == parse(f"TK,{name},{cmnd},{birth:%d.%m.%Y}", TODAY)
        assert 2 <= len(name) <= 100
        assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz '-")
        assert "  " not in name
        assert name == name.strip()
        assert cmnd.isascii()
        assert cmnd.isdigit()
        assert len(cmnd) in (9, 12)
        assert date(1900, 1, 1) <= birth <= TODAY
    else:
        assert result in FAULTS  # nothing of the text is in it
        assert (Outcome.SYNTAX_ERROR, Reply.SYNTAX_ERROR) == decision[:2]


# --- any allowed way of writing -----------------------------------------------------------------

VIETNAMESE = {
    "a": "aàáảãạăằắẳẵặâầấẩẫậ",
    "d": "dđ",
    "e": "eèéẻẽẹêềếểễệ",
    "i": "iìíỉĩị",
    "o": "oòóỏõọôồốổỗộơờớởỡợ",
    "u": "uùúủũụưừứửữự",
    "y": "yỳýỷỹỵ",
}
PLAIN = {
    written: plain
    for low, many in VIETNAMESE.items()
    for pair in zip(many + many.upper(), len(many) * low + len(many) * low.upper(), strict=True)
    for written, plain in [pair]
} | {letter: letter for letter in "bcghklmnpqrstvxBCGHKLMNPQRSTVX"}

blanks = st.text(" \t\n\r\v\f\u00a0\u2003\u2009\u202f\u3000\u2028", max_size=3)
some_blanks = st.text(" \t\n\u00a0\u3000", min_size=1, max_size=3)
invisible = st.sampled_from("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u202c\ufe0f\u034f")
words = st.text(st.sampled_from(sorted(PLAIN)), min_size=2, max_size=7)
separators = st.sampled_from(",;，；﹐﹔")
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@st.composite
def requests_and_their_writings(draw):
    names = draw(st.lists(words, min_size=1, max_size=6))
    glue = draw(st.lists(st.sampled_from([" ", "-", "'"]), min_size=5, max_size=5))
    plain = written = ""
    for word, joint in zip(names, ["", *glue], strict=False):
        plain += joint + "".join(PLAIN[letter] for letter in word)
        written += (draw(some_blanks) if joint == " " else joint) + word
    cmnd = draw(st.from_regex("[0-9]{9}([0-9]{3})?", fullmatch=True))
    birth = draw(st.dates(date(1900, 1, 1), TODAY))

    inside = [draw(st.sampled_from(["", "", "", " ", ".", "\u00a0", " ."])) for _ in cmnd[1:]]
    cmnd_written = cmnd[0] + "".join(
        gap + digit for gap, digit in zip(inside, cmnd[1:], strict=True)
    )
    day, month = (draw(st.sampled_from([f"{n}", f"{n:02}"])) for n in (birth.day, birth.month))
    dot = draw(st.sampled_from("./．／"))
    gaps = [draw(blanks) for _ in range(4)]
    date_written = f"{day}{gaps[0]}{dot}{gaps[1]}{month}{gaps[2]}{dot}{gaps[3]}{birth.year}"
    keyword = draw(st.sampled_from(["TK", "Tk", "tK", "tk", "ＴＫ"]))
    text = draw(blanks)
    for part in (keyword, written, cmnd_written):
        text += part + draw(blanks) + draw(separators) + draw(blanks)
    text += date_written + draw(blanks)
    text += draw(st.sampled_from(["", ",", ";", ".", "，"])) + draw(blanks)

    if draw(st.booleans()):
        text = text.translate(FULL_WIDTH)
    text = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), text)
    for character in draw(st.lists(invisible, max_size=4)):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + character + text[place:]
    return Request(plain, cmnd, birth), text


@given(requests_and_their_writings())
def test_any_allowed_way_of_writing_gives_the_same_request(pair):
    request, text = pair
    assert request == parse(text, TODAY)


@given(st.from_regex(syntax._USUAL, fullmatch=True))
def test_usual_text_is_read_as_it_would_be_taken_apart(text):
    assert syntax._USUAL.fullmatch(text).groups() == syntax._take_apart(text)
