"""The data dictionary `docs/data-dictionary.md`, written from contracts and the metric catalogue.

`python -m ecom_assets.metrics.dictionary` writes it anew; a test says when it is stale. It stands here, and
not with the contracts, because contracts know nothing of metrics.
"""

from collections.abc import Iterable
from pathlib import Path

from ecom_assets.contracts import LAYERS, Column, Contract, dataset_contracts, table_contracts
from ecom_assets.metrics.catalogue import Metric, metrics

FILE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"

_HEADER = """# Data dictionary

Written by `python -m ecom_assets.metrics.dictionary` from `ecom_assets/contracts` and
`ecom_assets/metrics/catalogue.yaml`: change those, not this page.

Amounts are in the shop's currency with four decimal places, so that parts add up to wholes exactly; times are UTC,
dates are the shop's own days. What is unknown is empty, never zero.
"""


def data_dictionary() -> str:
    """The whole page as Markdown."""
    datasets, tables = dataset_contracts().values(), table_contracts().values()
    parts = [_HEADER, _contents(datasets, tables), "## Datasets\n", *map(_table, datasets)]
    for layer in LAYERS:
        title = "KPI" if layer == "kpi" else layer.capitalize()
        parts += [f"## {title} tables\n", *(_table(each) for each in tables if each.layer == layer)]
    parts += [_metrics(metrics().values())]
    return "\n".join(parts)


def _contents(datasets: Iterable[Contract], tables: Iterable[Contract]) -> str:
    named = [f"- [{c.asset}](#{_anchor(c)}): {c.grain}" for c in (*datasets, *tables)]
    return "\n".join([*named, "- [Metrics](#metrics)", ""])


def _anchor(contract: Contract) -> str:
    return contract.asset.replace("/", "")


def _table(contract: Contract) -> str:
    key = ", ".join(f"`{name}`" for name in contract.key)
    lines = [f"### {contract.asset}\n", f"{contract.grain} {contract.description}\n"]
    by_day = f" · one part a day by `{contract.partitioned_by}`" if contract.partitioned_by else ""
    restated = " · keeps restatements" if contract.tracks_restatements else ""
    lines.append(f"Key {key} · {contract.owner} · {contract.domain}{by_day}{restated}\n")
    lines += ["| column | type | unit | meaning |", "|---|---|---|---|"]
    lines += [_column(column) for column in contract.columns]
    if contract.reconciliations:
        lines += ["", *(f"- reconciled: {r.name.replace('_', ' ')}" for r in contract.reconciliations)]
    return "\n".join(lines) + "\n"


def _column(column: Column) -> str:
    meaning = column.description
    if column.values:
        meaning += f" One of {', '.join(column.values)}."
    if column.personal:
        meaning += f" Personal; published as {column.personal.replace('_', ' ')}."
    kind = column.type + (", required" if column.required else "")
    return _cells(f"`{column.name}`", kind, column.unit or "", meaning)


def _metrics(listed: Iterable[Metric]) -> str:
    lines = ["## Metrics\n", "Each is a row of `kpi.daily_metrics` a day, in all and by member of its dimensions.\n"]
    lines += ["| metric | unit | kind | good | split by | meaning |", "|---|---|---|---|---|---|"]
    for metric in listed:
        made = metric.numerator if metric.denominator is None else f"{metric.numerator} ÷ {metric.denominator}"
        meaning = f"{metric.description} `{made}`"
        split = ", ".join(metric.dimensions) or "nothing"
        lines.append(_cells(f"`{metric.name}`", metric.unit, metric.kind, metric.good, split, meaning))
    return "\n".join(lines) + "\n"


def _cells(*texts: str) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(data_dictionary(), encoding="utf-8")
