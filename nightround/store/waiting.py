"""How long a writer waits for another one."""

BUSY_SECONDS = 30
"""Of both kinds of database. A night's writes take well under a second; a backup may take more."""
