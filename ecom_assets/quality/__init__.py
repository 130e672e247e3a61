"""Whether a staged table may be shown: checks made from its contract, a one-pass profile in SQL, verdicts.

A check is a fact that holds when it passes. The profile measures every fact in SQL, one row a day, so that
two years cost milliseconds and a verdict names its day; Great Expectations judges the profile. Nothing is
written here, and Great Expectations is imported only when something is judged.
"""

from ecom_assets.quality.checks import SCHEMA_CHECK, Check, checks
from ecom_assets.quality.hashing import content_hash_sql
from ecom_assets.quality.judge import Verdict, judge
from ecom_assets.quality.profile import profile_sql

__all__ = [
    "SCHEMA_CHECK",
    "Check",
    "Verdict",
    "checks",
    "content_hash_sql",
    "judge",
    "profile_sql",
]
