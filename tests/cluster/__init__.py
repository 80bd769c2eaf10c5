"""A small data centre on one machine, for `make cluster`: hosts, a switch, Patroni."""
