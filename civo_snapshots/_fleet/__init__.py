"""Snapshots of many instances, with one outcome each."""
