"""What to ask the carrier about a step that failed, or to look at here. Pure.

The reasons are those of `connect`, of the session and of the SMSC; a question is found by a piece
of the reason, as the reasons of TLS are.
"""

from collections.abc import Mapping

from smsgw.smpp.statuses import Status

_WHO = "Which system_id and which password (up to 8 characters) are ours"
_HERE = "Nothing to ask the carrier"

#: By the status with which a bind was refused.
OF_BINDS: Mapping[int, str] = {
    Status.RINVPASWD: f"{_WHO}? Is the account open? Letter case counts, and a blank at the end.",
    Status.RINVSYSID: f"{_WHO}? Is the account on this SMSC, and not on another one of yours?",
    Status.RBINDFAIL: f"{_WHO}, from which of our addresses may we bind, and as transceiver or as "
    "receiver and transmitter?",
    Status.RALYBND: "Which session of ours do you see, from which address and since when? Please "
    "end it. How many binds may this account have?",
    Status.RINVBNDSTS: "May this account bind as transceiver, or as receiver and transmitter (our "
    "key bind)?",
    Status.RINVCMDID: "Do you speak SMPP 3.4 and bind_transceiver? If not, we bind as "
    "receiver+transmitter (our key bind).",
    Status.RINVSYSTYP: "Which system_type do you want (our key system_type)?",
    Status.RSYSERR: "Your SMSC answers our bind with a system error: what does its log say?",
    Status.RTHROTTLED: "How many binds may we try in a minute?",
}

#: By step and a piece of the reason; the first that fits. "" fits any.
OF_REASONS: tuple[tuple[str, str, str], ...] = (
    ("resolve", "name servers", f"{_HERE} yet: our name servers are silent. Or: what is the IP "
     "address of your SMSC (our key host)?"),
    ("resolve", "", "What is the name or IP address of your SMSC (our key host)?"),
    ("connect", "refused", "Is SMPP open on this address and port (our keys host, port)? Is our "
     "address let in by your firewall? Which address of ours do you expect?"),
    ("connect", "no answer", "Is our address let in by your firewall, and does the VPN stand? "
     "Which address of ours do you expect, on which port?"),
    ("connect", "line is dead", "Is our address let in by your firewall, and does the VPN stand?"),
    ("connect", "", "By which way do we reach you: internet or VPN? Which networks must we route?"),
    ("tls", "not speak TLS", "Is this the port for TLS, or which is (our keys port, tls)?"),
    ("tls", "broke off", "Is this the port for TLS, or which is (our keys port, tls)?"),
    ("tls", "during the handshake", "Is this the port for TLS? Do you want a client certificate?"),
    ("tls", "ostname mismatch", "Which name stands in your certificate (our key tls_server_name)?"),
    ("tls", "IP address mismatch", "Which name stands in your certificate (our key "
     "tls_server_name)?"),
    ("tls", "expired", "Your certificate has run out: when do you renew it?"),
    ("tls", "not yet valid", "Your certificate is not valid yet, or our clock is wrong."),
    ("tls", "tls_strict", "Your certificate breaks RFC 5280: is there a better one?"),
    ("tls", "self-signed", "Which authority signs your certificate? Please send its certificate "
     "(our key tls_ca_file)."),
    ("tls", "local issuer", "Which authority signs your certificate? Please send its certificate, "
     "and have your server send the ones between (our key tls_ca_file)."),
    ("tls", "certificate", "Which certificate of ours do you accept, and who has to sign it (our "
     "keys tls_cert_file, tls_key_file)?"),
    ("tls", "tls_", f"{_HERE}: look at the file."),
    ("tls", "no answer", "Is this the port for TLS, or which is (our keys port, tls)?"),
    ("tls", "", "Which TLS versions and ciphers do you take?"),
    ("bind", "not SMPP", "Is this the port for SMPP? With TLS, or without (our keys port, tls)?"),
    ("bind", "no answer to the bind", "We are connected, and our bind is not answered: what does "
     "your log say? Is the account set up on this node? With TLS, or without?"),
    ("bind", "certificate", "Do you take our certificate (our keys tls_cert_file, tls_key_file)?"),
    ("bind", "before it answered", "You close the connection before you answer our bind: from "
     "which of our addresses may we bind? How many connections may we have?"),
    ("bind", "reset", "You close the connection before you answer our bind: from which of our "
     "addresses may we bind? With TLS, or without?"),
    ("bind", "", "What does your log say of our bind?"),
    ("enquire_link", "", "We are bound, and our enquire_link is not answered: what does your log "
     "say? After which silence do you end a session?"),
    ("send", "our short code", "May this account send from our short code, and with which TON and "
     "NPI (our keys source_ton, source_npi)?"),
    ("send", "ESME_RINVSRC", "May this account send from our short code, and with which TON and "
     "NPI (our keys source_ton, source_npi)?"),
    ("send", "ESME_RINVDST", "How do you want numbers of phones: 84905123456 with TON 1, NPI 1?"),
    ("send", "ESME_RINVEXPIRY", "Do you want a validity_period (our key validity_period)?"),
    ("send", "ESME_RTHROTTLED", "How many texts may we send a second (our key max_per_second)?"),
    ("send", "", "We sent one text, and this became of it: what does your log say? Has the account "
     "credit and a route to this network?"),
    ("receipt", "no receipt", "You took our text and sent no receipt: is the phone on? Do you send "
     "delivery receipts (our key receipts), and by which of our sessions?"),
    ("receipt", "", "Your receipt says that the text did not arrive: why, by its error code?"),
)  # fmt: skip


def question(step: str, reason: str, status: int | None = None) -> str | None:
    """What to ask about *step*, which failed for *reason*; None: nothing comes to mind.

    Args:
        status: with which a bind was refused.
    """
    if status is not None:
        return OF_BINDS.get(status, "What does your log say of our bind? What does this code mean?")
    found = (asks for at, piece, asks in OF_REASONS if at == step and piece in reason)
    return next(found, None)
