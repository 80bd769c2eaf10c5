"""What the simulator writes as TOML, tomllib reads back."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from smsgw.simulator import toml

# A TOML text is UTF-8, so it has no lone surrogates.
values = st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-(2**63), 2**63 - 1)
tables = st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), values | st.booleans())


@given(tables, tables, st.lists(tables, min_size=1, max_size=2))
def test_what_is_written_is_read_back(plain, table, links):
    document = {f"k_{key}": value for key, value in plain.items()}
    document |= {"gateway": table, "smsc": links}
    assert document == tomllib.loads(toml.dumps(document))
