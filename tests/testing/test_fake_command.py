"""The command line: every switch, hostnames, tags, faults, and a page of the counters."""

import json
from typing import Any

import aiohttp
import attrs
import pytest
from fake_calls import Caller

from civo_snapshots.testing import FakeRegion, Switches
from civo_snapshots.testing._command import FAULTS, region_of

# One value for each switch that is not its default, as words of a command line.
WORDS: dict[str, tuple[str, Any]] = {
    "duration": ("--duration 1 2", (1.0, 2.0)),
    "restore_duration": ("--restore-duration 1 2.5", (1.0, 2.5)),
    "created_at_form": ("--created-at-form zero", "zero"),
    "names_as_ids": ("--no-names-as-ids", False),
    "unique_names": ("--unique-names region", "region"),
    "taken_name_code": ("--taken-name-code parameter_name_invalid", "parameter_name_invalid"),
    "code_case": ("--code-case upper", "upper"),
    "snapshot_limit": ("--snapshot-limit -1", -1),
    "states": ("--states complete=Ready,pending=", {"complete": "Ready", "pending": ""}),
    "volume_listing": ("--volume-listing late", "late"),
    "included_volumes": ("--included-volumes null", "null"),
    "blank": ("--blank missing", "missing"),
    "region_ids": ("--region-ids inner", "inner"),
    "region_listing": ("--no-region-listing", False),
    "acknowledgement": ("--acknowledgement full", "full"),
    "delete_pending": ("--no-delete-pending", False),
    "restore_status": ("--restore-status 200", 200),
    "restore_wrapping": ("--restore-wrapping never", "never"),
    "restore_ends": ("--restore-ends SHUTOFF", "SHUTOFF"),
    "shows_source": ("--shows-source both", "both"),
    "restore_address": ("--no-restore-address", False),
    "domain": ("--domain fleet.example", "fleet.example"),
    "schedule_codes": ("--no-schedule-codes", False),
    "page_cap": ("--page-cap 7", 7),
    "tells_pages": ("--no-tells-pages", False),
    "pages_off_by": ("--pages-off-by -1", -1),
    "numbers": ("--numbers drawn", "drawn"),
    "error_reason": ("--error-reason list", "list"),
    "refuse_unknown": ("--no-refuse-unknown", False),
    "snapshots": ("--snapshots disabled", "disabled"),
    "request_ids": ("--no-request-ids", False),
    "rate_limit": ("--rate-limit 50", 50),
    "stale_share": ("--stale-share 0.5", 0.5),
}


def words_of(field: "attrs.Attribute[Any]") -> tuple[str, Any]:
    flag = f"--{field.name.replace('_', '-')}"
    if field.name in WORDS:
        return WORDS[field.name]
    if isinstance(field.default, bool):
        return flag, True
    return f"{flag} 0.25", 0.25


@pytest.mark.parametrize("field", attrs.fields(Switches), ids=lambda field: field.name)
def test_every_switch_is_an_option(field: "attrs.Attribute[Any]") -> None:
    words, value = words_of(field)
    assert value != field.default
    region = region_of(words.split(" "))
    assert region.switches == Switches(**{field.name: value})


def test_the_words_of_states_can_be_drawn() -> None:
    assert region_of(["--states", "drawn"]).switches.states == "drawn"


def test_without_options_it_is_the_plain_region() -> None:
    assert repr(region_of([])) == repr(FakeRegion())


def test_a_region_can_be_drawn() -> None:
    region = region_of(["--any", "--seed", "7", "--read-lag", "99", "--instances", "2"])
    assert repr(region) == repr(FakeRegion.any(7, read_lag=99.0, instances=2))


def test_instances_have_the_hostnames_and_tags_they_are_given() -> None:
    words = "--instances 1 --hostname db-1 --hostname web-1 --tag web-1 prod blue --tag cache-1 x"
    instances = region_of(words.split()).state.instances.values()
    assert [(one.hostname, one.tags) for one in instances] == [
        ("instance-1", ()),
        ("db-1", ()),
        ("web-1", ("prod", "blue")),
        ("cache-1", ("x",)),
    ]


def test_several_regions_have_strangers_each() -> None:
    region = region_of(["--region", "LON1", "--more-regions", "NYC1", "FRA1", "--strangers", "2"])
    assert [len(region.in_region(code).snapshots) for code in ("LON1", "NYC1", "FRA1")] == [2] * 3


async def test_faults_are_scheduled_with_their_arguments() -> None:
    quota = "GET /v2/quota"
    region = region_of(
        [
            *("--fault", quota, "code", "code=quota_limit_reached", "status=409", "times=2"),
            *("--fault", quota, "json", 'body={"odd": 1}', "after=2"),
            *("--fault", "*", "gateway_html", "status=503", "times=null", "probability=1"),
        ]
    )
    async with region, aiohttp.ClientSession() as session:
        call = Caller(session, region)
        replies = [await call("GET", "/v2/quota") for _ in range(4)]
        assert [reply.status for reply in replies] == [409, 409, 200, 503]
        assert replies[2].json == {"odd": 1}
        assert (await call("GET", "/v2/instances")).status == 503


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--fault *", "no fault ''"),
        ("--fault * nothing", "no fault 'nothing'"),
        ("--fault nowhere outage", "no route 'nowhere'"),
        ("--fault * stall seconds", "'seconds' is not NAME=VALUE"),
        ("--fault * stall hours=1", "unexpected keyword argument"),
        ("--fault * code code=odd", "not among ERROR_CODES"),
        ("--states over=Over", "the keys are pending"),
        ("--unique-names everywhere", "invalid choice"),
        ("--instances 0 --strangers 1", "strangers need an instance"),
        ("--read-lag -1", "read_lag must not be negative"),
        ("--no-such-switch", "unrecognized arguments"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_served(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        region_of(words.split())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_help_tells_of_every_switch_and_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        region_of(["--help"])
    told = capsys.readouterr().out
    for field in attrs.fields(Switches):
        assert f"--{field.name.replace('_', '-')}" in told
    assert set(FAULTS) >= {"code", "drop_after_acting", "failed_acknowledgement", "outage"}
    assert all(name in told for name in FAULTS)


async def test_a_page_shows_the_counters_to_a_browser() -> None:
    words = ["--fault", "*", "code", "code=quota_limit_reached", "--domain", "<b>"]
    async with region_of(words) as region, aiohttp.ClientSession() as session:
        call = Caller(session, region)
        await call("GET", "/v2/quota")
        await call("POST", call.snapshots, {"odd<": 1})
        page = await call("GET", "/_fake", region=None, authorization=None)
        assert page.headers["Content-Type"].startswith("text/html")
        text = page.body.decode()
        assert "<td>GET /v2/quota</td><td>1</td>" in text
        assert "<td>403</td><td>1</td>" in text
        assert "<td>GET /v2/quota: code quota_limit_reached</td><td>1</td>" in text
        assert "<td>LON1, instances</td><td>3</td>" in text
        assert "odd&lt;" in text
        assert "<b>" not in text
        stats = json.loads((await call("GET", "/_fake/stats", authorization=None)).body)
        assert stats["refused_fields"] == [
            {
                "route": "POST /v2/instances/{id}/snapshots",
                "field": "odd<",
                "reason": "there is no such field",
            }
        ]
        assert stats["faults"] == {"GET /v2/quota: code quota_limit_reached": 1}
        assert region.total == 2
