"""Text from outside shows itself, on a terminal, in Markdown, in a spreadsheet and in a chart."""

import pytest

from ecom_assets.guard.texts import chart_literal, json_visible, markdown_literal, spreadsheet_safe, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße 中文 👨‍👩‍👧 [b]", "Grüße 中文 👨‍👩‍👧 [b]"),
        ("\x1b[2J\x07\r\t\x7f\x9b", r"\x1b[2J\x07\r\t\x7f\x9b"),
        ("a\u202eb\u2066c\u200b\ufeff", r"a\u202eb\u2066c\u200b\ufeff"),
        ("one\ntwo", r"one\ntwo"),
        ("half \ud800", r"half \ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, shown):
    assert visible(text) == shown
    visible(text).encode()


def test_lines_may_stay_lines():
    assert visible("one\ntwo\r", lines=True) == "one\ntwo\\r"


def test_markdown_shows_signs_as_they_are():
    said = "a|b [x](http://e.x) <b>&amp; `c` *d* _e_ # ~f~ ![i](j) $k$ www.l.m n@o.p\nq"
    assert markdown_literal(said) == (
        r"a\|b \[x\](http\://e.x) &lt;b&gt;&amp;amp; \`c\` \*d\* \_e\_ \# \~f\~ \!\[i\](j) \$k\$ www\.l.m n\@o.p\\nq"
    )


def test_a_formula_becomes_text():
    assert [spreadsheet_safe(text) for text in ("=1", "+1", "-1", "@a", "\t=1", "\r=1", "1-1", "", "a@b")] == [
        "'=1", "'+1", "'-1", "'@a", "'\t=1", "'\r=1", "1-1", "", "a@b",
    ]  # fmt: skip


def test_json_says_the_same():
    import json

    text = json.dumps(["\x1b\x9b\u202e\U000e0041 ä"], ensure_ascii=False)
    assert json.loads(json_visible(text)) == json.loads(text)
    assert json_visible(text) == '["\\u001b\\u009b\\u202e\\udb40\\udc41 ä"]'


def test_a_product_of_dollars_is_no_formula(tmp_path):
    """`$x^$` stopped a whole analysis: matplotlib sets what stands between two dollars."""
    from ecom_assets.reports.analysis import Analysis, Chart
    from ecom_assets.reports.charts import write_charts

    names = ("$x^$", "a\x1bb", "[/x]")
    charts = tuple(
        Chart(kind, "Most sold", kind, names, {"units": (3.0, 2.0, 1.0)}, "units") for kind in ("bar", "columns")
    )
    written = write_charts(Analysis("sales", "Sales", (), (), charts), tmp_path)
    drawn = [path.read_text() for path in written if path.suffix == ".svg"]
    assert all("$x^$" in svg and r"a\x1bb" in svg for svg in drawn)
    assert chart_literal("$x^$") == r"\$x^\$"
