"""The rest of the error tree: what can go wrong above REDCap. Exit codes are in `docs/exit-codes.md`."""

from redcap_sync.errors import ExplainedError


class StudyFilesWrong(ExplainedError):
    """A file of the study folder cannot be used as it is."""

    exit_code = 10


class ChannelUnusable(ExplainedError):
    """A channel lacks what study.toml says that the environment, a file or the keyring has."""

    exit_code = 10


class DatabaseVersionWrong(ExplainedError):
    """The database was made by another version of Nightround."""

    exit_code = 15


class StoreUnusable(ExplainedError):
    """The database server of a study is not known, cannot be reached, or refuses."""

    exit_code = 10


class SystemLibraryMissing(ExplainedError):
    """A library of the operating system is not installed."""

    exit_code = 16


class UsageWrong(ExplainedError):
    """A command was asked for something it does not do."""

    exit_code = 2


class RoundAlreadyRunning(ExplainedError):
    """Two runs of one study at the same moment; the second one stops."""

    exit_code = 2


class RoundCrashed(ExplainedError):
    """A round met an error of the program itself; a private file has its traceback."""

    exit_code = 1


class RoundInterrupted(ExplainedError):
    """A person or the system stopped a run before its end."""

    exit_code = 130


class RoundAlreadyMade(ExplainedError):
    """Another run made the round of this hour of the schedule."""

    exit_code = 0


class SelfAuditFailed(ExplainedError):
    """A finished report contradicts itself, its result rows or its snapshot; it was not released."""

    exit_code = 17


class ReportStopped(ExplainedError):
    """A planned variable was not seen or has changed its meaning, so the report would say something untrue."""

    exit_code = 17
