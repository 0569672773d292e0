"""Log records of polyseek on stderr, as the command line words them."""

import logging
import warnings

from cli.output import printable, say

_OURS = ("retrieval", "indexer", "benchmarks", "cli")


class _StderrHandler(logging.Handler):
    """Writes to the stderr of the moment, so that a progress bar can stand below the lines."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        say(f"{level}: {printable(self.format(record))}")


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in _OURS


def set_up_logging(level: str, *, quiet: bool) -> None:
    """Show our records of `level` and above; with `quiet`, errors only.

    Other packages' records and warnings are for their developers: they show at level debug only.
    """
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, _StderrHandler)]
    handler = _StderrHandler()
    if level != "debug":
        handler.addFilter(_is_ours)
        warnings.simplefilter("ignore")
    root.addHandler(handler)
    threshold = logging.ERROR if quiet else logging.getLevelNamesMapping()[level.upper()]
    for name in _OURS:
        logging.getLogger(name).setLevel(threshold)
