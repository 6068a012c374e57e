"""Scaling signals: how many agents a group should have."""
