import asyncio
import json
import socket
from contextlib import asynccontextmanager

import pytest

from smsgw import metrics
from smsgw.errors import SmsgwError
from smsgw.health import Kind, Problem, Report
from smsgw.metrics import MAX_CLIENTS, MAX_REQUEST_OCTETS, MetricsServer, Sample

SAMPLES = [
    Sample("smsgw_mo_total", "Texts received.", 17, {"link": "viettel"}),
    Sample("smsgw_mo_total", "Texts received.", 4, {"link": "mobi"}),
    Sample("smsgw_outbox", "Replies that wait.", 3),
]


WELL = Report(serves=True, problems=[])


async def well():
    return WELL


async def samples():
    return SAMPLES


def report(*problems, serves=True):
    """How the gateway is."""
    return Report(serves, [Problem(Kind.LINK, problem) for problem in problems])


def exchange(request, found=WELL, measured=samples):
    """What a server answers to *request* that has *found* this of the gateway's health."""

    async def health():
        return found

    async def scenario():
        server = MetricsServer(measured, health)
        address = await server.start("127.0.0.1", 0)
        try:
            async with asyncio.timeout(10):
                reader, writer = await asyncio.open_connection(*address)
                writer.write(request)
                answer = await reader.read()
                writer.close()
        finally:
            await server.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode(), body

    return asyncio.run(scenario())


def get(path, **kwargs):
    return exchange(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), **kwargs)


def test_prometheus_reads_counters_and_gauges():
    head, body = get("/metrics")
    assert head.startswith("HTTP/1.1 200 OK")
    assert "Content-Type: text/plain; version=" in head
    lines = body.decode().splitlines()
    assert 'smsgw_mo_total{link="viettel"} 17.0' in lines
    assert 'smsgw_mo_total{link="mobi"} 4.0' in lines
    assert "smsgw_outbox 3.0" in lines
    assert 1 == lines.count("# TYPE smsgw_mo_total counter")


def test_healthy_gateway_says_ok():
    head, body = get("/healthz")
    assert head.startswith("HTTP/1.1 200 OK")
    assert {"status": "ok", "reasons": []} == json.loads(body)


def test_gateway_that_serves_all_the_same_says_what_is_not_well():
    head, body = get("/healthz", found=report("link mobi is waiting"))
    assert head.startswith("HTTP/1.1 200 OK")
    assert {"status": "unwell", "reasons": ["link mobi is waiting"]} == json.loads(body)


def test_failing_gateway_says_why():
    head, body = get("/healthz?verbose=1", found=report("no link is bound", serves=False))
    assert head.startswith("HTTP/1.1 503 Service Unavailable")
    assert {"status": "failing", "reasons": ["no link is bound"]} == json.loads(body)


REFUSED = {
    "another page": (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
    "another method": (b"POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
    "not HTTP": (b"\x00\x00\x00\x10\r\n\r\n", "400 Bad Request"),
    "no version": (b"GET /metrics\r\n\r\n", "400 Bad Request"),
    "endless head": (
        b"GET / HTTP/1.1\r\nX: " + b"x" * 2 * MAX_REQUEST_OCTETS,
        "431 Request Header Fields Too Large",
    ),
}


@pytest.mark.parametrize(("request_", "status"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(request_, status):
    head, _ = exchange(request_)
    assert head.startswith(f"HTTP/1.1 {status}")


def test_measure_that_fails_costs_one_request_and_not_the_server():
    async def broken():
        raise RuntimeError("no store")

    assert ("", b"") == get("/metrics", measured=broken)


@asynccontextmanager
async def serving(measured=samples, health=well):
    server = MetricsServer(measured, health)
    address = await server.start("127.0.0.1", 0)
    try:
        async with asyncio.timeout(10):
            yield server, address
    finally:
        await server.close()


async def ask(address, path="/healthz"):
    """The first line of the answer; nothing: refused."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    try:
        answer = await reader.read()
    except ConnectionError:
        answer = b""
    writer.close()
    return answer.decode().partition("\r\n")[0]


def test_however_many_ask_it_is_measured_once_a_second(monkeypatch):
    """49 a second, with 100,000 replies queued, made a citizen wait for a second."""
    asked = []

    async def health():
        asked.append(1)
        await asyncio.sleep(0)
        return WELL

    async def scenario():
        async with serving(health=health) as (_, address):
            assert {"HTTP/1.1 200 OK"} == set(
                await asyncio.gather(*(ask(address) for _ in range(20)))
            )
            await ask(address)
            assert 1 == len(asked)
            monkeypatch.setattr(metrics, "FRESH_SECONDS", 0)
            await ask(address)
            assert 2 == len(asked)

    asyncio.run(scenario())


def test_silent_clients_make_room_for_who_asks(monkeypatch):
    """32 of them shut Prometheus out for five seconds."""

    async def scenario():
        async with serving() as (server, address):
            silent = [await asyncio.open_connection(*address) for _ in range(MAX_CLIENTS)]
            while len(server._clients) < MAX_CLIENTS:
                await asyncio.sleep(0)
            assert "" == await ask(address)  # they may be about to speak
            monkeypatch.setattr(metrics, "PATIENCE_SECONDS", 0)
            for _ in range(3):
                assert "HTTP/1.1 200 OK" == await ask(address, "/metrics")
            ends = [await reader.read() for reader, _ in silent[:1]]
            assert [b""] == ends
            assert len(server._clients) <= MAX_CLIENTS
            for _, writer in silent:
                writer.close()

    asyncio.run(scenario())


def test_client_that_goes_away_does_not_end_the_measurement_of_others():
    async def scenario():
        going_on = asyncio.Event()

        async def health():
            await going_on.wait()
            return WELL

        async with serving(health=health) as (server, address):
            first, second = (asyncio.create_task(ask(address)) for _ in range(2))
            while len(server._clients) < 2:
                await asyncio.sleep(0)
            next(iter(server._clients)).cancel()
            going_on.set()
            assert ["", "HTTP/1.1 200 OK"] == sorted(await asyncio.gather(first, second))

    asyncio.run(scenario())


def test_port_in_use_is_one_clear_line():
    async def scenario(port):
        await MetricsServer(samples, well).start("127.0.0.1", port)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SmsgwError, match=rf"127\.0\.0\.1:{port}.*[Aa]ddress already in use"):
            asyncio.run(scenario(port))
