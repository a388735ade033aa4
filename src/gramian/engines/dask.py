"""Engine on a Dask cluster: one task for each unit, partial results added on the workers by the fixed tree.

Rows in files, or in the partitions of a Dask frame, are read by the workers and never pass through this process; rows
in the memory of this process are sent. Units of a lost worker are read again by others, from their descriptions.
"""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from logging import CRITICAL
from typing import Any, Generic

from gramian.batch import Source, Unit
from gramian.engines.dask_tasks import accumulate_on_worker, accumulate_sent_rows, add, identity
from gramian.engines.fold import Tree, remaining, run_rows, runs_of, watched_batches
from gramian.engines.progress import Progress, Silent
from gramian.errors import (
    EngineError,
    EngineWarning,
    MissingExtraError,
    OptionError,
    UnreadableError,
)
from gramian.kernels.threads import CORES
from gramian.typing import M, Pass

try:
    import dask
    import distributed
except ImportError as error:
    raise MissingExtraError("distributed", "dask") from error

PENDING_PER_THREAD = 4  # submitted units for each thread of the cluster, so that no worker waits for this process
MIN_PENDING = 32  # submitted units while a cluster has no workers yet
LOOK_EVERY = 5.0  # seconds between looks for workers while a result is waited for
SAY_AFTER = 30.0  # seconds without a worker until a warning says so
ATTEMPTS_ALONE = 3  # of a task that was blamed for the end of workers, with no other task beside it
RETRIES = 1  # of a unit that failed: another worker may have access to the file
QUIET = {
    "distributed.admin.large-graph-warning-threshold": "1TB"
}  # rows in memory must be sent: the warning would be about nothing that can be avoided

LOCAL_CLUSTER: Mapping[
    str, Any
] = {  # a cluster in this process; Dask insists on HTTP servers, which other machines cannot reach
    "n_workers": 1,
    "processes": False,
    "dashboard_address": "127.0.0.1:0",
    "worker_dashboard_address": "127.0.0.1:0",
    "scheduler_kwargs": {"dashboard": False},
    "silence_logs": CRITICAL,
}


@dataclass(frozen=True, slots=True)
class Dask:
    """Run passes on the workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client, optional
        None: the current client, else one for the scheduler that Dask's configuration names (DASK_SCHEDULER_ADDRESS),
        else threads of this process for as long as a pass takes.
    worker_timeout : float, default 300
        Seconds to wait while the cluster has no worker; more where workers stand in a queue.

    Raises
    ------
    OptionError
        The client is something else, or asynchronous; the time is not above 0.

    Notes
    -----
    The result has the same bits as that of `Local` for the same units (on the same kind of processor, with the same
    BLAS), for any number of workers and however often they are lost: every unit counts once.
    """

    client: Any = None
    worker_timeout: float = 300.0

    def __post_init__(self) -> None:
        if self.client is not None and not isinstance(self.client, distributed.Client):
            raise OptionError(f"client must be a distributed.Client, found {type(self.client).__name__}")
        if self.client is not None and self.client.asynchronous:
            raise OptionError("the client is asynchronous; pass one made with asynchronous=False")
        if isinstance(self.worker_timeout, bool) or not self.worker_timeout > 0:
            raise OptionError(f"worker_timeout must be a number of seconds above 0, found {self.worker_timeout!r}")

    @property
    def workers(self) -> int:
        """Number of threads of the cluster at present."""
        return CORES if self.client is None else sum(self.client.nthreads().values())

    def fold(
        self, source: Source, task: Pass[M], /, progress: Progress | None = None, tree: Tree[M] | None = None
    ) -> M:
        """Accumulate every unit on some worker, and add the partial results by the fixed tree.

        Parameters
        ----------
        source, task, progress
            As in `Engine.fold`.
        tree : Tree, optional
            Tree to which the partial results are added, in this process; units that it already has are not read (a fit
            that is resumed).

        Raises
        ------
        UnreadableError
            A unit ends the workers that read it.
        EngineError
            The scheduler cannot be reached, the cluster has no worker, or it lost the work.
        Exception
            What a unit raised.
        """
        watch = progress or Silent()
        units = iter(remaining(source.units, 0 if tree is None else tree.count, watch))
        first = next(units, None)
        if first is None:
            return Tree[M]().total(task.empty) if tree is None else tree.total(task.empty)
        nonempty = chain([first], units)
        with _connected(self.client) as client:
            fold = _Fold(client, task, watch, self.worker_timeout)
            if tree is None and hasattr(first, "portable"):
                try:
                    return fold.sum_on_workers(nonempty)
                except distributed.KilledWorker:  # workers that a unit ended had sums of others
                    fold.watch, nonempty = Silent(), chain(source.units)
            sums = Tree[M]() if tree is None else tree
            for partial in (
                fold.partials_read_by_workers(nonempty)
                if hasattr(first, "portable")
                else fold.partials_of_sent_rows(nonempty)
            ):
                sums.push(partial)
            return sums.total(task.empty)


@contextmanager
def _connected(client: Any) -> Iterator[Any]:
    """A context with the client, or a temporary one as described in `Dask`."""
    try:
        client = client or distributed.default_client()
    except ValueError:
        pass
    else:
        yield client
        return
    if dask.config.get("scheduler-address", None) is not None:
        with _client_of_configured_scheduler() as new_client:
            yield new_client
        return
    with (
        distributed.LocalCluster(threads_per_worker=CORES, **LOCAL_CLUSTER) as cluster,
        distributed.Client(cluster, set_as_default=False) as new_client,
    ):
        yield new_client


def _client_of_configured_scheduler() -> Any:
    try:
        return distributed.Client(set_as_default=False)
    except (OSError, ValueError) as error:  # no answer, or no address
        address = dask.config.get("scheduler-address")
        message = f"the scheduler at {address} cannot be reached: {str(error) or type(error).__name__}"
        raise EngineError(f"{message}; start it, or set DASK_SCHEDULER_ADDRESS to where it is") from error


@dataclass(frozen=True, slots=True)
class _Workers:
    """Waits for results as long as the cluster has workers, and for `timeout` seconds without any.

    A cluster without workers keeps its tasks for ever: their nannies gave up, or it was scaled to none.
    """

    client: Any
    timeout: float

    def exception(self, future: Any) -> BaseException | None:
        """What the task of the future raised, when it has ended. Raises EngineError where no worker is left."""
        last_seen, warned = time.monotonic(), False
        while True:
            try:
                return future.exception(timeout=min(LOOK_EVERY, self.timeout))  # type: ignore[no-any-return]
            except TimeoutError:
                now = time.monotonic()
            if self.threads():
                last_seen, warned = now, False
            elif now - last_seen >= self.timeout:
                raise EngineError(
                    f"the cluster has had no worker for {now - last_seen:.0f} seconds; start workers and run it again, "
                    "or wait longer with gm.Dask(client, worker_timeout=SECONDS)"
                ) from None
            elif now - last_seen >= SAY_AFTER and not warned:
                message = f"the cluster has no worker; waiting for one, {self.timeout:.0f} seconds in all"
                warnings.warn(EngineWarning(message), stacklevel=2)
                warned = True

    def threads(self) -> int:
        """Threads of all workers. Raises EngineError where the scheduler does not answer."""
        try:
            return sum(self.client.nthreads().values())
        except (OSError, RuntimeError) as error:
            where = getattr(self.client.scheduler, "address", "its address")
            raise EngineError(
                f"the scheduler at {where} does not answer: {str(error) or type(error).__name__}; connect to it again"
            ) from error


@dataclass(frozen=True, slots=True)
class _Remote:
    """A partial result on some worker; `+` submits the addition to the cluster."""

    client: Any
    future: Any

    def __add__(self, other: _Remote, /) -> _Remote:
        return _Remote(self.client, self.client.submit(add, self.future, other.future, pure=False))


@dataclass(frozen=True, slots=True)
class _Call(Generic[M]):
    """A task of the cluster.

    Attributes
    ----------
    name : str
        Name of the unit, for errors.
    function : Callable
        A function of this module, called with the pass and the arguments.
    arguments : tuple
        Its further arguments.
    """

    name: str
    function: Callable[..., M]
    arguments: tuple[Any, ...]


def _call(name: str, unit: Any) -> _Call[Any]:
    """The task that accumulates a unit.

    Futures that the unit needs become an argument of their own, so that Dask runs the task on the worker that has them.
    """
    on_cluster = getattr(unit, "on_cluster", None)
    return _Call(name, accumulate_on_worker, (replace(unit, on_cluster={}), on_cluster) if on_cluster else (unit,))


class _Fold(Generic[M]):
    """One fold that is being run.

    The pass is submitted as a task of its own: a worker receives it once, and again where it was lost.
    """

    def __init__(self, client: Any, task: Pass[M], watch: Progress, worker_timeout: float) -> None:
        self.client, self.task, self.watch = client, task, watch
        self.workers = _Workers(client, worker_timeout)
        threads = self.workers.threads()
        self.shared = client.submit(identity, task, pure=False)
        self.max_pending = max(MIN_PENDING, PENDING_PER_THREAD * threads)

    def sum_on_workers(self, units: Iterable[Unit]) -> M:
        """The sum of all units, added on workers; only the result is transferred to this process.

        Raises KilledWorker where Dask gave up a sum, since workers that had it died.
        """
        tree: Tree[_Remote] = Tree()
        for future in self._accumulated(units):
            tree.push(_Remote(self.client, future))
        total = tree.total(_Remote(self.client, self.shared)).future
        result: M = completed("the sums", total, self.workers).result()
        return result

    def partials_read_by_workers(self, units: Iterable[Unit]) -> Iterator[M]:
        """The partial results of units that workers read, in order."""
        for future in self._accumulated(units):
            yield self._result(future, "a unit")

    def partials_of_sent_rows(self, units: Iterable[Unit]) -> Iterator[M]:
        """The partial results of units whose rows are in this process, in order; rows are sent run by run."""
        for unit in units:
            runs = runs_of(watched_batches(unit, self.task, self.watch), run_rows(self.task))
            tree: Tree[M] = Tree()
            for future in self._ordered(_Call(unit.name, accumulate_sent_rows, (list(run),)) for run in runs):
                tree.push(self._result(future, unit.name))
            yield tree.total(self.task.empty)

    def _accumulated(self, units: Iterable[Unit]) -> Iterator[Any]:
        """Futures of the partial results of units, in order, each when it is finished."""
        submitted: deque[Unit] = deque()

        def calls() -> Iterator[_Call[M]]:
            for unit in units:
                submitted.append(unit)
                yield _call(unit.name, unit.portable(self.task.columns))  # type: ignore[attr-defined]

        for future in self._ordered(calls()):
            unit = submitted.popleft()
            self.watch.advance(unit.rows or 0, unit.size)
            yield future

    def _ordered(self, calls: Iterable[_Call[M]]) -> Iterator[Any]:
        """Finished futures in the order of the calls, with a bounded number of tasks submitted."""
        pending: deque[tuple[_Call[M], Any]] = deque()
        try:
            for call in calls:
                pending.append((call, self._submit(call)))
                if len(pending) >= self.max_pending:
                    yield self._first(pending)
            while pending:
                yield self._first(pending)
        finally:
            if pending:
                self.client.cancel([future for _, future in pending])

    def _first(self, pending: deque[tuple[_Call[M], Any]]) -> Any:
        """The finished future of the first pending task, which is taken away.

        Workers that died had several tasks at a time, and Dask blames each of them. So all that is pending is run
        again, one task after the other: the one that ends workers alone is named, and the others count.
        """
        call, future = pending[0]
        try:
            completed(call.name, future, self.workers)
        except distributed.KilledWorker:
            calls = [call for call, _ in pending]
            self.client.cancel([future for _, future in pending])
            pending.clear()
            pending.extend((call, self._alone(call)) for call in calls)
        return pending.popleft()[1]

    def _alone(self, call: _Call[M]) -> Any:
        """The finished future of a task that runs with no other beside it.

        A task that was cancelled may still run, and end a worker; so a task that is blamed is run again a few times.
        """
        for _ in range(ATTEMPTS_ALONE - 1):
            try:
                return completed(call.name, self._submit(call), self.workers)
            except distributed.KilledWorker:
                continue
        return finished(call.name, self._submit(call), self.workers)

    def _submit(self, call: _Call[M]) -> Any:
        """Submit a task."""
        with dask.config.set(QUIET):
            # pure=False: equal arguments (rows that occur twice) must not be taken for one task
            return self.client.submit(call.function, self.shared, *call.arguments, pure=False, retries=RETRIES)

    def _result(self, future: Any, name: str) -> M:
        """The result of a future, transferred to this process."""
        result: M = finished(name, future, self.workers).result()
        return result


def finished(name: str, future: Any, workers: _Workers | None = None) -> Any:
    """The future once it has a result. Raises what the unit raised, or an error that says why there is no result.

    workers : of the cluster; without them it is waited for however long it takes.
    """
    try:
        return completed(name, future, workers)
    except distributed.KilledWorker as error:
        died = f"{error.allowed_failures + 1} workers died while they read it"
        why = "it may need more memory than they have, or bring down the reader"
        raise UnreadableError(f"{died}; {why}", name) from None


def completed(name: str, future: Any, workers: _Workers | None = None) -> Any:
    """As `finished`, but for KilledWorker, which Dask also raises for what a lost worker had beside the cause."""
    waited = future.exception if workers is None else partial(workers.exception, future)
    raised = waited()
    while raised is None and future.status in (
        "lost",
        "pending",
    ):  # a worker died with the result: it is computed again
        raised = waited()
    if raised is None and future.status != "finished":
        message = "the cluster dropped the work: it was restarted, or the connection is lost; start again"
        raise EngineError(f"{name}: {message}")
    if raised is not None:
        raise raised
    return future
