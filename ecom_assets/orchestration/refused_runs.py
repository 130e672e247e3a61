"""A run in which something was refused counts as failed in Dagster, though all that could go on went on.

The op that refused some of its days does not fail, for then nothing made of the others would follow; nor does the
failed check end the run. So the run is failed at its end: by its executor where Dagster launched it, and by
`runner` where the command did, which Dagster gives another executor.
"""

from collections.abc import Iterable, Iterator

import dagster as dg

_NAMED = 5


def refusal_in(events: Iterable[dg.DagsterEvent]) -> str | None:
    """What checks of a run say of refused days, tables and files; None where nothing was refused."""
    said = []
    for event in events:
        if event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        found = event.asset_check_evaluation_data
        if not found.passed and found.severity == dg.AssetCheckSeverity.ERROR:
            key = found.asset_check_key
            said.append(f"{'/'.join(key.asset_key.path)} {key.name}: {found.description or 'failed'}")
    if not said:
        return None
    more = f"; and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
    return f"Refused: {'; '.join(said[:_NAMED])}{more}. What was accepted went on."


class _RefusalsFail(dg.Executor):
    """Another executor whose run fails at its end where something was refused."""

    def __init__(self, inner: dg.Executor) -> None:
        self._inner = inner

    @property
    def retries(self) -> object:
        """Those of the other executor."""
        return self._inner.retries

    @property
    def step_dependency_config(self) -> object:
        """That of the other executor."""
        return self._inner.step_dependency_config

    def execute(self, plan_context: object, execution_plan: object) -> Iterator[dg.DagsterEvent]:
        """Execute all steps, then fail where one of them refused something and none failed."""
        checks, has_failed = [], False
        for event in self._inner.execute(plan_context, execution_plan):
            has_failed = has_failed or event.is_step_failure
            if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                checks.append(event)
            yield event
        refusal = refusal_in(checks)
        if refusal and not has_failed:  # a failed step fails the run by itself
            raise dg.Failure(refusal, allow_retries=False)


@dg.executor(name="in_process", config_schema=dg.in_process_executor.config_schema)
def refusals_fail(context: dg.InitExecutorContext) -> dg.Executor:
    """Executes all steps in one process; a run in which something was refused fails at its end."""
    return _RefusalsFail(dg.in_process_executor.executor_creation_fn(context))
