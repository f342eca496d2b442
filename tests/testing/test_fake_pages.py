"""Pages, numbers, quotas and further fields of instances."""

import pytest
from fake_calls import serving


@pytest.mark.parametrize("tells", [False, True])
async def test_the_server_caps_a_page_as_it_likes(tells: bool) -> None:  # R195
    async with serving(instances=17, page_cap=7, tells_pages=tells) as (call, _):
        seen, counts = [], []
        for page in range(1, 5):
            body = (await call("GET", f"/v2/instances?page={page}&per_page=100")).json
            assert body["per_page"] == 7
            assert body.get("pages") == (3 if tells else None)
            assert ("pages" in body) is tells
            counts.append(len(body["items"]))
            seen += [item["id"] for item in body["items"]]
        assert counts == [7, 7, 3, 0]
        assert seen == call.region.instance_ids
        fewer = (await call("GET", "/v2/instances?per_page=5")).json
        assert len(fewer["items"]) == 5


async def test_an_instance_tells_everything_that_is_described() -> None:
    async with serving() as (call, _):
        body = (await call("GET", "/v2/instances/instance-1")).json
        described = (
            "id hostname status region network_id private_ip public_ip size tags attached_volumes "
            "created_at initial_password rescue_password civostatsd_token script firewall_id notes "
            "cpu_cores ram_mb disk_gb gpu_count source_type source_id snapshot_id volume_type "
            "subnets reserved_ip reverse_dns"
        )
        assert body.keys() == set(described.split())


@pytest.mark.parametrize(
    ("numbers", "instance", "quota"),
    [("integer", {int}, {int}), ("text", {str}, {str}), ("float", {int}, {float})],
)
async def test_numbers_may_come_as_text_and_in_quotas_as_floats(
    numbers: str, instance: set[type], quota: set[type]
) -> None:
    async with serving(numbers=numbers) as (call, _):
        page = (await call("GET", "/v2/instances")).json
        item = page["items"][0]
        of_instances = [item[key] for key in ("cpu_cores", "ram_mb", "disk_gb", "gpu_count")]
        of_pages = [page[key] for key in ("page", "per_page", "pages")]
        assert {type(value) for value in (*of_instances, *of_pages)} == instance
        assert {type(value) for value in (await call("GET", "/v2/quota")).json.values()} == quota


async def test_numbers_may_differ_from_field_to_field() -> None:
    async with serving(numbers="drawn") as (call, _):
        quota = (await call("GET", "/v2/quota")).json
        assert {type(value) for value in quota.values()} == {int, str, float}
        assert float(quota["instance_count_usage"]) == 3


async def test_a_quota_is_twenty_pairs_some_without_a_limit() -> None:
    async with serving() as (call, _):
        quota = (await call("GET", "/v2/quota")).json
        limits = {key.removesuffix("_limit") for key in quota if key.endswith("_limit")}
        assert len(limits) == 20
        assert quota.keys() == {f"{one}_{part}" for one in limits for part in ("limit", "usage")}
        assert quota["objectstore_gb_limit"] == -1
