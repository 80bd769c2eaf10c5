"""`/metrics` for Prometheus and `/healthz` for an orchestrator or a person, over plain HTTP.

`/healthz` answers 200 while anybody can be served, else 503: whoever restarts, or sends traffic
elsewhere, asks that. Its body says all that is not well, whatever the answer.

What is counted elsewhere as plain ints is read only when somebody asks, and once a second however
many do: counting costs the hot path nothing. This module knows HTTP and the text format; what is
measured and what is not well it is told by two functions. prometheus_client (the extra `metrics`)
is imported only when a listener is configured.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from smsgw.errors import SmsgwError
from smsgw.health import Report
from smsgw.histogram import Histogram

if TYPE_CHECKING:
    from prometheus_client.core import Metric

log = logging.getLogger(__name__)

T = TypeVar("T")

#: A request line with its headers has some hundred octets; Prometheus sends no more.
MAX_REQUEST_OCTETS = 8 * 1024
#: Time for one request from its first octet to the last of the answer.
REQUEST_SECONDS = 5.0
#: At one time; more clients are refused, so that they cannot use up all descriptors.
MAX_CLIENTS = 32
#: When all places are taken, a client that has no answer after this makes room for the next.
PATIENCE_SECONDS = 1.0
#: A measurement is used for so long.
FRESH_SECONDS = 1.0


class Sample(NamedTuple):
    """One number, such as smsgw_mo_total{link="viettel"} 17, or many that tell how long something
    takes; names ending in _total only grow."""

    name: str
    help: str
    value: float | Histogram
    labels: Mapping[str, str] = {}


Samples = Callable[[], Awaitable[Iterable[Sample]]]
Health = Callable[[], Awaitable[Report]]


class Measured(Generic[T]):
    """What *measure* finds: done once a second at most, for all who ask in that second."""

    def __init__(self, measure: Callable[[], Awaitable[T]]) -> None:
        self._measure = measure
        self._task: asyncio.Task[T] | None = None
        self._asked = 0.0  # loop time

    async def __call__(self, *, anew: bool = False) -> T:
        """The last measurement, or a new one if that is old.

        Args:
            anew: none that is over will do, however new.

        Raises:
            Exception: what *measure* raised.
        """
        now = asyncio.get_running_loop().time()
        task = self._task
        if task is None or (task.done() and (anew or now - self._asked >= FRESH_SECONDS)):
            self._asked = now
            self._task = task = asyncio.create_task(self._run())
            task.add_done_callback(_look_at)  # who asked may have gone away
        return await asyncio.shield(task)  # who goes away leaves it to the others

    async def _run(self) -> T:
        return await self._measure()


def _look_at(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()


class Response(NamedTuple):
    status: HTTPStatus
    content_type: str
    body: bytes


class MetricsServer:
    """Answers `/metrics` and `/healthz` until closed."""

    def __init__(self, samples: Samples, health: Health) -> None:
        """
        Args:
            samples: everything that is measured, at this moment.
            health: what is not well at this moment, and whether anybody is served.

        Raises:
            SmsgwError: prometheus_client is not installed.
        """
        try:
            import prometheus_client.exposition
        except ImportError as err:
            raise SmsgwError(
                "metrics.listen is set, but prometheus-client is not installed",
                "pip install 'smsgw[metrics]', or take metrics.listen out",
            ) from err
        self._render = prometheus_client.exposition.generate_latest
        self._content_type = prometheus_client.exposition.CONTENT_TYPE_LATEST
        self._pages = {
            b"/metrics": Measured(partial(self._metrics, samples)),
            b"/healthz": Measured(partial(self._health, health)),
        }
        self._clients: dict[asyncio.Task[None], float] = {}  # each since when, oldest first
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address, which tells the port if *port* is 0.

        Raises:
            SmsgwError: the address cannot be listened at (port in use, not ours).
        """
        try:
            self._server = await asyncio.start_server(
                self._serve, host, port, limit=MAX_REQUEST_OCTETS
            )
        except OSError as err:
            raise SmsgwError(
                f"metrics.listen: {host}:{port} cannot be listened at ({err.strerror or err})",
                "another program may use the port; choose a free one",
            ) from err
        address = self._server.sockets[0].getsockname()
        log.info("metrics listen=%s:%d", address[0], address[1])
        return address[0], address[1]

    async def close(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client: asyncio.Task[None] | None = asyncio.current_task()
        assert client is not None  # noqa: S101 - asyncio serves each client in a task
        now = asyncio.get_running_loop().time()
        try:
            if self._has_place(now):
                self._clients[client] = now
                async with asyncio.timeout(REQUEST_SECONDS):
                    writer.write(_http(await self._answer(reader)))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # a client that left or dawdles needs no answer
        except asyncio.CancelledError:
            writer.transport.abort()  # it gave its place to another, which must not wait for it
        except Exception:
            log.exception("metrics: a request failed")
        finally:
            self._clients.pop(client, None)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _has_place(self, now: float) -> bool:
        """Whether there is room for one more client; the oldest may have to leave for it."""
        if len(self._clients) < MAX_CLIENTS:
            return True
        oldest, since = next(iter(self._clients.items()))
        if now - since < PATIENCE_SECONDS:
            return False
        del self._clients[oldest]
        oldest.cancel()
        return True

    async def _answer(self, reader: asyncio.StreamReader) -> Response:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        match head.split(b"\r\n", 1)[0].split(b" "):
            case [b"GET", target, version] if version.startswith(b"HTTP/1."):
                return await self._get(target.split(b"?", 1)[0])
            case [_, _, version] if version.startswith(b"HTTP/1."):
                return _plain(HTTPStatus.METHOD_NOT_ALLOWED)
        return _plain(HTTPStatus.BAD_REQUEST)

    async def _get(self, path: bytes) -> Response:
        page = self._pages.get(path)
        return await page() if page else _plain(HTTPStatus.NOT_FOUND)

    async def _metrics(self, samples: Samples) -> Response:
        body = self._render(_Families(await samples()))
        return Response(HTTPStatus.OK, self._content_type, body)

    async def _health(self, health: Health) -> Response:
        serves, problems = await health()
        status = HTTPStatus.OK if serves else HTTPStatus.SERVICE_UNAVAILABLE
        word = "failing" if not serves else "unwell" if problems else "ok"
        said = {"status": word, "reasons": [problem.text for problem in problems]}
        return Response(status, "application/json", json.dumps(said).encode() + b"\n")


class _Families:
    """A registry of one request: samples of one name gathered under one head."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = list(samples)

    def collect(self) -> Iterable["Metric"]:
        from prometheus_client import core

        families: dict[str, Any] = {}
        kind: Any
        values: tuple[Any, ...]
        for name, help_text, value, labels in self._samples:
            if isinstance(value, Histogram):
                kind, values = core.HistogramMetricFamily, (value.up_to(), value.total)
            elif name.endswith("_total"):
                kind, values = core.CounterMetricFamily, (value,)
            else:
                kind, values = core.GaugeMetricFamily, (value,)
            if name not in families:
                families[name] = kind(name, help_text, labels=list(labels))
            families[name].add_metric(list(labels.values()), *values)
        return families.values()


def _plain(status: HTTPStatus) -> Response:
    return Response(
        status, "text/plain; charset=utf-8", f"{status.value} {status.phrase}\n".encode()
    )


def _http(response: Response) -> bytes:
    allow = "Allow: GET\r\n" if response.status is HTTPStatus.METHOD_NOT_ALLOWED else ""
    head = (
        f"HTTP/1.1 {response.status.value} {response.status.phrase}\r\n"
        f"Content-Type: {response.content_type}\r\n"
        f"Content-Length: {len(response.body)}\r\n"
        f"{allow}Connection: close\r\n\r\n"
    )
    return head.encode() + response.body
