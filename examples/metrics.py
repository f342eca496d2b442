"""A run whose requests, pauses, waits and outcomes are counted for a Prometheus server.

In a service, `start_http_server(9090)` serves `/metrics`; here they are printed at the end.
"""

import asyncio
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest

from civo_snapshots import CivoClient
from civo_snapshots.integrations.prometheus import PrometheusListener


async def main() -> None:
    registry = CollectorRegistry()
    async with CivoClient(on_event=PrometheusListener(registry)) as civo:
        instances = [one async for one in civo.instances.list() if "prod" in one.tags]
        await civo.snapshots.create_many(instances, name=f"metered-{datetime.now(UTC):%Y%m%d}")
    print(generate_latest(registry).decode())


if __name__ == "__main__":
    asyncio.run(main())
