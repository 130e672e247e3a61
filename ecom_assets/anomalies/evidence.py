"""What files, checks and other metrics say about an event: the evidence that `verdict` weighs. Reads no lineage itself.

The caller gathers one frame from lineage, one row a business date and dataset; here it is compared with its own
past and laid beside the event's days. All expectations rest on the days before the event.
"""

import numpy as np
import pandas as pd

LINEAGE_COLUMNS = {
    # column: what it says of a dataset's business date, as known when the day was judged
    "business_date": "day, without zone",
    "dataset": "name of the dataset, such as 'orders'",
    "is_missing": "no rows of the day had come yet (bool)",
    "is_late": "its file came after the day was first judged (bool)",
    "rows": "rows used (number)",
    "repeated_rows": "rows used that repeat another row of the day in all columns but its key's last (number)",
    "quarantined_rows": "rows in quarantine (number)",
    "failed_checks": "checks of the day that failed, of any severity but volume's (number)",
    "missing_checks": "checks of the day that did not run (number)",
    "last_event_hour": "shop-local hour, 0 to 24, of the last row's business time; null for daily sums",
}
"""The lineage frame, one row a business date and dataset, every day from the first on, days without a file too.

Only business_date and dataset are required; a missing column or value is no evidence.
"""

SOURCES_OF = {
    "orders": ("orders", "order_items"), "ordered_amount": ("orders", "order_items"),
    "net_amount": ("orders", "order_items", "refunds"), "margin_amount": ("orders", "order_items", "refunds"),
    "average_order_value": ("orders", "order_items"), "new_customers": ("orders", "order_items"),
    "refund_amount": ("refunds",), "refund_rate": ("refunds", "orders", "order_items"),
    "sessions": ("website_traffic", "session_tracking"), "conversion_rate": ("orders", "website_traffic"),
    "tracking_coverage_rate": ("orders", "session_tracking"), "spend_amount": ("marketing_spend",),
    "return_on_ad_spend": ("orders", "order_items", "marketing_spend"),
}  # fmt: skip
"""Datasets that a metric is made of; metrics that are not named are of the session-level datasets."""
