"""Local time to UTC and back as SQL expressions, from the system's time zone rules. Parses no text.

The expressions are nested CASEs over the zone's offset changes: DuckDB's own `AT TIME ZONE` costs about
half a microsecond a row and takes the *second* of two equal local times in autumn, where the project's
contract says the first. They hold four years before and twelve after the year that the caller names; rows
outside, which are few (a sign-up long ago), go to the engine's.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

YEARS_BEFORE, YEARS_AFTER = 4, 12


@cache
def offset_changes(zone: str, around: int) -> tuple[int, tuple[tuple[datetime, int, int], ...]]:
    """The zone's first offset in seconds, then every change as (UTC moment, offset before, offset after)."""
    rules = ZoneInfo(zone)

    def offset(moment: datetime) -> int:
        return int((moment.astimezone(rules).utcoffset() or timedelta()).total_seconds())

    changes = []
    day, last = (datetime(around + years, 1, 1, tzinfo=UTC) for years in (-YEARS_BEFORE, YEARS_AFTER))
    before = first = offset(day)
    while day < last:
        next_day = day + timedelta(days=1)
        after = offset(next_day)
        if after != before:
            low, high = day, next_day
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            changes.append((high.replace(tzinfo=None), before, after))
        day, before = next_day, after
    return first, tuple(changes)


def utc_from_local_sql(moment: str, zone: str, around: int) -> str:
    """UTC of the naive local TIMESTAMP `moment`: in a spring gap moved forward, in an autumn fold the first.

    Args:
        moment: a column name, as it is repeated.
        zone: IANA name.
        around: a year of the rows.
    """
    first, changes = offset_changes(zone, around)
    # From the later of the two wall clocks at the change on, the new offset holds: before it, a local time is
    # in the gap (old offset, which moves it forward) or in the fold (old offset, which makes it the first).
    steps = [(when + timedelta(seconds=max(before, after)), after) for when, before, after in changes]
    return _shifted(moment, "-", first, steps, f"timezone('UTC', timezone('{zone}', {moment}))", around)


def local_from_utc_sql(moment: str, zone: str, around: int) -> str:
    """Local time of the naive UTC TIMESTAMP `moment`; the arguments are those of `utc_from_local_sql`."""
    first, changes = offset_changes(zone, around)
    steps = [(when, after) for when, _, after in changes]
    return _shifted(moment, "+", first, steps, f"timezone('{zone}', timezone('UTC', {moment}))", around)


def _shifted(moment: str, sign: str, first: int, steps: list[tuple[datetime, int]], outside: str, around: int) -> str:
    if zone_is_utc(first, steps):
        return moment
    inside = f"BETWEEN TIMESTAMP '{around - YEARS_BEFORE}-01-02' AND TIMESTAMP '{around + YEARS_AFTER - 1}-12-30'"
    offset = _search(moment, first, steps)
    return f"CASE WHEN {moment} {inside} THEN {moment} {sign} {offset} ELSE {outside} END"


def zone_is_utc(first: int, steps: list[tuple[datetime, int]]) -> bool:
    """Whether local time is UTC all along."""
    return first == 0 and not steps


def _search(moment: str, first: int, steps: list[tuple[datetime, int]]) -> str:
    """A balanced tree of comparisons, so that a row costs log2(changes) of them."""
    if not steps:
        return f"INTERVAL '{first} seconds'"
    middle = len(steps) // 2
    when, after = steps[middle]
    lower = _search(moment, first, steps[:middle])
    upper = _search(moment, after, steps[middle + 1 :])
    return f"CASE WHEN {moment} < TIMESTAMP '{when}' THEN {lower} ELSE {upper} END"
