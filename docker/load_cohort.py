"""Load the synthetic cohort of the first study into the project that REDCAP_URL and REDCAP_TOKEN name."""

import os
import time

from nightround.study.folder import find_content, load_content_module
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token

folder = find_content(os.environ).study_folder("venous_occlusion")
cohort = load_content_module(folder / "synthetic" / "cohort.py", "cohort")
client = RedcapClient(os.environ["REDCAP_URL"], Token(os.environ["REDCAP_TOKEN"]), sleep=time.sleep)
client.import_records(cohort.records(1), overwrite=True)
