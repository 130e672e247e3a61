"""An online shop's analytics department as one Dagster project."""

__version__ = "0.1.0"
