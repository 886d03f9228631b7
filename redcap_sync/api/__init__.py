"""REDCap's API: one client, its session, its pace and its token."""
