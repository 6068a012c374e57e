"""Rotations of API keys: the step of the state machine, and what is looked after each minute."""
