"""The pages of the sandbox that people open: start, project, record, instrument, survey.

All warn that it is a sandbox.
"""
