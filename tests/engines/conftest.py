"""Whatever engine is not installed here is not tested here."""

from importlib.util import find_spec

collect_ignore = [
    test
    for test, engine in (("test_dask.py", "distributed"), ("test_airflow.py", "airflow"))
    if find_spec(engine) is None
]
