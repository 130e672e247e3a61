"""Runs parts of the jobs one after the other in this process. What to run is decided here, what it did is not told."""

from collections.abc import Iterable, Sequence

import dagster as dg

from ecom_assets.ingestion.plans import plan_sources
from ecom_assets.orchestration.days import DayRange, range_tags
from ecom_assets.orchestration.loading import is_to_load
from ecom_assets.orchestration.metadata import key_of
from ecom_assets.orchestration.refused_runs import refusal_in
from ecom_assets.orchestration.session import Session
from ecom_assets.orchestration.table_asset import reads_of

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_BEFORE_CLEAN = ("landing", "raw")
_INTERRUPTIONS = ("KeyboardInterrupt", "DagsterExecutionInterruptedError")


class Runner:
    """Runs jobs of the shop's definitions and keeps their ids and what went wrong beside refusals."""

    def __init__(self, opened: Session, instance: dg.DagsterInstance) -> None:
        with opened.timed("imports"):
            from ecom_assets.definitions import defs
        with opened.timed("definitions"):
            self.definitions = defs()
            self.graph = self.definitions.resolve_asset_graph()
        self.opened = opened
        self.instance = instance
        self.run_ids: list[str] = []
        self.errors: list[str] = []

    def keys(self, *groups: str) -> list[dg.AssetKey]:
        """Keys of the groups' assets that can be made."""
        return [node.key for node in self.graph.asset_nodes if node.group_name in groups and node.is_executable]

    def load(self) -> None:
        """Load what is new in the landing folder; where there is nothing, no run begins."""
        context = self.opened.context
        plans = plan_sources(context.shop, context.shop_file)
        self.run("load_files", [key_of(f"raw/{name}") for plan in plans if is_to_load(self.opened, plan)
                                for name in plan.feeds])  # fmt: skip

    def write(self, ranges: Sequence[DayRange]) -> None:
        """Write the days, then everything made of them; a refused day stops nothing but itself."""
        nodes = [node for node in self.graph.asset_nodes if node.is_executable and node.group_name not in _BEFORE_CLEAN]
        clean = self.keys("clean")
        by_day = [node.key for node in nodes if node.is_partitioned or node.key in clean]
        for days in ranges[:-1]:
            self._carry_on(by_day, clean, days)
        if ranges:
            self._carry_on([node.key for node in nodes], clean, ranges[-1])
        else:
            self.run("backfill", self.out_of_date(node.key for node in nodes if not node.is_partitioned))

    def _carry_on(self, keys: list[dg.AssetKey], clean: list[dg.AssetKey], days: DayRange) -> None:
        """Write the days; where a clean table refused all of them, what Dagster held back behind it is written, too.

        First the clean tables, so that each of their days is judged and none is asked for again for ever; then what
        is made of what stands.
        """
        refused = self.run("backfill", keys, days) & set(clean)
        if not refused:
            return
        while behind := self._behind(refused) & set(clean):
            refused = self.run("backfill", sorted(behind), days)
        self.run("backfill", [key for key in keys if key not in clean], days)

    def _behind(self, keys: set[dg.AssetKey]) -> set[dg.AssetKey]:
        """All that is made of the assets, or judged by them."""
        found: set[dg.AssetKey] = set()
        while new := {child for key in keys | found for child in self.graph.get(key).child_keys} - found:
            found |= new
        return found

    def out_of_date(self, keys: Iterable[dg.AssetKey]) -> list[dg.AssetKey]:
        """Those of `keys` whose code or inputs changed since they were written, with all that is made of them."""
        asked, stale = set(keys), set()
        for key in self.graph.toposorted_asset_keys:
            if key in asked and (self.graph.get(key).parent_keys & stale or self._is_out_of_date(key)):
                stale.add(key)
        return sorted(stale)

    def _is_out_of_date(self, key: dg.AssetKey) -> bool:
        node = self.graph.get(key)
        contract = self.opened.warehouse.contracts.get("/".join(key.path))
        if contract is None:  # no table: made of tables, and then shown; loading files changes what is to be shown
            return not self.opened.is_published or not self.opened.context.home.published.is_dir()
        reads = [] if contract.layer == "clean" else reads_of(node.metadata)
        return not self.opened.warehouse.is_current(contract, node.code_version or "", reads)

    def run(self, job: str, selection: Iterable[dg.AssetKey], days: DayRange | None = None) -> set[dg.AssetKey]:
        """Run part of a job; the assets whose step failed.

        Raises:
            KeyboardInterrupt: Ctrl-C ended a step, which to Dagster is a failure like others: nothing is to follow it.
        """
        selected = list(selection)
        if not selected:
            return set()
        if any(key.path[0] not in _BEFORE_CLEAN for key in selected):
            with self.opened.timed("imports"):
                import great_expectations  # noqa: F401 - takes seconds that would otherwise count as judging
        result = self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            asset_selection=selected,
            tags=range_tags(days) if days else None,
            run_config=_QUIET,
            raise_on_error=False,
        )
        self.run_ids.append(result.run_id)
        refusal = refusal_in(result.all_events)
        if result.success and refusal:
            self.instance.report_run_failed(result.dagster_run, refusal)
        faults = _faults(result)
        if any(cls_name in _INTERRUPTIONS for _, cls_name, _ in faults):
            raise KeyboardInterrupt
        self.errors += [f"{step}: {message}" for step, cls_name, message in faults if cls_name != "Failure"]
        failed = {event.step_key for event in result.filter_events(lambda event: event.is_step_failure)}
        return {node.key for node in self.graph.asset_nodes if "__".join(node.key.path) in failed}


def _faults(result: dg.ExecuteInProcessResult) -> list[tuple[str, str, str]]:
    """Step, class and message of what each failed step failed of; a refusal is a `Failure`, told by the outcomes."""
    faults = []
    for event in result.filter_events(lambda event: event.is_step_failure):
        root = event.step_failure_data.error
        while root and root.cause:
            root = root.cause
        if root:
            faults.append((event.step_key, str(root.cls_name), root.message.strip()))
    return faults
