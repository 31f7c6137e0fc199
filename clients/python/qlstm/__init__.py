"""Client of qlstmd, a service that trains quantum recurrent networks.

    import qlstm

    with qlstm.serve() as client:  # or qlstm.Client("http://127.0.0.1:8080")
        run = client.train(hidden_size=5, n_qubits=4, epochs=30).wait()
        print(run.results["test_loss"], run.predict([0.1, 0.3, 0.5, 0.6]))

Standard library only. With their libraries at hand: qlstm.numpy, qlstm.torch and qlstm.pennylane (a trained model
without the service), qlstm.sklearn (estimators); metrics come as DataFrames where pandas is there.
"""

from typing import TYPE_CHECKING, Any

from .client import Client
from .errors import AccessDenied, Busy, Conflict, Invalid, NotFound, QlstmError, RunFailed, ServiceError, Unreachable
from .run import Run
from .seeds import Comparison, Seeds, paired_t_test
from .server import Service, serve
from .weights import Weights

if TYPE_CHECKING:
    from .aio import AsyncClient, AsyncRun

__version__ = "0.1.0"
__all__ = [
    "AccessDenied", "AsyncClient", "AsyncRun", "Busy", "Client", "Comparison", "Conflict", "Invalid", "NotFound",
    "QlstmError", "Run", "RunFailed", "Seeds", "Service", "ServiceError", "Unreachable", "Weights", "paired_t_test",
    "serve",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """asyncio is loaded where it is used: the command line begins sooner."""
    if name in ("AsyncClient", "AsyncRun"):
        from . import aio

        return getattr(aio, name)
    raise AttributeError(f"module 'qlstm' has no attribute {name!r}")
