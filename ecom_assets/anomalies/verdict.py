"""Planned, business change or data fault: one verdict an event, from the evidence about it. Reads no lineage itself.

The evidence is a frame that the caller gathers from lineage, files and metrics. Each piece that points to a fault
has a weight; a fault is what reaches the bar. The weights are set by hand from what each piece means, not fitted:
a failed check on the event's own tables proves more than a file that came late.
"""

import numpy as np
import pandas as pd

from ecom_assets.anomalies.prices import changed_prices

PLANNED, BUSINESS, FAULT = "planned", "business change", "data fault"
EVIDENCE = {
    # column: (neutral value, how far from neutral is full proof, weight, what is said)
    "failed_checks": (0.0, 1.0, 1.0, "{:.0f} failed checks on the tables it is made of"),
    "missing_days": (0.0, 1.0, 1.0, "{:.0f} days without delivery"),
    "late_files": (0.0, 1.0, 0.6, "{:.0f} files that came late"),
    "missing_checks": (0.0, 2.0, 0.3, "{:.0f} checks that did not run"),
    "duplicate_rate": (0.0, 0.05, 1.0, "{:.0%} of the rows delivered twice"),
    "quarantined_rate": (0.0, 0.10, 0.8, "{:.1%} of the rows in quarantine, beyond the usual share"),
    "last_hours_missing": (0.0, 2.5, 1.0, "{:.1f} hours without rows at the end of a file"),
}
VOLUME_BAR = 0.25
TRACKING_BAR, TRACKING_SIGMAS = 0.15, 6.0
FAULT_BAR = 0.6
WORTH_A_WORD = 0.1
"""Below it a doubt counts and is not told: a file that ends eight minutes early is no reason for anything."""


def verdicts(evidence: pd.DataFrame) -> pd.DataFrame:
    """The verdict on each event and why.

    Args:
        evidence: one row an event; only event_id is required, a missing column or value is no evidence:
            is_planned (bool), failed_checks, missing_days, late_files, missing_checks (counts),
            duplicate_rate, quarantined_rate (shares, beyond the usual), last_hours_missing (hours),
            volume_change_rate (rows of the source ÷ expected − 1), other_volume_change_rate (the same of the
            sources that would move along if customers had changed their mind), tracking_change_rate (tracked web
            orders ÷ web orders, against its own usual, − 1), tracking_zscore (the same in sigmas of its own) and
            tracking_member (of which channel, device or country; empty of all),
            amount_per_row_change_rate (currency mix-ups), and where prices moved, `prices.EVIDENCE_COLUMNS`.

    Returns:
        event_id, verdict (planned, business change, data fault), fault_score (0 … 1), reasons (joined by "; ").
    """
    rows = [_verdict(row) for row in evidence.to_dict("records")]
    return pd.DataFrame(rows, columns=["event_id", "verdict", "fault_score", "reasons"])


def _verdict(row: dict) -> dict:
    doubts, reasons = [0.0], []
    for column, (neutral, full, weight, words) in EVIDENCE.items():
        value = _number(row.get(column))
        share = float(np.clip((value - neutral) / full, 0, 1)) if np.isfinite(value) else 0.0
        if share > 0:
            doubts.append(weight * share)
            if weight * share >= WORTH_A_WORD:
                reasons.append(words.format(value))
    for doubt, words in (_one_sided_volume(row), _lost_tracking(row), _foreign_amounts(row)):
        if doubt > 0:
            doubts.append(doubt)
            reasons.append(words)
    doubt, words = changed_prices(row)
    if words:  # prices that someone set are told too, and are no fault
        doubts.append(doubt)
        reasons.append(words)
    # Independent pieces of evidence: what remains unproven shrinks with each.
    fault = 1 - float(np.prod([1 - min(doubt, 0.99) for doubt in doubts]))
    is_planned = bool(row.get("is_planned") in (True, np.True_))
    verdict = FAULT if fault >= FAULT_BAR else PLANNED if is_planned else BUSINESS
    if is_planned:
        reasons.append("a campaign or holiday was planned")
    said = "; ".join(reasons) if reasons else "no sign of a fault in files, checks or tracking"
    return {"event_id": row["event_id"], "verdict": verdict, "fault_score": round(fault, 3), "reasons": said}


def _one_sided_volume(row: dict) -> tuple[float, str]:
    """Rows of one source moved and those that follow from the same customers did not."""
    own, other = _number(row.get("volume_change_rate")), _number(row.get("other_volume_change_rate"))
    if not (np.isfinite(own) and np.isfinite(other)) or abs(own) < VOLUME_BAR:
        return 0.0, ""
    gap = abs(own - other)
    words = f"rows of its source moved by {own:+.0%}, those of its neighbours by {other:+.0%}"
    return float(np.clip((gap - VOLUME_BAR / 2) / VOLUME_BAR, 0, 0.8)), words


def _lost_tracking(row: dict) -> tuple[float, str]:
    """Orders kept coming while their sessions were no longer seen: by much, or by far more than chance.

    Customers cannot lower the share of orders that name their session, so its size proves no more than its certainty.
    """
    change, zscore = _number(row.get("tracking_change_rate")), _number(row.get("tracking_zscore"))
    is_large, is_sure = change <= -TRACKING_BAR / 2, zscore <= -TRACKING_SIGMAS / 2
    if not (np.isfinite(change) and (is_large or is_sure)):
        return 0.0, ""
    by_size, by_chance = np.clip([-change / TRACKING_BAR, -zscore / TRACKING_SIGMAS], 0, 1)
    member = row.get("tracking_member")
    of_which = f" of {member}" if isinstance(member, str) and member else ""  # it moved further than the whole
    words = f"tracked share of web orders{of_which} moved by {change:+.0%}"
    return float(np.nanmax([by_size * is_large, by_chance * is_sure])), words


def _foreign_amounts(row: dict) -> tuple[float, str]:
    """Amounts a row jumped to another level at once while the number of rows did not move: a unit was changed."""
    amount, own = _number(row.get("amount_per_row_change_rate")), _number(row.get("volume_change_rate"))
    if not np.isfinite(amount) or abs(amount) < 0.5 or abs(np.nan_to_num(own)) > VOLUME_BAR:
        return 0.0, ""
    return 0.7, f"amount per row moved by {amount:+.0%} with the rows where they were"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float | np.number) else float("nan")
