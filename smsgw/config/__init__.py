"""The configuration: a TOML file -> frozen settings.

file      finds and reads it; says everything that is wrong with it in one go
sections  every key, its default and meaning; [[smsc]] in `smsc`
checks    what a key accepts, and how it refuses
values    durations, places to listen, choices
"""

from smsgw.config.checks import credential
from smsgw.config.file import ConfigError, Fault, find, load, warnings
from smsgw.config.sections import (
    GatewaySettings,
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
    format_duration,
    parse_duration,
)

__all__ = [
    "BindType",
    "ConfigError",
    "Fault",
    "GatewaySettings",
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
    "credential",
    "find",
    "format_duration",
    "load",
    "parse_duration",
    "warnings",
]
