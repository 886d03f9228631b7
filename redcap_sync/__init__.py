"""REDCap and nothing else: its API, its dictionary, its logic language, and a sandbox server."""
