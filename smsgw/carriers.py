"""Which carrier a link belongs to: links of one carrier stand in for one another.

Pure: it is given today's configuration, and what the store remembers of links that are gone.
"""

from collections.abc import Mapping


class Carriers:
    """The carrier of each link, also of one that is no longer configured."""

    def __init__(self, configured: Mapping[str, str], remembered: Mapping[str, str]) -> None:
        """
        Args:
            configured: each link of today's configuration with its carrier, in its order.
            remembered: the carrier last known of links that may be gone.
        """
        self._configured = dict(configured)
        self._remembered = {**remembered, **configured}
        carriers = set(configured.values())
        self._everybodys = carriers.pop() if len(carriers) == 1 else None

    def of(self, link: str) -> str:
        """The carrier of *link*; where one carrier alone is configured, it is everybody's."""
        return self._everybodys or self._remembered.get(link, link)

    def links(self, carrier: str) -> tuple[str, ...]:
        """The configured links of *carrier*, in the order of the configuration."""
        return tuple(link for link, its in self._configured.items() if its == carrier)

    def way(self, link: str) -> str:
        """*link*, or where it is no longer configured another of its carrier.

        If there is none either, what it should carry waits under its name.
        """
        if link in self._configured:
            return link
        return next(iter(self.links(self.of(link))), link)

    def links_ever(self, carrier: str) -> tuple[str, ...]:
        """Those, and then the links of *carrier* that are gone."""
        gone = [
            link
            for link in self._remembered
            if link not in self._configured and self.of(link) == carrier
        ]
        return (*self.links(carrier), *gone)
