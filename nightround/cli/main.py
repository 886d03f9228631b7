"""The command line: its table of contents. Heavy packages are imported inside the call that needs them."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

import click

from nightround import __version__
from nightround.cli.answer import answer, approve, assess, snooze
from nightround.cli.audit_table import audit_table
from nightround.cli.check import check
from nightround.cli.demo import demo
from nightround.cli.doctor import doctor
from nightround.cli.drill import drill
from nightround.cli.findings import finding, findings
from nightround.cli.flags import flags
from nightround.cli.forget import forget
from nightround.cli.init import init
from nightround.cli.night import night
from nightround.cli.notify import notify
from nightround.cli.options import wants_json
from nightround.cli.printing import EXIT_BUG, print_bug, print_error, print_usage_error, say, text
from nightround.cli.pull import pull
from nightround.cli.report import report
from nightround.cli.report_given import handed, report_given
from nightround.cli.results import results
from nightround.cli.rules import rules
from nightround.cli.serve import serve
from nightround.cli.snapshots import snapshots
from nightround.cli.status import status
from nightround.cli.store import store
from nightround.cli.table import table
from nightround.cli.try_project import try_project
from nightround.cli.twin import twin
from nightround.cli.worklist import worklist
from nightround.night.disk_errors import disk_errors_explained
from nightround.texts.text_gate import close_the_gate
from redcap_sync.errors import ExplainedError
from redcap_sync.rows.one_heap import share_one_heap

SECTIONS = {
    "See it work, without a server": (demo, try_project, twin, drill),
    "The round of a study": (init, doctor, night, pull, check, report, report_given, serve, status, notify),
    "What a study has": (findings, finding, rules, snapshots, store, forget),
    "What people say of findings": (worklist, answer, approve, snooze, assess, flags),
    "Tables alone, without a study": (table, audit_table, results),
}
"""Every command under the heading that `--help` prints it under."""
LONGEST = 60
"""Characters of a command's sentence in `--help`: with it a line fits into 80 columns."""
EXIT_INTERRUPTED = 130
"""What a shell says of a program that was stopped by Ctrl+C."""
SEARCHES_FOR_GARBAGE = (200_000, 30, 30)
"""New objects before Python searches them for garbage, and how many searches before one of what is older."""
OLD_NAMES = (handed,)
"""Names of an earlier release, which still work and are not listed."""


class _BySection(click.Group):
    """Lists its commands under their headings."""

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.commands))
        for heading, commands in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{one.name:{width}}", one.get_short_help_str(LONGEST)) for one in commands])


@click.group(cls=_BySection, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nightround")
def cli() -> None:
    """Make a ward round of a REDCap study every night."""


for command in (*(one for section in SECTIONS.values() for one in section), *OLD_NAMES):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and end with its exit code; a user's mistake is explained, a bug shows its traceback.

    A call with `--json` that ends in an error prints one JSON document that says which.
    """
    share_one_heap(os.environ)
    # Without it Python searches the modules of Great Expectations for garbage as it ends: 0.7 s of every night.
    atexit.register(gc.freeze)
    # A night makes millions of objects that live on; to search them for garbage after every 700 took a tenth of it.
    gc.set_threshold(*SEARCHES_FOR_GARBAGE)
    close_the_gate()
    arguments = sys.argv[1:] if arguments is None else arguments
    as_json = wants_json(arguments)
    try:
        with disk_errors_explained():
            code = cli.main(arguments, prog_name="nightround", standalone_mode=False)
    except ExplainedError as error:
        print_error(error, as_json=as_json)
        code = error.exit_code
    except click.ClickException as error:
        print_usage_error(error, as_json=as_json)
        code = error.exit_code
    except click.Abort:
        say(text("terminal.usage.aborted"), err=True)
        code = EXIT_INTERRUPTED
    except Exception as error:
        if not as_json:
            raise  # the gate shows its traceback
        print_bug(error)
        code = EXIT_BUG
    sys.exit(code if isinstance(code, int) else 0)
