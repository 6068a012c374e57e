"""CloudFormation types that the open-source edition lacks, and names that stay the same over restarts."""
