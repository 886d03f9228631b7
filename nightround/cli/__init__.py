"""The command line: one file a command, or a group of commands, named after it.

A new command is a file here that declares it with the options of `options.py`, calls one function of a room below, and
prints through `printing.py`; `main.py` lists it in its section. A layout of more than a few lines is a file of
its own, `<command>_layout.py`. Nothing here judges or computes.
"""
