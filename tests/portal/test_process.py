"""`smsgw portal` as a process: how it starts, ends and is refused."""

import importlib.util
import signal
import subprocess

import pytest

from tests.conftest import ENVIRONMENT, PATIENCE, SMSGW
from tests.portal.conftest import City

PORTAL = {
    "public_url": "http://127.0.0.1:8080",
    "hotline": "1022",
    "authority": "Sở Thông tin và Truyền thông",
}
LINK = {"name": "a", "host": "127.0.0.1", "port": 1, "system_id": "x", "password": "y"}


def command(config, name="portal"):
    done = subprocess.run(
        [*SMSGW, "-c", str(config), name],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_ends_cleanly_and_leaves_nobody_at_its_address(city):
    assert 0 == city.stop(signal.SIGINT)
    city.start()
    assert 0 == city.stop()
    assert "Traceback" not in city.log


def test_wants_a_database_that_the_gateway_made(config_file):
    status, [line] = command(config_file(LINK, portal=PORTAL))
    assert 1 == status
    assert "no database at" in line
    assert "smsgw run" in line


def test_second_portal_is_refused(city):
    status, lines = command(city.config)
    assert 1 == status
    assert any("another portal (pid" in line for line in lines)


def test_taken_port_is_told_in_one_line(tmp_path, free_port):
    import socket

    city = City(tmp_path, free_port)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        text = city.config.read_text().replace(f"127.0.0.1:{free_port}", f"127.0.0.1:{port}")
        city.config.write_text(text)
        status, lines = command(city.config)
    city.house.store.close()
    assert 1 == status
    assert f"cannot listen at 127.0.0.1:{port}" in lines[-1]


@pytest.mark.parametrize("key", ["public_url", "hotline", "authority"])
def test_required_keys_are_asked_for_by_portal_and_check_config(config_file, key):
    config = config_file(LINK, portal={k: v for k, v in PORTAL.items() if k != key})
    for name in ("portal", "check-config"):
        status, [line] = command(config, name)
        assert (1, True) == (status, f"portal.{key}: is missing" in line)


def test_without_a_table_the_portal_says_what_it_needs_and_others_do_not_care(config_file):
    status, lines = command(config_file(LINK))
    assert (1, 3) == (status, len(lines))
    assert 0 == command(config_file(LINK), "check-config")[0]


FAULTY: dict[str, list[object]] = {
    "public_url": ["http://dangky.example.vn", "https://a.vn/x", "ftp://a.vn", "https://u@a.vn", 1],
    "listen": ["8080", "unix:portal.sock", 8080],
    "hotline": ["", " ", "a\nb"],
    "trusted_proxies": ["127.0.0.1", ["proxy"], [1]],
    "shared_networks": [["10.0.0.1/8"]],
    "session_idle": ["500ms", "0s", 30],
    "logins_kept": ["never"],
    "metrics": ["9189"],
}


@pytest.mark.parametrize("key", FAULTY)
def test_faults_are_named_and_never_stop_the_gateway(config_file, key):
    from smsgw import config

    for value in FAULTY[key]:
        file = config_file(LINK, portal=PORTAL | {key: value})
        with pytest.raises(config.ConfigError) as caught:
            config.load(file, portal=config.Portal.CHECKED)
        assert [f"portal.{key}"] == [fault.key for fault in caught.value.faults], value
        assert config.load(file).portal is None


def test_its_libraries_are_an_extra():
    for name in ("starlette", "uvicorn", "h11", "jinja2"):
        assert importlib.util.find_spec(name)
    asked = subprocess.run(
        [*SMSGW[:1], "-c", "import sys, smsgw.portal.short; print('starlette' in sys.modules)"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert "False" == asked.stdout.strip()


def test_key_that_is_none_is_refused(city):
    city.stop()
    city.house.path.with_name("portal.key").write_text("x")
    status, lines = command(city.config)
    assert 1 == status
    assert "portal.key holds no keys of a portal" in lines[-1]
    city.house.path.with_name("portal.key").unlink()
    city.start()


def test_prometheus_reads_what_became_of_tries(make_city):
    import socket
    import urllib.request

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    city = make_city(portal={"metrics": f"127.0.0.1:{port}"})
    city.browser().log_in("999999999", "sai")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        told = answer.read().decode()
    assert 'smsgw_portal_tries_total{outcome="wrong"} 1.0' in told
    assert 'smsgw_portal_answers_total{status="422"} 1.0' in told
    assert "smsgw_portal_hash_queue 0.0" in told
