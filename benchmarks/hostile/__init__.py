"""Jobs that attack the package: each prints its figures and fails when one misses its bar."""
