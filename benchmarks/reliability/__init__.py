"""Reliability over a bad network, counted by a server in a process of its own."""
