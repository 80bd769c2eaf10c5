"""What the portal counts, for Prometheus (`portal.metrics`)."""

from collections import Counter
from collections.abc import Iterable

from smsgw import clock
from smsgw.health import Kind, Problem, Report
from smsgw.metrics import MetricsServer, Sample
from smsgw.portal.portal import Portal
from smsgw.store import Unavailable


class Figures:
    """
    Args:
        answers: how many requests were answered, by status.
    """

    def __init__(self, portal: Portal, answers: Counter[int]) -> None:
        self._portal = portal
        self._answers = answers

    def server(self) -> MetricsServer:
        """Answers `/metrics` and `/healthz` until closed."""
        return MetricsServer(self.samples, self.report)

    async def samples(self) -> Iterable[Sample]:
        portal, found = self._portal, []
        for outcome, count in sorted(portal.verdicts.items()):
            found.append(
                Sample(
                    "smsgw_portal_tries_total",
                    "passwords that were tried, by what became of the try",
                    count,
                    {"outcome": outcome},
                )
            )
        for status, count in sorted(self._answers.items()):
            found.append(
                Sample(
                    "smsgw_portal_answers_total",
                    "requests that were answered, by status",
                    count,
                    {"status": str(status)},
                )
            )
        hashers = portal.hashers
        found += [
            Sample("smsgw_portal_hash_queue", "tries that have a hasher or wait", hashers.taken),
            Sample("smsgw_portal_hash_places", "tries that may have or wait", hashers.most),
        ]
        return found

    async def report(self) -> Report:
        try:
            await check(self._portal)
        except Unavailable as fault:
            return Report(serves=False, problems=[Problem(Kind.STORE, fault.problem)])
        return Report(serves=True, problems=[])


async def check(portal: Portal) -> None:
    """Whether both files answer.

    Raises:
        Unavailable: one does not.
    """
    await portal.ask(portal.citizens.proof, "", clock.now())
    await portal.shortly(portal.short.check)
