"""Kills a worker with certainty in the middle of a step."""

import time

import rich_click as click

from tenant_api.cli.api import Api
from tenant_api.cli.demo.process import Process
from tenant_api.cli.demo.stage import Stage
from tenant_api.cli.following import ENDED, Job, open_step

PATIENCE_SECONDS = 30


def kill_in_the_middle(api: Api, worker: Process, job_id: str, stage: Stage) -> Job | None:
    """SIGKILL the worker while the job shows a step half done, and answer the job as it was left.

    None, with the worker alive, if the job was faster than we.
    """
    step = _freeze_in_a_step(api, worker, job_id)
    if step is None:
        return None
    stage.deed(f"kill -9 {worker.pid}   (the worker, during the step {step})", worker.kill)
    job: Job = stage.call(api, "GET", f"/v3/jobs/{job_id}").body
    return job


def _freeze_in_a_step(api: Api, worker: Process, job_id: str) -> str | None:
    """A frozen worker cannot finish the step while we make sure that it is in one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        job = api.get(f"/v3/jobs/{job_id}")
        if job["status"] in ENDED:
            return None
        # With a message there is something on the server already, and something is missing.
        if open_step(job) and job["message"]:
            worker.freeze()
            if step := open_step(api.get(f"/v3/jobs/{job_id}")):
                return str(step["name"])
            worker.thaw()
    raise click.ClickException("No worker took the job.")
