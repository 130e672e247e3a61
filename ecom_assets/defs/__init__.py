"""Dagster objects only, found by `load_from_defs_folder`; areas name each other by asset key alone."""
