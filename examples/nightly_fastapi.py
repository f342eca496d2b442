"""The service of `nightly_aiohttp.py` on FastAPI, without its own clock: `POST` comes from cron.

    $ uvicorn nightly_fastapi:app
    $ curl -X POST localhost:8000/runs/nightly-20261123
    $ curl localhost:8000/runs/nightly-20261123?expected=12

What it answers is what `FleetRun.from_dict()` takes.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from civo_snapshots import CivoClient, run_name


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    async with CivoClient() as app.state.civo:
        yield


def client(request: Request) -> CivoClient:
    civo: CivoClient = request.app.state.civo
    return civo


Civo = Annotated[CivoClient, Depends(client)]
app = FastAPI(lifespan=lifespan)


@app.post("/runs/{name}", status_code=202)
async def post_run(civo: Civo, name: str) -> dict[str, object]:
    instances = [one async for one in civo.instances.list() if "prod" in one.tags]
    return (await civo.snapshots.start_many(instances, name=run_name(name))).as_dict()


@app.get("/runs/{name}")
async def get_run(civo: Civo, name: str, expected: int) -> dict[str, object]:
    return (await civo.snapshots.find_run(run_name(name), expected=expected)).as_dict()
