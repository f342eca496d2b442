"""Errors: each code with each status, failures called success, and who else may answer."""

import pytest
from fake_calls import serving

from civo_snapshots.testing import ERROR_CODES, Fault
from civo_snapshots.testing._api import ROUTES

CREATE = "POST /v2/instances/{id}/snapshots"
DELETE = "DELETE /v2/instances/{id}/snapshots/{sid}"


@pytest.mark.parametrize("code", sorted(ERROR_CODES))
async def test_each_code_comes_with_each_status(code: str) -> None:  # R152
    async with serving() as (call, _):
        call.region.fault(CREATE, Fault.code(code))
        reply = await call("POST", call.snapshots)
        assert (reply.status, reply.code) == (ERROR_CODES[code], code)
        for status in (200, 400, 403, 404, 409, 429, 500, 503):
            call.region.fault(CREATE, Fault.code(code, status=status))
            reply = await call("POST", call.snapshots)
            assert (reply.status, reply.code) == (status, code)
        assert not call.region.state.snapshots


async def test_a_code_can_be_anything_if_its_status_is_said() -> None:
    async with serving() as (call, _):
        fault = Fault.code("odd", status=418, reason=None, details=["a", {"b": 1}], acts=True)
        call.region.fault(CREATE, fault)
        reply = await call("POST", call.snapshots)
        assert reply.status == 418
        assert reply.json == {"code": "odd", "reason": None, "details": ["a", {"b": 1}]}
        assert len(call.region.state.snapshots) == 1
        with pytest.raises(ValueError, match="say its status"):
            Fault.code("odd")


@pytest.mark.parametrize("route", sorted(ROUTES))
async def test_every_route_can_go_wrong(route: str) -> None:
    async with serving() as (call, _):
        call.region.fault(route, Fault.code("region_unavailable"))
        method, path = route.split(" ")
        reply = await call(method, path.replace("{id}", "x").replace("{sid}", "y"))
        assert (reply.status, reply.code) == (503, "region_unavailable")


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        (Fault.failed_acknowledgement(), {"result": "failed"}),
        (
            Fault.failed_acknowledgement("error", code="openstack_snapshot_destroy"),
            {"result": "error", "code": "openstack_snapshot_destroy"},
        ),
        (
            Fault.failed_acknowledgement("success", code="database_quota_lock_failed"),
            {"result": "success", "code": "database_quota_lock_failed"},
        ),
        (Fault.failed_acknowledgement(None, status_in_body=500), {"status": 500}),
    ],
)
async def test_a_deletion_can_fail_with_a_status_of_success(  # R156
    fault: Fault, body: dict[str, object]
) -> None:
    async with serving() as (call, _):
        path = f"{call.snapshots}/{(await call.create())['id']}"
        call.region.fault(DELETE, fault)
        reply = await call("DELETE", path)
        assert (reply.status, reply.json) == (200, body)
        assert (await call("GET", path)).status == 200


async def test_a_404_may_come_from_a_gateway_or_be_bare_text() -> None:  # R155
    async with serving() as (call, _):
        call.region.fault("*", Fault.gateway_html(404))
        call.region.fault("*", Fault.no_such_page())
        html, text = [await call("GET", call.snapshots) for _ in range(2)]
        assert (html.status, html.headers["Content-Type"]) == (404, "text/html")
        assert (text.status, text.body) == (404, b"404 page not found\n")


async def test_one_stray_401_or_403_among_good_answers() -> None:  # R153, R154
    async with serving() as (call, _):
        route = "GET /v2/instances/{id}/snapshots"
        call.region.fault(route, Fault.unauthorized(), after=1)
        call.region.fault(route, Fault.forbidden(), after=2)
        call.region.fault(route, Fault.forbidden("database_account_access_denied"), after=3)
        call.region.fault(route, Fault.gateway_html(403), after=4)
        replies = [await call("GET", call.snapshots) for _ in range(6)]
        assert [reply.status for reply in replies] == [200, 401, 403, 403, 403, 200]
        assert replies[2].code == "authentication_access_denied"
        assert replies[3].code == "database_account_access_denied"
        assert b"<html>" in replies[4].body


async def test_a_token_can_be_replaced_at_any_time() -> None:  # R198
    async with serving() as (call, _):
        call.region.token = "second"
        assert (await call("GET", "/v2/quota")).status == 401
        assert (await call("GET", "/v2/quota", authorization="bearer second")).status == 200


@pytest.mark.parametrize(
    ("form", "reason", "details"),
    [
        ("null", None, None),
        ("list", ["there is no instance x"], ["there is no instance x"]),
        (
            "object",
            {"message": "there is no instance x"},
            {"message": "there is no instance x"},
        ),
    ],
)
async def test_reasons_and_details_may_be_anything(
    form: str, reason: object, details: object
) -> None:
    async with serving(error_reason=form) as (call, _):
        body = (await call("GET", "/v2/instances/x")).json
        assert body == {"code": "database_instance_find", "reason": reason, "details": details}


@pytest.mark.parametrize(
    ("snapshots", "status", "code"),
    [
        ("forbidden", 403, "database_account_access_denied"),
        ("disabled", 403, "disabled_service"),
        ("missing", 404, None),
    ],
)
async def test_a_public_region_has_instances_but_no_snapshots(  # S79
    snapshots: str, status: int, code: str | None
) -> None:
    async with serving(snapshots=snapshots) as (call, _):
        for path in (
            call.snapshots,
            "/v2/resourcesnapshots",
            "/v2/resourcesnapshotschedules",
        ):
            reply = await call("GET", path)
            assert reply.status == status
            assert reply.body == b"404 page not found\n" if code is None else reply.code == code
        assert (await call("GET", "/v2/instances")).status == 200
        assert (await call("GET", "/v2/quota")).status == 200


async def test_a_limit_of_requests_is_told_and_kept_by_the_minute() -> None:
    async with serving(rate_limit=2) as (call, clock):
        clock.advance(30)
        replies = [await call("GET", "/v2/quota") for _ in range(3)]
        assert [reply.status for reply in replies] == [200, 200, 429]
        left = [reply.headers["X-Ratelimit-Remaining"] for reply in replies]
        assert left == ["1", "0", "0"]
        assert {reply.headers["X-Ratelimit-Limit"] for reply in replies} == {"2"}
        # 2026-01-01T00:01:00Z
        assert {reply.headers["X-Ratelimit-Reset"] for reply in replies} == {"1767225660"}
        assert "Retry-After" not in replies[2].headers
        clock.advance(30)
        assert (await call("GET", "/v2/quota")).status == 200


async def test_answers_may_carry_no_id() -> None:
    async with serving(request_ids=False) as (call, _):
        assert "X-Request-Id" not in (await call("GET", "/v2/quota")).headers
