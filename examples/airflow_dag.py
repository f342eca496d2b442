"""A DAG that snapshots what is tagged "prod" in two regions every night, and keeps fourteen nights.

It needs Airflow with the extra `airflow`, and a connection `civo_default` of type `civo`.
"""

from datetime import datetime, timedelta

from airflow.sdk import DAG

from civo_snapshots import RetentionPolicy
from civo_snapshots.integrations.airflow import CivoSnapshotFleetOperator

with DAG(
    "nightly_snapshots",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=30)},
    tags=["snapshots"],
) as dag:
    CivoSnapshotFleetOperator.partial(
        task_id="snapshot",
        tags=["prod"],
        allow_empty=True,
        name="nightly {{ run_id }}",
        retention=RetentionPolicy(keep_daily=14),
        retention_prefix="nightly",
    ).expand(region=["LON1", "NYC1"])
