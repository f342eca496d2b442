"""Tests against real engines, each in an environment of its own: nox -s dask, -s airflow."""
