"""The `ecom` command: thin verbs over the folders below. What they do is decided there, not here."""

from ecom_assets.cli.entry import main

__all__ = ["main"]
