"""A nightly service on aiohttp.

At 02:00 UTC it snapshots every instance with the tag "prod". `POST /runs/{name}` starts a run at
once and `GET /runs/{name}?expected=12` tells how far it is, in any process and after any restart:
the region itself keeps the record.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from aiohttp import web

from civo_snapshots import CivoClient, FleetRun, run_name

CIVO = web.AppKey("CIVO", CivoClient)


async def start(civo: CivoClient, name: str) -> FleetRun:
    instances = [one async for one in civo.instances.list() if "prod" in one.tags]
    return await civo.snapshots.start_many(instances, name=run_name(name))


async def every_night(civo: CivoClient) -> None:
    while True:
        now = datetime.now(UTC)
        today = now.replace(hour=2, minute=0, second=0, microsecond=0)
        await asyncio.sleep((today + timedelta(days=now >= today) - now).total_seconds())
        try:
            run = await start(civo, f"nightly-{datetime.now(UTC):%Y%m%d}")
            logging.info("%s", await civo.snapshots.wait_many(run, timeout=4 * 3600))
        except Exception:
            logging.exception("this night's run has failed")


async def service(app: web.Application) -> AsyncIterator[None]:
    async with CivoClient() as civo:
        app[CIVO] = civo
        nightly = asyncio.create_task(every_night(civo))
        yield
        nightly.cancel()
        await asyncio.wait({nightly})


async def post_run(request: web.Request) -> web.Response:
    run = await start(request.app[CIVO], request.match_info["name"])
    return web.json_response(run.as_dict(), status=202)


async def get_run(request: web.Request) -> web.Response:
    name, expected = run_name(request.match_info["name"]), int(request.query["expected"])
    run = await request.app[CIVO].snapshots.find_run(name, expected=expected)
    return web.json_response(run.as_dict())


app = web.Application()
app.cleanup_ctx.append(service)
app.add_routes([web.post("/runs/{name}", post_run), web.get("/runs/{name}", get_run)])

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    web.run_app(app)
