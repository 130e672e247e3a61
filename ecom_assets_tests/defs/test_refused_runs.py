"""A run in which something was refused fails at its end, and what follows was still made."""

import dagster as dg
import pytest

from ecom_assets.orchestration.refused_runs import refusals_fail


@dg.asset(
    check_specs=[dg.AssetCheckSpec("days_are_good", asset="judged")], config_schema={"severity": str, "passed": bool}
)
def judged(context):
    yield dg.AssetCheckResult(
        check_name="days_are_good",
        passed=context.op_config["passed"],
        severity=dg.AssetCheckSeverity(context.op_config["severity"]),
        description="2026-03-04: 3 rows",
    )
    yield dg.MaterializeResult()


@dg.asset(deps=[judged])
def made_of_it() -> None:
    pass


def launched() -> dg.JobDefinition:
    """As Dagster launches it: with the executor of the definitions."""
    return dg.Definitions(
        [judged, made_of_it], jobs=[dg.define_asset_job("both")], executor=refusals_fail
    ).resolve_job_def("both")


@pytest.mark.parametrize(
    ("severity", "passed", "succeeds"), [("ERROR", False, False), ("WARN", False, True), ("ERROR", True, True)]
)
def test_a_run_fails_where_a_check_refused_something(severity, passed, succeeds):
    config = {"ops": {"judged": {"config": {"severity": severity, "passed": passed}}}}
    with dg.DagsterInstance.local_temp() as instance:
        result = dg.execute_job(dg.reconstructable(launched), instance, run_config=config)
        assert result.success == succeeds
        made = {event.asset_key.to_user_string() for event in result.filter_events(lambda e: e.is_step_materialization)}
        assert made == {"judged", "made_of_it"}
        assert instance.get_run_by_id(result.run_id).is_success == succeeds
        if not succeeds:
            (failure,) = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
            said = failure.dagster_event.job_failure_data.error.to_string()
            assert "Refused: judged days_are_good: 2026-03-04: 3 rows. What was accepted went on." in said
