"""The configuration: a TOML file -> frozen settings.

file      finds and reads it; says everything that is wrong with it in one go
sections  every key, its default and meaning; [[smsc]] in `smsc`, [portal] in `portal`
checks    what a key accepts, and how it refuses
credentials  secrets that systemd passes to the service
common    what several machines have in common, as one number
changes   what is new in a configuration, and what of it needs a restart
values    durations, places to listen, pages to ask for, choices
"""

from smsgw.config.changes import changes, need_restart
from smsgw.config.common import common_digest
from smsgw.config.credentials import credential, credential_of_unit
from smsgw.config.file import (
    ConfigError,
    Fault,
    Portal,
    Whereabouts,
    find,
    load,
    warnings,
    whereabouts,
)
from smsgw.config.portal import Network, PortalSettings
from smsgw.config.sections import (
    GatewaySettings,
    HeartbeatSettings,
    LimitsSettings,
    LogSettings,
    MessagesSettings,
    MetricsSettings,
    RegistrationSettings,
    RetentionSettings,
    Settings,
)
from smsgw.config.smsc import SmscSettings
from smsgw.config.values import (
    BindType,
    Listen,
    LogFormat,
    LogLevel,
    SourceNumbers,
    Url,
    WithoutStandby,
    format_duration,
    parse_duration,
)

__all__ = [
    "BindType",
    "ConfigError",
    "Fault",
    "GatewaySettings",
    "HeartbeatSettings",
    "LimitsSettings",
    "Listen",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "MessagesSettings",
    "MetricsSettings",
    "Network",
    "Portal",
    "PortalSettings",
    "RegistrationSettings",
    "RetentionSettings",
    "Settings",
    "SmscSettings",
    "SourceNumbers",
    "Url",
    "Whereabouts",
    "WithoutStandby",
    "changes",
    "common_digest",
    "credential",
    "credential_of_unit",
    "find",
    "format_duration",
    "load",
    "need_restart",
    "parse_duration",
    "warnings",
    "whereabouts",
]
