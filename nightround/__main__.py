"""`python -m nightround` is `nightround`."""

from nightround.cli.main import main

main()
