"""Analyses of the domains."""
