"""What a domain's tables say, in words, tables and charts. Reads the published snapshot; computes no KPI.

Every number is one of a KPI or profile table, or a sum of such numbers; nothing here knows how they are made.
"""

from ecom_assets.reports.analysis import Analysis, Chart, NothingToAnalyzeError, Table, UnknownDomainError
from ecom_assets.reports.charts import write_charts
from ecom_assets.reports.domains import DOMAINS, analyze

__all__ = [
    "DOMAINS",
    "Analysis",
    "Chart",
    "NothingToAnalyzeError",
    "Table",
    "UnknownDomainError",
    "analyze",
    "write_charts",
]
