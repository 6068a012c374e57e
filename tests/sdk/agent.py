"""A user's agent: the snippet as users have it, and what stands around it in their code. Runs in processes of its own."""

import sys
import time
from types import SimpleNamespace

from clawpulse import cp_event, cp_metric


def openclaw_invoke(task_id):
    if task_id.startswith("bad"):
        raise TimeoutError("no answer")
    return SimpleNamespace(usage=SimpleNamespace(input_tokens=120, output_tokens=30), cost_usd=0.002)


def run_agent_task(task_id: str, tier: str, shard: str):
    started = time.time()
    tags = {"tier": tier, "shard": shard, "task_id": task_id}
    try:
        cp_event("task.started", tags=tags)
        result = openclaw_invoke(task_id)
        cp_metric("task.latency_ms", (time.time() - started) * 1000, tags=tags)
        cp_metric("task.tokens_in", result.usage.input_tokens, tags=tags)
        cp_metric("task.tokens_out", result.usage.output_tokens, tags=tags)
        cp_metric("task.cost_usd", result.cost_usd, tags=tags)
        cp_event("task.completed", tags=tags)
        return result
    except Exception as exc:
        cp_metric("task.errors", 1, tags={**tags, "error": type(exc).__name__})
        cp_event("task.failed", tags=tags, payload={"err": str(exc)[:500]})
        raise


def in_children(start_method: str) -> None:
    import multiprocessing

    context = multiprocessing.get_context(start_method)
    children = [context.Process(target=run_agent_task, args=(f"child-{number}", "fast", "acme")) for number in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(30)


def main(how: str) -> None:
    run_agent_task("t1", "fast", "acme")
    if how == "fail":
        run_agent_task("bad", "fast", "acme")
    if how in ("fork", "spawn"):
        in_children(how)
    if how == "os.fork":
        raw_fork()
    run_agent_task("t2", "smart", "acme")


def raw_fork() -> None:
    import os

    from clawpulse import cp_flush

    child = os.fork()
    if child == 0:
        run_agent_task("child-0", "fast", "acme")
        os._exit(0 if cp_flush(10) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


if __name__ == "__main__":
    main(sys.argv[1])
