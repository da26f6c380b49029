"""Flags that every command understands, and how a command gets its settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from earmark.settings import Settings, read_settings


@dataclass(frozen=True, slots=True)
class GlobalFlags:
    home: Path | None = None


def settings_of(context: typer.Context, **flags: Any) -> Settings:
    """The settings of this command line: its flags first. Raises SettingsError."""
    everywhere: GlobalFlags = context.obj
    return read_settings({"home": everywhere.home, **flags})
