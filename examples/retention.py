"""Retention: what a nightly job runs after its snapshots, and what it prints before it deletes."""

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

from civo_snapshots import CivoClient, RetentionPolicy

POLICY = RetentionPolicy(
    keep_daily=7,
    keep_weekly=4,
    keep_monthly=6,
    min_age=timedelta(hours=12),
    tz=ZoneInfo("Europe/London"),
)


async def main() -> None:
    async with CivoClient() as civo:
        plan = await civo.snapshots.plan_prune("nightly", POLICY, failed=True)
        print(plan)
        report = await civo.snapshots.prune(plan)
        print(report.counts)
        report.raise_for_failures()


if __name__ == "__main__":
    asyncio.run(main())
