"""`python -m nightround` is `nightround`."""

from nightround.command_line import main

main()
