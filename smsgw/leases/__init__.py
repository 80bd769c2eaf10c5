"""Which links run on this node, where several share one database: each on one node at a time.

    Tenure     a link's stay on this node, and whether anything may still be sent for it
    Watch      the rule: who may take what when; pure
    Keeper     renews, takes and gives back, in a thread with a session of its own

A lease is a row with an owner and two numbers. Nobody's clock is compared with another's: the owner
counts from the moment at which it *sent* the renewal that was confirmed last, and stops a tenth
before the end; whoever waits counts from the moment at which it has seen that renewal itself, and
takes after the whole. So there is silence between the last octet of one and the first of the next,
as long as their clocks run equally fast.
"""

from smsgw.leases.keeper import Keeper, Tenant
from smsgw.leases.tenure import JOBS, Tenure, boottime
from smsgw.leases.watch import Watch

__all__ = ["JOBS", "Keeper", "Tenant", "Tenure", "Watch", "boottime"]
