"""Reading the XML of a REDCap project: CDISC ODM 1.3.1 with attributes of REDCap's own."""
