"""Load the synthetic cohort of the first study into the project that REDCAP_URL and REDCAP_TOKEN name.

COHORT_AS_OF (YYYY-MM-DD) loads what had been typed by the end of that day. One import puts it there, so the log has its
lines at the present moment.
"""

import os
import time
from datetime import date, datetime

from nightround.study.folder import find_content, load_content_module
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token

folder = find_content(os.environ).study_folder("venous_occlusion")
cohort = load_content_module(folder / "synthetic" / "cohort.py", "cohort")
client = RedcapClient(os.environ["REDCAP_URL"], Token(os.environ["REDCAP_TOKEN"]), sleep=time.sleep)
day = os.environ.get("COHORT_AS_OF", "")
last = datetime.combine(date.fromisoformat(day), datetime.max.time()) if day else datetime.max  # noqa: DTZ901 - the hospital's clock
client.import_records(cohort.as_of(cohort.entries(1), last), overwrite=True)
