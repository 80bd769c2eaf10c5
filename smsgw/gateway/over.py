"""What stands over a gateway: verbs of commands and of the portal, each with the tools of now."""

from smsgw.gateway.gateway import Gateway
from smsgw.gateway.tools import Tools
from smsgw.store import Store


class OverGateway:
    """Its tools are looked for at each call: a gateway has others after it was given new rules."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @property
    def _tools(self) -> Tools:
        return self._gateway.tools

    @property
    def _store(self) -> Store:
        return self._gateway.tools.store
