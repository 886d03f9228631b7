"""`python -m nightround` is `nightround`."""

from nightround.cli.main import main

if __name__ == "__main__":  # a process of a round imports this module too
    main()
