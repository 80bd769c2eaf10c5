"""How the address of a server is read, and what of it is shown."""

from pathlib import Path

import pytest

from smsgw.database import Server, files_of, is_server

SHOWN = {
    "postgresql://smsgw@db1/smsgw": "postgresql://smsgw@db1/smsgw",
    "postgres://smsgw:geheim@db1:5433,db2/smsgw": "postgresql://smsgw@db1:5433,db2/smsgw",
    "postgresql://smsgw:ge%40heim@[::1]:5432/smsgw?sslmode=require": (
        "postgresql://smsgw@[::1]:5432/smsgw"
    ),
    "postgresql://smsgw@/smsgw?host=/run/postgresql&password=geheim": (
        "postgresql://smsgw@/smsgw?host=/run/postgresql"
    ),
    "postgresql:///smsgw": "postgresql:///smsgw",
}


@pytest.mark.parametrize("address", SHOWN)
def test_address_is_shown_without_its_password(address):
    server = Server.parse(address)
    assert SHOWN[address] == str(server)
    assert "heim" not in f"{server} {server!r} {server.url}"


def test_password_is_kept_apart():
    assert "ge@heim" == Server.parse("postgresql://a:ge%40heim@h/d").password
    assert "x y" == Server.parse("postgresql://a@h/d?password=x%20y").password
    assert Server.parse("postgresql://a@h/d").password is None


def test_settings_behind_the_address_are_kept():
    url = Server.parse("postgresql://a:b@h/d?sslmode=verify-full&connect_timeout=5").url
    assert "postgresql://a@h/d?sslmode=verify-full&connect_timeout=5" == url


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://a:geheim@h",
        "postgresql://a:geheim@h/",
        "postgresql://a:geheim@h:port/d",
        "postgresql://a:geheim@h/d?nonsense",
        "postgresql://a:geheim@h/d#there",
        "postgresql://a:geheim@h@i/d",
    ],
)
def test_what_is_no_address_is_refused_without_being_quoted(address):
    assert is_server(address)
    with pytest.raises(ValueError, match=r"^(has|names|is) ") as refused:
        Server.parse(address)
    assert "geheim" not in str(refused.value)


def test_own_files_lie_where_systemd_says(monkeypatch):
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert Path("/var/lib/smsgw/smsgw.db") == files_of(Server.parse("postgresql://a@h/d"))
    monkeypatch.setenv("STATE_DIRECTORY", "/srv/smsgw")
    assert Path("/srv/smsgw/smsgw.db") == files_of(Server.parse("postgresql://a@h/d"))
    assert Path("x.db") == files_of(Path("x.db"))
