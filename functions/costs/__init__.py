"""Costs: what tasks cost, who pays, and whether the provider agrees."""
