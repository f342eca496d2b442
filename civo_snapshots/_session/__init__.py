"""One logical call: its slot, its deadline, its retries and the client's limits."""
