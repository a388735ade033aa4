"""What failed jobs of Spark mean: which partition, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gramian.errors import DataError, EngineError, GramianError, UnreadableError, first_line

MISSING = re.compile(r"No module named '([\w.]+)'")
FAILED = re.compile(r"Task (\d+) in stage [\d.]+ failed (\d+) times?")
DIED = re.compile(r"Python worker exited unexpectedly|ExecutorLostFailure|Python worker .*crashed")
JOBS = 8  # of the last ones, in which a failed task is looked for
INSTALL = (
    "install gramian there (on all machines, or by spark.archives), and set PYSPARK_PYTHON to that Python "
    "before the session is made"
)


def explained(error: Exception, session: Any, name: Callable[[int], str]) -> GramianError:
    """What a failed job means. name : that of a partition or unit by its number."""
    text = str(error)
    if missing := MISSING.search(text):
        return EngineError(f"the Python of Spark's workers has no package '{missing[1]}': {INSTALL}")
    if "maxResultSize" in text:
        return EngineError(
            "the sums of all partitions exceed spark.driver.maxResultSize: raise it, or coalesce the frame to fewer"
        )
    failed, reason = FAILED.search(text), _reason(error)
    number = int(failed[1]) if failed else _failed_task(session, reason)
    where = "spark.DataFrame" if number is None else name(number)
    if failed and DIED.search(text):
        return UnreadableError(_died(int(failed[2])), where)
    if number is None and re.search("shut ?down|stopped|cancelled", reason, re.IGNORECASE):
        return EngineError(f"Spark ended the work: {reason}")
    return DataError(f"Spark cannot read it: {reason}", where)


def _reason(error: Exception) -> str:
    """The cause of a failure in one line: the last exception of Java's, or the last line of a traceback."""
    text, cause = str(error), getattr(error, "java_exception", None)
    while cause is not None:
        text, cause = cause.getMessage() or text, cause.getCause()
    lines = text.strip().splitlines() or [first_line(error)]
    return lines[-1 if "Traceback" in text else 0].strip()


def _died(times: int) -> str:
    """What it means that Python workers died."""
    once = "; in local mode Spark tries once unless its master is, for example, 'local[2, 4]'" if times == 1 else ""
    workers = "1 Python worker" if times == 1 else f"{times} Python workers"
    return f"{workers} died while they read it; it may need more memory than they have, or bring down the reader{once}"


def _failed_task(session: Any, reason: str) -> int | None:
    """The number of the partition that failed for this reason; None where Spark does not say it.

    An error with a class of its own comes without its task, which only the status of the stage has.
    """
    try:
        tracker, store = session.sparkContext.statusTracker(), session.sparkContext._jsc.sc().statusStore()
        for job in sorted(tracker.getJobIdsForGroup(None), reverse=True)[:JOBS]:
            for stage in tracker.getJobInfo(job).stageIds:
                tasks = store.taskList(stage, 0, 1_000_000)
                for task in map(tasks.apply, range(tasks.size())):
                    if task.status() == "FAILED" and reason in str(task.errorMessage()):
                        return int(task.index())
    except Exception:  # no context behind Spark Connect; and the store is no public interface of Spark
        pass
    return None
