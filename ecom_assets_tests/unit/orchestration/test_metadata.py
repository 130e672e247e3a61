"""What Dagster's pages show of values from files."""

from ecom_assets.orchestration.metadata import markdown_table


def test_values_are_no_markdown():
    names, rows = ["day", "a|b"], [("2026-03-01", "x | y\n<img src=x> [a](http://b)"), (None, 5)]
    assert markdown_table(names, rows).splitlines() == [
        r"| day | a\|b |",
        "| --- | --- |",
        r"| 2026-03-01 | x \| y\\n&lt;img src=x&gt; \[a\](http\://b) |",
        "|  | 5 |",
    ]
