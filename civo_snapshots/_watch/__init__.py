"""Many waits that share few polls."""
