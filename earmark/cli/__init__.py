"""The command line. Each file beside this holds the commands of one subject; `earmark.build` makes what they use."""

from earmark.cli.application import app

__all__ = ["app"]
