"""Providers that report use and cost, as strict as their documents."""
