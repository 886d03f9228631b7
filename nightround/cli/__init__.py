"""The command line: one file a command, or a group of commands, named after it.

A new command is a file here that declares it with the options of `options.py`, calls one function of a room below, and
prints through `printing.py`; `main.py` lists it in its section. A layout that is more than a few lines lies beside the
command as `<command>_layout.py`. Nothing here judges or computes.
"""
