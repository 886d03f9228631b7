"""What it costs: each module is a command. They run with memory as the application does."""

import os

from redcap_sync.rows.one_heap import share_one_heap

share_one_heap(os.environ)
