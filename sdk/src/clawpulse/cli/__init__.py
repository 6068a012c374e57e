"""The command line: one module a noun over ClawPulse's API. Needs the extra `clawpulse[cli]`; the SDK never imports it."""
