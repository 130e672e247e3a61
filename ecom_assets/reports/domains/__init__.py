"""The domains that can be analyzed, by the names that the command knows."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from ecom_assets.reports.analysis import Analysis, Reader, UnknownDomainError
from ecom_assets.reports.domains.carts import cart_abandonment
from ecom_assets.reports.domains.clicks import clickstream
from ecom_assets.reports.domains.opinions import feedback
from ecom_assets.reports.domains.pages import page_load_times
from ecom_assets.reports.domains.sales import orders
from ecom_assets.reports.domains.services import api_logs
from ecom_assets.reports.domains.tickets import support
from ecom_assets.reports.domains.visits import sessions

DOMAINS: dict[str, Callable[[Reader], Analysis]] = {
    "clickstream": clickstream,
    "cart-abandonment": cart_abandonment,
    "page-load-times": page_load_times,
    "api-logs": api_logs,
    "sessions": sessions,
    "feedback": feedback,
    "support": support,
    "orders": orders,
}


def analyze(connection: Any, domain: str) -> Analysis:
    """What the published tables of `domain` say.

    Args:
        connection: an open snapshot.
        domain: a key of `DOMAINS`.

    Raises:
        UnknownDomainError: naming the domains that there are.
        NothingToAnalyzeError: the snapshot has no rows of the domain.
    """
    if domain not in DOMAINS:
        near = get_close_matches(domain, DOMAINS, 1)
        hint = f"did you mean {near[0]}? All" if near else "there"
        raise UnknownDomainError(f"no domain {domain!r}; {hint} are {', '.join(DOMAINS)}")
    return DOMAINS[domain](Reader(connection))
