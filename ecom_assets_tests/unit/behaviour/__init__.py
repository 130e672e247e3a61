"""Behaviour, reliability and support: SQL against an independent computation in plain Python."""
