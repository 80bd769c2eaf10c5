"""The wire: PDUs, sessions, alphabets, receipts. Octets and a time in, events and octets out."""
