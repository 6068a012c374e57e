"""Tests of seal."""
