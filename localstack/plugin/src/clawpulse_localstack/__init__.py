"""LocalStack's open-source edition without Docker: what it lacks, as plugins. Runs inside LocalStack's own environment."""
