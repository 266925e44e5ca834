"""Follows a job to its end."""

import time
from collections.abc import Callable
from typing import Any

import rich_click as click

from tenant_api.cli.api import Api
from tenant_api.cli.output import Output

POLL_SECONDS = 0.2
ENDED = {"Completed", "Error", "Cancelled"}

Job = dict[str, Any]


def follow(api: Api, job_id: str, seen: Callable[[Job], None], *, poll_seconds: float = POLL_SECONDS) -> Job:
    """Ask until the job has ended; `seen` gets every state on the way. A job's own deadline bounds the wait."""
    while True:
        job: Job = api.get(f"/v3/jobs/{job_id}")
        seen(job)
        if job["status"] in ENDED:
            return job
        time.sleep(poll_seconds)


def watch(api: Api, output: Output, job_id: str) -> Job:
    """Follow a job with a progress display; click.ClickException unless it completes."""
    with output.progress(f"Job {job_id}") as report:
        job = follow(api, job_id, lambda state: report(stage(state), state.get("fraction")))
    if job["status"] == "Completed":
        output.say(f"Job {job_id} completed.")
        return job
    reason = job["errorMessage"] or "no reason is recorded"
    raise click.ClickException(f"Job {job_id} ended as {job['status']}: {reason}")


def open_step(job: Job) -> dict[str, Any] | None:
    """The step that runs now. Attempts that died with their worker never end and do not count."""
    latest: dict[str, Any] | None = max(job["steps"], key=lambda step: step["startedAt"], default=None)
    return latest if latest and latest["finishedAt"] is None and job["status"] not in ENDED else None


def stage(job: Job) -> str:
    """Where a job stands, in a few words."""
    step = open_step(job)
    if step is None:
        return str(job["status"])
    attempt = f", attempt {step['attempt']}" if step["attempt"] > 1 else ""
    said = f": {job['message']}" if job.get("message") else ""
    return f"{step['name']}{attempt}{said}"
