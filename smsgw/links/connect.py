"""Opens one connection to an SMSC, or says in one line why that failed.

Sockets and TLS only; nothing of SMPP. Names with several addresses, IPv6 and IPv4, are tried as
in RFC 8305 (the next address starts while the one before still hangs), by asyncio.
"""

import asyncio
import os
import re
import socket
import ssl
from asyncio.staggered import staggered_race
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

from smsgw.config import SmscSettings
from smsgw.errors import SmsgwError
from smsgw.links.report import Report
from smsgw.links.resolver import Found, Resolver

P = TypeVar("P", bound=asyncio.BaseProtocol)

HAPPY_EYEBALLS_DELAY = 0.25  # RFC 8305 §8

# Finds a peer that vanished while nothing else would (before the bind, in the middle of a stop);
# bound sessions have enquire_link for it.
KEEPALIVE_IDLE_SECONDS = 60
KEEPALIVE_INTERVAL_SECONDS = 15
KEEPALIVE_PROBES = 4


class ConnectFault(SmsgwError):
    """The connection could not be opened; the words tell why."""


async def connect(
    smsc: SmscSettings, protocol: Callable[[], P], resolver: Resolver, report: Report
) -> P:
    """Connect to *smsc*, look-up and TLS handshake included, within its response_timeout.

    Args:
        resolver: of this line, which waits there for a look-up that an earlier try began.
        report: told of each step that worked, and of the one that is tried.

    Raises:
        ConnectFault: for whatever reason.
    """
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {}
    if smsc.tls:
        report.begins("tls")
        # Read anew each time: a renewed certificate needs no restart.
        options["ssl"] = tls_context(smsc)
        options["server_hostname"] = smsc.tls_server_name or smsc.host
    try:
        async with asyncio.timeout(smsc.response_timeout.total_seconds()):
            report.begins("resolve")
            addresses = await resolver.look_up(smsc.host, smsc.port)
            report.done(", ".join(dict.fromkeys(str(found[4][0]) for found in addresses)))
            report.begins("connect")
            sock = await _first_to_connect(loop, addresses)
            report.done(_written(sock.getpeername()))
            if smsc.tls:
                report.begins("tls")
            transport, made = await loop.create_connection(protocol, sock=sock, **options)
            if smsc.tls:
                report.done(describe_tls(transport))
    except TimeoutError as fault:
        who = f"{smsc.host}:{smsc.port}"
        if resolver.waits:
            who = f"the name servers, asked for {smsc.host},"
        seconds = smsc.response_timeout.total_seconds()
        raise ConnectFault(f"no answer from {who} within {seconds:g} s") from fault
    except ConnectionResetError as fault:
        if not smsc.tls:
            raise ConnectFault(explain(fault, smsc)) from fault
        problem = "TLS: the peer broke off the handshake; is this its port for TLS?"
        raise ConnectFault(problem) from fault
    except (OSError, ValueError) as fault:  # ValueError: a host name that IDNA cannot write
        raise ConnectFault(explain(fault, smsc)) from fault
    _tune(transport.get_extra_info("socket"))
    return made


async def _first_to_connect(
    loop: asyncio.AbstractEventLoop, addresses: Sequence[Found]
) -> socket.socket:
    """A socket to the first of *addresses* that answers; the next one is tried while the one
    before still hangs (RFC 8305 §5).

    Raises:
        OSError: none does; where they fail in different ways, with all of these.
    """

    async def open_one(found: Found) -> socket.socket:
        family, kind, protocol, _, address = found
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    attempts = [partial(open_one, found) for found in addresses]
    sock: socket.socket | None
    sock, _, faults = await staggered_race(attempts, HAPPY_EYEBALLS_DELAY)
    if sock is not None:
        return sock
    raised = [fault for fault in faults if fault is not None]
    for fault in raised:
        if not isinstance(fault, OSError):
            raise fault
    if len({str(fault) for fault in raised}) == 1:
        raise raised[0]
    raise OSError("; ".join(map(str, raised)))


def _written(address: tuple[Any, ...]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def describe_tls(transport: asyncio.BaseTransport) -> str:
    """Version and cipher, and whose certificate it is until when."""
    version = transport.get_extra_info("ssl_object").version()
    cipher = transport.get_extra_info("cipher")[0]
    certificate = transport.get_extra_info("peercert") or {}
    names = [name for _, name in certificate.get("subjectAltName", ())]
    subject = [value for part in certificate.get("subject", ()) for _, value in part]
    whose = ", ".join(dict.fromkeys([*subject[-1:], *names[:3]])) or "without a name"
    ends = ""
    if until := certificate.get("notAfter"):
        ends = f", until {datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC):%Y-%m-%d}"
    return f"{version}, {cipher}; certificate of {whose}{ends}"


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_SECONDS),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_SECONDS),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        if hasattr(socket, option):  # not every system can tune them
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def tls_context(smsc: SmscSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer; the server's certificate and name are always verified, and its keeping to
    the letter of RFC 5280 unless `tls_strict` is false.

    Raises:
        ConnectFault: a configured file cannot be used.
    """
    if smsc.tls_ca_file:
        with _Reading("tls_ca_file", smsc.tls_ca_file, "holds no certificate"):
            context = ssl.create_default_context(cafile=smsc.tls_ca_file)
    else:
        context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The default of Python 3.13, here of all: a certificate must keep to RFC 5280's letter. Name
    # and chain are verified in any case.
    if smsc.tls_strict:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    else:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if smsc.tls_cert_file:
        problem = "and tls_key_file do not hold a certificate and its unencrypted key"
        with _Reading("tls_cert_file", smsc.tls_cert_file, problem):
            # Without a password function OpenSSL would ask at the terminal for one.
            context.load_cert_chain(smsc.tls_cert_file, smsc.tls_key_file, password=lambda: "")
    return context


def check_files(smsc: SmscSettings) -> None:
    """See whether the files of its TLS can be used.

    Raises:
        ConnectFault: one cannot.
    """
    if smsc.tls:
        tls_context(smsc)


class _Reading:
    """Turns what OpenSSL says about a file into words."""

    def __init__(self, key: str, path: Path, problem: str) -> None:
        self._key, self._path, self._problem = key, path, problem

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, ssl.SSLError):
            raise ConnectFault(f"TLS: {self._key} {self._path} {self._problem}") from fault
        if isinstance(fault, OSError):
            name = fault.filename or self._path
            raise ConnectFault(
                f"TLS: {self._key} {name} cannot be read ({fault.strerror})"
            ) from fault


#: OpenSSL's X509_V_ERR_* of X509_V_FLAG_X509_STRICT, include/openssl/x509_vfy.h.
BREAKS_THE_LETTER = range(80, 95)

#: What a TLS alert or library fault means to an operator, by a piece of OpenSSL's reason.
TLS_FAULTS = {
    "WRONG_VERSION_NUMBER": "the peer does not speak TLS; is this its port for TLS?",
    "RECORD_LAYER_FAILURE": "the peer does not speak TLS; is this its port for TLS?",
    "UNEXPECTED_EOF": "the peer closed the connection during the handshake",
    "HANDSHAKE_FAILURE": "the peer shares no TLS version or cipher with us, "
    "or wants a client certificate",
    "PROTOCOL_VERSION": "the peer speaks no TLS version from 1.2 on",
    "UNSUPPORTED_PROTOCOL": "the peer speaks no TLS version from 1.2 on",
    "CERTIFICATE_REQUIRED": "the peer wants a client certificate; set tls_cert_file",
    "ALERT_UNKNOWN_CA": "the peer does not know who issued our certificate (tls_cert_file)",
    "ALERT_CERTIFICATE_EXPIRED": "the peer says that our certificate has expired (tls_cert_file)",
    "ALERT_CERTIFICATE_REVOKED": "the peer says that our certificate was revoked (tls_cert_file)",
    "ALERT_CERTIFICATE_UNKNOWN": "the peer refused our certificate (tls_cert_file)",
    "ALERT_BAD_CERTIFICATE": "the peer refused our certificate (tls_cert_file)",
    "ALERT_ACCESS_DENIED": "the peer refused our certificate (tls_cert_file)",
    "DECRYPT_ERROR": "the peer refused our certificate (tls_cert_file)",
    "UNRECOGNIZED_NAME": "the peer does not serve this name; set tls_server_name",
}


def explain(fault: BaseException, smsc: SmscSettings) -> str:
    """*fault* of a socket in one line for an operator."""
    where = f"{smsc.host}:{smsc.port}"
    match fault:
        case ssl.SSLCertVerificationError():
            # OpenSSL's own words: "certificate has expired", "Hostname mismatch, …"
            advice = ""
            if smsc.tls_strict and fault.verify_code in BREAKS_THE_LETTER:
                advice = "; if the carrier has no better certificate, set tls_strict = false"
            return f"TLS: {fault.verify_message.rstrip('.')}{advice}"
        case ssl.SSLError():
            reason = fault.reason or str(fault)
            for piece, words in TLS_FAULTS.items():
                if piece in reason:
                    return f"TLS: {words}"
            return f"TLS: {reason.lower().replace('_', ' ')}"
        case socket.gaierror():
            return f"host name {smsc.host} cannot be resolved ({fault.strerror})"
        case ConnectionRefusedError():
            return f"connection refused by {where}"
        case ConnectionResetError() | ConnectionAbortedError() | BrokenPipeError():
            return f"connection reset by {where}"
        case TimeoutError():
            return f"no answer from {where}: the line is dead"
        case OSError(errno=None):
            # The host has several addresses, and asyncio puts all that happened into one text.
            codes = dict.fromkeys(map(int, re.findall(r"\[Errno (\d+)\]", str(fault))))
            if len(codes) == 1:
                (code,) = codes
                return explain(OSError(code, os.strerror(code)), smsc)
            problems = "; ".join(map(os.strerror, codes)) or str(fault)
            return f"{where} cannot be reached: {problems}"
        case OSError():
            return f"{where} cannot be reached: {fault.strerror}"
    return f"{where} cannot be reached: {fault}"


def is_public(address: str) -> bool:
    """Whether *address* (an IP) is reached over the open internet."""
    with suppress(ValueError):
        return ip_address(address.partition("%")[0]).is_global
    return False
