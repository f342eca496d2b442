"""Exactly one snapshot per create."""
