"""Where work runs: in this process, in its threads, or on a Dask cluster.

The seam is small: hand over what many pieces of work share, submit a piece, get a future of
``concurrent.futures``. Nothing that is computed depends on which backend computed it.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Protocol, cast

from phase2sim.core.catalogue import Definitions, add_definitions, added_definitions
from phase2sim.core.errors import BadInput

LOCAL_CLUSTER = "local"
_SECONDS_TO_FIND_A_WORKER = 60


class Backend(Protocol):
    """Runs pieces of work."""

    @property
    def workers(self) -> int:
        """How many pieces run side by side."""
        ...

    def share[T](self, value: T) -> T:
        """Stand-in for a value that many pieces of work take: sent to each worker once.

        Parameters
        ----------
        value : object
            Value that many pieces of work take; it can be pickled.

        Returns
        -------
        object
            Value to hand to ``submit`` in its place.
        """
        ...

    def submit[R](self, work: Callable[..., R], *arguments: object) -> "Future[R]":
        """Begin a piece of work.

        Parameters
        ----------
        work : callable
            Function to call.
        *arguments : object
            Its arguments, by position; those from ``share`` arrive as the shared values.

        Returns
        -------
        Future
            Future of what the function returns or raises.
        """
        ...

    def is_lost(self, error: BaseException) -> bool:
        """Whether a piece of work failed only because its worker went away.

        Parameters
        ----------
        error : BaseException
            Exception of a piece of work.

        Returns
        -------
        bool
            True if the worker went away, so that the same work may succeed elsewhere.
        """
        ...


class _OfExecutor:
    """Pieces of work in an executor of this process."""

    def __init__(self, executor: Executor, workers: int) -> None:
        self._executor = executor
        self.workers = workers

    def share[T](self, value: T) -> T:
        """Return the value itself: this process has it."""
        return value

    def submit[R](self, work: Callable[..., R], *arguments: object) -> "Future[R]":
        """Begin a piece of work."""
        return self._executor.submit(work, *arguments)

    def is_lost(self, error: BaseException) -> bool:
        """Return False: threads do not go away."""
        del error
        return False


class _AtOnce(Executor):
    """Runs what is submitted before it returns."""

    def submit[**P, R](
        self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> "Future[R]":
        """Run it now; what it raises is raised here."""
        future: Future[R] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class _OfDask:
    """Pieces of work on the workers of a Dask cluster, whichever are there."""

    def __init__(self, client: Any, lost: tuple[type[BaseException], ...]) -> None:  # noqa: ANN401
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._lost = lost

    @property
    def workers(self) -> int:
        """Threads of all workers that are there now."""
        return max(1, sum(map(int, self._client.nthreads().values())))

    def share[T](self, value: T) -> T:
        """Return a future of the value, which Dask replaces by it.

        The scheduler can make it again when every worker that held it has gone.
        """
        return cast("T", self._client.submit(_itself, value, pure=False))

    def submit[R](self, work: Callable[..., R], *arguments: object) -> "Future[R]":
        """Begin a piece of work, with what files have defined here."""
        definitions = added_definitions()
        return cast(
            "Future[R]", self._executor.submit(_with_definitions, definitions, work, *arguments)
        )

    def is_lost(self, error: BaseException) -> bool:
        """Whether the workers that ran it have gone."""
        return isinstance(error, self._lost)


def _with_definitions[R](definitions: Definitions, work: Callable[..., R], *arguments: object) -> R:
    """Do a piece of work in a process that may know only what ships."""
    add_definitions(definitions)
    return work(*arguments)


@contextmanager
def backend(workers: int = 1, dask: str | None = None) -> Iterator[Backend]:
    """Open a backend: this process for one worker, its threads for more, or a Dask cluster.

    ``dask`` is a scheduler's address, or ``local`` for a cluster of ``workers`` processes that
    lives as long as this one. Raises ``BadInput`` for a cluster that cannot be reached.
    """
    if dask is not None:
        with _dask(workers, dask) as backend:
            yield backend
    elif workers == 1:
        yield _OfExecutor(_AtOnce(), 1)
    else:
        # Kernels hold no interpreter lock, so threads use all cores and share what is in memory.
        with ThreadPoolExecutor(workers) as pool:
            yield _OfExecutor(pool, workers)


@contextmanager
def _dask(workers: int, address: str) -> Iterator[Backend]:
    try:
        distributed: Any = import_module("distributed")  # an extra that few need
    except ImportError:
        raise BadInput(
            "--dask needs Dask, which is not installed. Install phase2sim[dask]."
        ) from None
    logging.getLogger("distributed").setLevel(logging.ERROR)
    lost = (distributed.KilledWorker, distributed.comm.CommClosedError, CancelledError)
    if address == LOCAL_CLUSTER:
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        )
        with cluster, distributed.Client(cluster) as client:
            yield _OfDask(client, lost)
        return
    try:
        client = distributed.Client(address, timeout=_SECONDS_TO_FIND_A_WORKER)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(
            f"--dask {address}: no scheduler answers there ({reason}). Start one, or correct the"
            " address; docs/guide/clusters.md shows how."
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS_TO_FIND_A_WORKER)
        except TimeoutError:
            raise BadInput(
                f"--dask {address}: the scheduler has no worker after {_SECONDS_TO_FIND_A_WORKER}"
                " s. Start some, or correct the address."
            ) from None
        yield _OfDask(client, lost)


def _itself[T](value: T) -> T:
    return value
