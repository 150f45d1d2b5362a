"""config: the settings of an installation. The only reader of TOML and of the environment.

settings.py   every table and key, with its default; a channel's own keys stand in its adapter
file.py       reads the file, the environment and the secrets in files of their own
faults.py     what is wrong, in lines that name file, variable and key
sample.py     config.example.toml
"""

from digest.config.file import find_file, load
from digest.config.settings import (
    Collect,
    Database,
    Dkim,
    Domain,
    Images,
    Log,
    Mail,
    Scheduler,
    Sending,
    Settings,
    Templates,
    Web,
    strong_key,
)

__all__ = [
    "Collect",
    "Database",
    "Dkim",
    "Domain",
    "Images",
    "Log",
    "Mail",
    "Scheduler",
    "Sending",
    "Settings",
    "Templates",
    "Web",
    "find_file",
    "load",
    "strong_key",
]
