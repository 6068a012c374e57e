"""Findings of cdk-nag that we live with: each is acknowledged where it arises, with its reason."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings (by id) on a construct and what is below it."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=name, reason=reason) for name, reason in reasons.items()))
