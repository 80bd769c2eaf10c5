"""The configuration: a TOML file -> frozen settings.

file      finds and reads it; says everything that is wrong with it in one go
sections  every key, its default and meaning; [[smsc]] in `smsc`
checks    what a key accepts, and how it refuses
values    durations, places to listen, pages to ask for, choices
"""

from smsgw.config.file import ConfigError, Fault, find, load, warnings
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
from smsgw.config.smsc import SmscSettings, credential
from smsgw.config.values import (
    BindType,
    Listen,
    LogFormat,
    LogLevel,
    SourceNumbers,
    Url,
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
    "RegistrationSettings",
    "RetentionSettings",
    "Settings",
    "SmscSettings",
    "SourceNumbers",
    "Url",
    "credential",
    "find",
    "format_duration",
    "load",
    "parse_duration",
    "warnings",
]
