"""Reports: what happened in a period, for people."""
