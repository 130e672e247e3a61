"""What to expect next, and how wrong that may be. Pure: frames and arrays in, frames and arrays out.

Not here: which metrics are forecast (the catalogue says), tables, files, clocks.
"""

FULL_ORIGINS = 12
"""Origins of a full back-test."""
