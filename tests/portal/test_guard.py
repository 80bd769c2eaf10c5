"""What every request passes: Host, size, time, proxies; and what every answer carries."""

import asyncio
import re
import socket
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager

import pytest
import uvicorn

from smsgw.portal import wire
from tests.budget import BUDGET_MS
from tests.conftest import PATIENCE
from tests.house import AN
from tests.portal.conftest import CMND, OWN

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
    "cache-control": "no-store",
}


def raw(port, octets, wait=PATIENCE):
    """What comes back for these octets, until the other side is done."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as peer:
        peer.sendall(octets)
        answer = b""
        while piece := peer.recv(65536):
            answer += piece
    return answer.decode()


def test_every_answer_carries_the_headers(city, browser):
    answers = [browser.get(path) for path in ("/dang-nhap", "/tai-khoan", "/khong-co", "/healthz")]
    answers += [
        browser.ask("DELETE", "/dang-nhap"),
        browser.ask("POST", "/dang-nhap", "x" * 20_000),
    ]
    assert [200, 303, 404, 200, 405, 413] == [answer.status for answer in answers]
    for answer in answers:
        assert HEADERS == {name: answer.headers[name] for name in HEADERS}, answer.status


def test_unknown_page_is_told(browser):
    for answer in (browser.get("/khong-co"), browser.ask("DELETE", "/tai-khoan")):
        assert "Không tìm thấy trang Nếu bạn gõ địa chỉ, hãy kiểm tra lại." in answer.words
        assert 'href="/dang-nhap"' in answer.page


def test_too_much_is_refused_before_it_is_read(city, browser):
    answer = browser.ask("POST", "/dang-nhap", "x" * 16_385)
    assert (413, True) == (answer.status, "Nội dung gửi lên quá dài." in answer.words)
    chunked = b"POST /dang-nhap HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
    host = b"127.0.0.1:%d" % city.port
    endless = chunked % host + b"1000\r\n" + b"x" * 4096 + b"\r\n"
    told = raw(city.port, endless + b"1000\r\n" + b"x" * 4096 + b"\r\n" + b"4000\r\n" + b"x" * 9000)
    assert told.startswith("HTTP/1.1 413 ")
    fields = "&".join(f"f{number}=" for number in range(100))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert 413 == browser.ask("POST", "/dang-nhap", fields, form).status


def test_other_host_is_not_served_and_not_repeated(city):
    told = raw(city.port, b"GET /dang-nhap HTTP/1.1\r\nHost: evil.example\r\n"
                          b"X-Forwarded-Host: 127.0.0.1\r\nConnection: close\r\n\r\n")  # fmt: skip
    assert told.startswith("HTTP/1.1 421 ")
    assert "evil" not in told
    for head in (b"Host: a\r\nHost: b\r\n", b""):
        told = raw(city.port, b"GET / HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n")
        assert told.startswith("HTTP/1.1 400 ")


def test_health_answers_to_the_loopback(make_city):
    city = make_city(public_url="https://dangky.example.vn")
    ask = b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
    assert raw(city.port, ask % (b"/healthz", b"127.0.0.1:8080")).startswith("HTTP/1.1 200 ")
    assert raw(city.port, ask % (b"/dang-nhap", b"127.0.0.1")).startswith("HTTP/1.1 421 ")
    for host in (b"dangky.example.vn", b"DangKy.example.vn:443"):
        assert raw(city.port, ask % (b"/dang-nhap", host)).startswith("HTTP/1.1 200 ")


def test_what_is_no_http_gets_a_whole_page(city):
    told = raw(city.port, b"\x16\x03\x01 nothing\r\n\r\n")
    assert told.startswith("HTTP/1.1 400 ")
    assert "Hệ thống gặp lỗi" in told
    assert re.search(r"đọc mã [A-HJKMNP-Z2-9]{3}-[A-HJKMNP-Z2-9]{3}\.", told)
    assert "frame-ancestors 'none'" in told


SMUGGLED = {
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "length and chunks": b"Transfer-Encoding: chunked, identity\r\n",
    "blank before the colon": b"Content-Length : 5\r\n",
    "folded": b"X: a\r\n Content-Length: 5\r\n",
    "no number": b"Content-Length: +5\r\n",
}


@pytest.mark.parametrize("head", SMUGGLED.values(), ids=SMUGGLED)
def test_request_that_could_be_read_in_two_ways_is_refused_or_ends(city, head):
    host = b"Host: 127.0.0.1:%d\r\n" % city.port
    told = raw(city.port, b"POST /dang-nhap HTTP/1.1\r\n" + host + head + b"Connection: close\r\n"
                          b"\r\nhello" + b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n")  # fmt: skip
    assert "\nok" not in told


def test_slow_request_ends_after_ten_seconds(city):
    head = b"GET /dang-nhap HTTP/1.1\r\nHost: 127"
    body = b"POST /dang-nhap HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 50\r\n\r\nuser"

    def ask(octets):
        began = time.monotonic()
        return raw(city.port, octets), time.monotonic() - began

    with ThreadPoolExecutor(2) as both:  # they wait at the same time
        answers = list(both.map(ask, (head, body % city.port)))
    for told, took in answers:
        assert 9 < took < 13
        assert told.startswith("HTTP/1.1 408 ")
        assert "Kết nối quá chậm, yêu cầu chưa được xử lý. Hãy thử lại." in told


def test_forged_address_does_not_count(make_city):
    city = make_city(portal={"trusted_proxies": ["10.0.0.0/8"]})
    names = [f"{number:09}" for number in range(900_000_000, 900_000_021)]
    answers = [
        city.browser(address=f"192.0.2.{place}").log_in(name, "sai")
        for place, name in enumerate(names)
    ]
    assert [422] * 20 + [429] == [answer.status for answer in answers]
    assert (
        "Có quá nhiều lần đăng nhập không thành công từ mạng này. Hãy thử lại sau 10 phút."
        == answers[-1].notice
    )


def test_address_that_the_proxy_tells_counts(city):
    names = [f"{number:09}" for number in range(900_000_000, 900_000_021)]
    for name in names[:20]:
        city.browser(address="198.51.100.1, 192.0.2.7").log_in(name, "sai")
    assert 429 == city.browser(address="203.0.113.5, 192.0.2.7").log_in(names[20], "sai").status
    assert 422 == city.browser(address="192.0.2.7, 192.0.2.8").log_in(names[20], "sai").status


def test_walking_inside_a_network_of_64_bits_is_one_address(city):
    names = [f"{number:09}" for number in range(900_000_000, 900_000_021)]
    statuses = [
        city.browser(address=f"2001:db8:1:2:{place + 1:x}::1").log_in(name, "sai").status
        for place, name in enumerate(names)
    ]
    assert [422] * 20 + [429] == statuses


def test_known_browser_passes_for_its_own_name_alone(city):
    city.own(phone=AN)
    owner = city.browser(address="192.0.2.7")
    owner.log_in(CMND, OWN)
    owner.log_out()
    for number in range(20):
        city.browser(address="192.0.2.7").log_in(f"{900_000_000 + number:09}", "sai")
    assert 429 == city.browser(address="192.0.2.7").log_in(CMND, OWN).status
    assert 429 == owner.log_in("900000000", "sai").status
    assert 303 == owner.log_in(CMND, OWN).status


def test_full_queue_is_told_and_nothing_is_counted(city):
    statuses = []
    form = city.browser()
    token = form.get("/dang-nhap").token

    def guess(number):
        one = city.browser(address=f"192.0.2.{number}")
        one.jar = dict(form.jar)
        fields = {"token": token, "username": f"{900_000_000 + number:09}", "password": "sai"}
        statuses.append(one.post("/dang-nhap", fields))

    guessers = [threading.Thread(target=guess, args=(number,)) for number in range(150)]
    for each in guessers:
        each.start()
    for each in guessers:
        each.join()
    busy = [answer for answer in statuses if answer.status == 503]
    assert {422, 503} >= {answer.status for answer in statuses}
    for answer in busy:
        assert "5" == answer.headers["retry-after"]
        assert answer.notice.startswith("Hệ thống đang bận, yêu cầu của bạn chưa được xử lý.")


def test_socket_is_for_its_group(tmp_path, make_city):
    path = tmp_path / "p.sock"
    make_city(portal={"listen": f"unix:{path}"})
    assert 0o660 == stat.S_IMODE(path.stat().st_mode)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert peer.recv(100).startswith(b"HTTP/1.1 200 ")
    assert 0o600 == stat.S_IMODE((tmp_path / "portal.key").stat().st_mode)


def test_marks_upon_marks_cost_the_loop_little(city, browser):
    token = browser.get("/dang-nhap").token
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"token={token}&username=201234567&password=".encode() + "\u0f73".encode() * 5000
    before = city.spent()
    assert 422 == browser.ask("POST", "/dang-nhap", body, form).status
    assert city.spent() - before < 15


@asynccontextmanager
async def served(app, protocol, port):
    """*app* behind that protocol, in this process."""
    config = uvicorn.Config(
        app, port=port, http=protocol, ws="none", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def test_who_takes_no_answers_keeps_no_place(free_port, monkeypatch):
    monkeypatch.setattr(wire, "TAKING_SECONDS", 0.2)
    running = set()

    async def app(scope, receive, send):
        running.add(id(scope))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 20_000})
        running.discard(id(scope))

    async def lasting(happened):
        """Until it has been so for a while."""
        async with asyncio.timeout(PATIENCE):
            in_a_row = 0
            while in_a_row < 10:
                await asyncio.sleep(0.01)
                in_a_row = in_a_row + 1 if happened() else 0

    async def serve():
        async with served(app, wire.protocol(lambda status: ([], b"")), free_port):
            with socket.create_connection(("127.0.0.1", free_port)) as peer:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2000)
                await lasting(lambda: running)
                await lasting(lambda: not running)

    asyncio.run(serve())


EMPTY = (b"content-length", b"0")


def test_one_connection_too_many_is_told_to_come_again(free_port, monkeypatch):
    monkeypatch.setattr(wire, "MOST_CONNECTIONS", 2)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [EMPTY]})
        await send({"type": "http.response.body"})

    def ask():
        last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        with ExitStack() as stack:
            for _ in range(2):
                address = "127.0.0.1", free_port
                peer = stack.enter_context(socket.create_connection(address, timeout=PATIENCE))
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert peer.recv(999).startswith(b"HTTP/1.1 200")
            answers = [raw(free_port, b"")]
            peer.sendall(last)
            assert peer.recv(999).startswith(b"HTTP/1.1 200")
            assert b"" == peer.recv(999)
            return [*answers, raw(free_port, last)]

    async def serve():
        async with served(app, wire.protocol(lambda status: ([], b"later")), free_port):
            return await asyncio.to_thread(ask)

    refused, answered = asyncio.run(serve())
    assert refused.startswith("HTTP/1.1 503 ")
    assert "retry-after: 5\r\n" in refused.lower()
    assert refused.endswith("later")
    assert answered.startswith("HTTP/1.1 200 ")


def test_body_of_tiny_chunks_lets_others_have_their_turn(free_port, monkeypatch):
    costs = []

    protocol = wire.protocol(lambda status: ([], b""))
    receive_data = protocol.data_received

    def timed(self, data):
        began = time.thread_time()
        receive_data(self, data)
        costs.append(1000 * (time.thread_time() - began))

    monkeypatch.setattr(protocol, "data_received", timed)

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def send():
        head = (
            b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        return raw(free_port, head + b"1\r\na\r\n" * 200_000 + b"0\r\n\r\n")

    async def serve():
        async with served(app, protocol, free_port):
            return await asyncio.to_thread(send)

    assert asyncio.run(serve()).startswith("HTTP/1.1 200 ")
    assert max(costs) < BUDGET_MS


def test_cookie_full_of_escapes_costs_the_loop_little(city, browser):
    cookie = '__Host-may="' + '\\"' * 7900 + '"'
    before = city.spent()
    for _ in range(5):
        assert 200 == browser.ask("GET", "/dang-nhap", headers={"Cookie": cookie}).status
    assert city.spent() - before < 5 * 5
