"""What the package promises, measured: every job prints its figure and fails below its bar."""
