"""Fixtures and settings that more than one folder of tests uses."""

import os

from hypothesis import settings

# The same examples in every CI run; a longer search with fresh ones is `HYPOTHESIS_PROFILE=search make test`.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
