"""Which SQL of mappings keeps to one file, told from its text; where that leaves it open, it does not."""

import pytest

from ecom_assets.ingestion import LandingFile, batches, plan_sources
from ecom_assets.ingestion.reach import may_mix_files
from ecom_assets_tests.shared import ROOT
from ecom_assets_tests.unit.ingestion.conftest import make_shop

ALONE = [
    "select source_file, source_line, a from staged where b in ('x', 'y')",
    "select s.*, u from staged s, unnest(string_split(s.a, ';')) t(u)",
    "select source_file, min(source_line), a from staged group by all",
    "select source_file, min(source_line), a from staged group by 1, 3",
    "select *, row_number() over w from staged window w as (partition by source_file order by b)",
    "select a.* from staged a left join b on a.source_file = b.source_file and a.o = b.o",
    "select * from staged a join b using (source_file, o)",
    "select s.* from staged s join (values ('a', 'b')) m(x, y) on s.x = m.x",
    "with m as (select * from (values ('a')) v(x)) select s.* from staged s join m using (x)",
    "select * from staged qualify row_number() over (partition by source_file, o) = 1",
    "select distinct * from staged",
    "select * from staged union all by name select * from (select * from staged)",
]
TOGETHER = [
    "select i.* from staged i join staged o on o.a = i.a",
    "select * from staged i, staged o where o.a = i.a",
    "select source_file, a in (select b from staged) from staged",
    "select a.*, (select max(x) from staged) from staged a",
    "select * from staged s where exists (select 1 from staged)",
    "select min(source_file), min(source_line), a from staged group by a",
    "select source_file, a from staged group by rollup (source_file, a)",
    "select max(source_file), count(*) from staged",
    "select *, sum(x) over (order by y) from staged",
    "select *, row_number() over w from staged window w as (partition by o)",
    "select * exclude (f), f as source_file from (select *, 'x' as f from staged)",
    "select distinct on (o) * from staged",
    "select a, source_file from staged union select b, source_file from staged",
    "select * from staged limit 5",
    "select source_file, a from staged group by 9",
    "select 1 +",
]


@pytest.mark.parametrize("sql", ALONE)
def test_sql_that_tells_files_apart_keeps_to_one(sql):
    assert not may_mix_files(sql)


@pytest.mark.parametrize("sql", TOGETHER)
def test_sql_that_may_bring_lines_of_several_files_together_does(sql):
    assert may_mix_files(sql)


@pytest.mark.parametrize("example", ["online_retail", "access_log"])
def test_the_examples_read_only_what_changed(example):
    shop = make_shop("export", mapping="mapping.yaml")
    (plan,) = plan_sources(shop, ROOT / "examples" / example / "shop.yaml")
    assert not plan.reads_beyond_a_file
    files = [LandingFile(f"{n}.csv", ROOT, 300_000_000, 0) for n in range(3)]
    assert len(list(batches(plan, files))) == 3
