"""The data dictionary is what contracts and catalogue say now."""

from ecom_assets.contracts import dataset_contracts, table_contracts
from ecom_assets.metrics import metrics
from ecom_assets.metrics.dictionary import FILE, data_dictionary


def test_the_page_in_docs_is_fresh() -> None:
    assert FILE.read_text(encoding="utf-8") == data_dictionary(), (
        "docs/data-dictionary.md is stale; run python -m ecom_assets.metrics.dictionary"
    )


def test_every_table_column_and_metric_is_on_it() -> None:
    page = data_dictionary()
    for contract in (*dataset_contracts().values(), *table_contracts().values()):
        section = page.split(f"### {contract.asset}\n")[1].split("\n##")[0]
        assert contract.grain in section
        for column in contract.columns:
            assert f"| `{column.name}` |" in section
            assert column.description in section
    for name, metric in metrics().items():
        assert f"| `{name}` | {metric.unit} |" in page
