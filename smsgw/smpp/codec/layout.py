"""The mandatory fields of each operation, in their order.

Source: SMPP v3.4 §4.
"""

from collections.abc import Sequence

from smsgw.smpp.statuses import Status

# Name, octets with the NUL (0: one integer octet), status for the sender.
Field = tuple[str, int, int]
_ADDRESSES: Sequence[Field] = (
    ("service_type", 6, Status.RINVSERTYP),
    ("source_addr_ton", 0, Status.RINVSRCTON),
    ("source_addr_npi", 0, Status.RINVSRCNPI),
    ("source_addr", 21, Status.RINVSRCADR),
    ("dest_addr_ton", 0, Status.RINVDSTTON),
    ("dest_addr_npi", 0, Status.RINVDSTNPI),
    ("destination_addr", 21, Status.RINVDSTADR),
    ("esm_class", 0, Status.RINVESMCLASS),
)
MESSAGE: Sequence[Field] = (
    *_ADDRESSES,
    ("protocol_id", 0, Status.RINVMSGLEN),
    ("priority_flag", 0, Status.RINVPRTFLG),
    ("schedule_delivery_time", 17, Status.RINVSCHED),
    ("validity_period", 17, Status.RINVEXPIRY),
    ("registered_delivery", 0, Status.RINVREGDLVFLG),
    ("replace_if_present_flag", 0, Status.RINVREPFLAG),
    ("data_coding", 0, Status.RINVMSGLEN),
    ("sm_default_msg_id", 0, Status.RINVDFTMSGID),
    ("sm_length", 0, Status.RINVMSGLEN),
)
DATA: Sequence[Field] = (
    *((name, 65 if octets == 21 else octets, status) for name, octets, status in _ADDRESSES),
    ("registered_delivery", 0, Status.RINVREGDLVFLG),
    ("data_coding", 0, Status.RINVMSGLEN),
)
BIND: Sequence[Field] = (
    ("system_id", 16, Status.RINVSYSID),
    ("password", 9, Status.RINVPASWD),
    ("system_type", 13, Status.RINVSYSTYP),
    ("interface_version", 0, Status.RSYSERR),
    ("addr_ton", 0, Status.RSYSERR),
    ("addr_npi", 0, Status.RSYSERR),
    ("address_range", 41, Status.RSYSERR),
)
MESSAGE_ID: Sequence[Field] = (("message_id", 65, Status.RINVMSGID),)
SYSTEM_ID: Sequence[Field] = (("system_id", 16, Status.RINVSYSID),)
