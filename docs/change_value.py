"""Change one value in the project that REDCAP_URL and REDCAP_TOKEN name: record, event, field, value."""

import os
import sys
import time

from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token

record, event, field, value = sys.argv[1:]
client = RedcapClient(os.environ["REDCAP_URL"], Token(os.environ["REDCAP_TOKEN"]), sleep=time.sleep)
row = {"record_id": record, "redcap_event_name": event, field: value}
client.import_records([row], overwrite=True)
