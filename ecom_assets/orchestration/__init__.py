"""The glue between Dagster and the folders that know nothing of it: shop context, asset wrapper, runs, event log."""
