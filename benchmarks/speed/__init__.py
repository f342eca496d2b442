"""Speed benchmarks: `python -m benchmarks.speed`, see `benchmarks/README.md`."""
