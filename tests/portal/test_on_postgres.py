"""The portal over a PostgreSQL: from the text to the own data, and back in again."""

import pytest

from tests.portal.conftest import CMND, OWN, City
from tests.raw_postgres import Postgres


@pytest.fixture
def city(tmp_path, free_port, postgres):
    """As everywhere, but for the database; its own files lie in the test's folder."""
    environment = {"STATE_DIRECTORY": str(tmp_path)}
    gateway = Postgres(postgres).gateway(tmp_path)
    city = City(tmp_path, free_port, environment=environment, gateway=gateway)
    city.start()
    yield city
    city.end()
    city.house.store.close()


def test_citizen_of_a_server_logs_in_with_the_password_of_the_text(city, browser):
    password = city.register()
    assert (303, "/mat-khau-moi") == browser.log_in(CMND, password).leads


def test_citizen_of_a_server_logs_in_with_the_own_password_and_is_remembered(city, browser):
    city.whole()
    assert 422 == browser.log_in(CMND, "wrong").status
    assert 303 == browser.log_in(CMND, OWN).status
    [log_in] = city.house.store.log_ins(city.account().id, 9)
    assert "page" == log_in.how


def test_beside_a_server_the_portal_has_its_key_alone(city, tmp_path):
    assert ["portal.key"] == [
        p.name for p in tmp_path.glob("portal.*") if p.suffix in (".db", ".key")
    ]
