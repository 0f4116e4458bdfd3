"""Every error this program raises on purpose.

::

    SoftfactoryError
    ├── UsageError              the command or a setting is wrong; nothing was started
    │   ├── UnknownRun
    │   ├── FolderTaken         the output folder belongs to something else
    │   ├── GateGone            there is no such question to answer (any more)
    │   ├── NotThere            the run has no such document or file (yet)
    │   └── KeyReused           a request's key came with another request before
    ├── RunBusy                 another process is working on this run
    │   └── LeaseLost           another process has taken the run over: nothing more is written
    ├── ServerFull              as many runs are being worked on as may be
    ├── RequestRefused          a server does not take this request, whatever it asks for
    ├── StorageTrouble          the database or the disk refuses: nothing already kept is lost
    │   └── ConnectionLost      the database's server went away in the middle
    ├── ModelError
    │   ├── ModelUnavailable    passing trouble outlasted the retries: resume later
    │   ├── ModelRefused        key, address or model name is wrong: mend it, then resume
    │   ├── ContextExceeded     the question is longer than the model takes: another model
    │   ├── BudgetReached       the next call would pass the budget
    │   ├── AnswerUnusable      the model could not be brought to answer in the asked form
    │   └── RecordingMismatch   a recorded run does not fit what is asked now
    ├── SandboxUnavailable      this machine offers no isolation: nothing generated is run
    ├── EnvironmentFailed       the product's packages could not be installed
    ├── ProductError            the product's repository could not be read or written
    │   └── EditConflict        a role would replace what a human changed by hand
    └── ToolFailed              search or speech did not answer
"""


class SoftfactoryError(Exception):
    """The root: its text is one line that names the culprit and the way out."""

    exit_code = 1


class UsageError(SoftfactoryError):
    """The command or a setting is wrong; nothing was started."""

    exit_code = 2


class UnknownRun(UsageError):
    """No run has this name."""


class FolderTaken(UsageError):
    """The output folder belongs to something else."""


class GateGone(UsageError):
    """The question was answered already, or was never asked."""


class NotThere(UsageError):
    """The run has no such document or file (yet)."""


class KeyReused(UsageError):
    """A request's key came with another request before."""


class ServerFull(SoftfactoryError):
    """As many runs are being worked on as may be at once."""


class RequestRefused(SoftfactoryError):
    """A server does not take this request, whatever it asks for."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        """Of the HTTP answer."""
        self.code = code
        """A stable name of the reason."""


class RunBusy(SoftfactoryError):
    """Another process is working on this run."""

    exit_code = 2


class LeaseLost(RunBusy):
    """Another process has taken the run over; this one writes nothing more."""


class StorageTrouble(SoftfactoryError):
    """The database or the disk refuses; nothing that was kept is lost."""


class ConnectionLost(StorageTrouble):
    """The database's server went away; over a new connection it may be there again."""


class ModelError(SoftfactoryError):
    """A model could not be asked, or its answer could not be used."""


class ModelUnavailable(ModelError):
    """Passing trouble outlasted the retries; the run can be resumed later."""


class ModelRefused(ModelError):
    """The endpoint refuses the request: key, address or model name is wrong."""


class ContextExceeded(ModelError):
    """The question is longer than the model takes; one with a larger context can go on."""


class BudgetReached(ModelError):
    """The next call would pass the budget; a human decides how to go on."""


class AnswerUnusable(ModelError):
    """The model could not be brought to answer in the asked form."""


class RecordingMismatch(ModelError):
    """A recorded run does not fit what is asked now."""


class SandboxUnavailable(SoftfactoryError):
    """This machine offers no isolation, so nothing generated is run."""


class EnvironmentFailed(SoftfactoryError):
    """The product's third-party packages could not be installed."""


class ProductError(SoftfactoryError):
    """The product's repository could not be read or written."""


class EditConflict(ProductError):
    """A role would replace what a human changed by hand; the human decides."""


class ToolFailed(SoftfactoryError):
    """A search or a speech service did not answer."""
