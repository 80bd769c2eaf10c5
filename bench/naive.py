"""The gateway that most people would write on smpplib, as a yardstick: `python -m bench.naive`.

One thread and smpplib's blocking client: parse, INSERT, COMMIT with synchronous=FULL, reply; with
`--hash` the password is hashed with argon2id before it is stored. It has no outbox, no windows, no
retransmissions, no Unicode and no states: what the gateway does beyond this is not compared.
"""

import argparse
import logging
import re
import secrets
import sqlite3
from datetime import date
from typing import Any

import smpplib.client
import smpplib.consts

from smsgw.passwords import ALPHABET, hash_password

REGISTERED = (
    "TK: {0}, MK: {1} la tai khoan su dung HT Chinh quyen dien tu. De nghi anh chi doi mat khau "
    "trong vong 03 ngay de bao mat. Cam on!"
)
SYNTAX = (
    "Loi. Tin nhan sai cu phap. Cu phap dung la: TK,Ho va ten,soCMND,nn.tt.nnnn "
    "(ngay thang nam sinh)"
)
KNOWN = "So CMND da duoc su dung de dang ky tai khoan tren he thong Chinh quyen dien tu"
FORM = re.compile(r"(?i)tk[,;]([a-z' -]{2,100})[,;](\d{9}|\d{12})[,;](\d\d?)[./](\d\d?)[./](\d{4})")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.naive")
    parser.add_argument("port", type=int)
    parser.add_argument("database")
    parser.add_argument("--hash", action="store_true")
    options = parser.parse_args()
    logging.getLogger("smpplib").setLevel(logging.WARNING)
    db = sqlite3.connect(options.database)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(
        "CREATE TABLE IF NOT EXISTS accounts (phone TEXT UNIQUE, cmnd TEXT UNIQUE, name TEXT,"
        " birth_date TEXT, password TEXT)"
    )
    client = smpplib.client.Client("127.0.0.1", options.port)

    def on_mo(pdu: Any) -> None:
        client.send_message(
            source_addr_ton=3,
            source_addr="8188",
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=pdu.source_addr.decode(),
            short_message=answer(pdu.source_addr.decode(), pdu.short_message.decode()).encode(),
        )

    def answer(phone: str, text: str) -> str:
        found = FORM.fullmatch(text.strip())
        if not found:
            return SYNTAX
        name, cmnd, day, month, year = found.groups()
        try:
            born = date(int(year), int(month), int(day))
        except ValueError:
            return SYNTAX
        password = "".join(secrets.choice(ALPHABET) for _ in range(8))
        stored = hash_password(password) if options.hash else password
        try:
            with db:
                row = (phone, cmnd, name, born.isoformat(), stored)
                db.execute("INSERT INTO accounts VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            return KNOWN
        return REGISTERED.format(cmnd, password)

    client.set_message_received_handler(on_mo)
    client.set_message_sent_handler(lambda pdu: None)
    client.connect()
    client.bind_transceiver(system_id="bench", password="bench")  # noqa: S106
    client.listen()


if __name__ == "__main__":
    main()
