"""What people call things: ids, names, beginnings, in every form of the region's listing."""

from datetime import UTC, datetime, timedelta

import pytest
from support.command import Here, has, ids, names

from civo_snapshots import CivoError, errors
from civo_snapshots.cli._exits import Exit
from civo_snapshots.cli._table import Column, block, table
from civo_snapshots.cli._words import age, exit_of, explained, in_our_words, many, reason, span
from civo_snapshots.testing import FakeRegion


@pytest.mark.parametrize("called", ["web-1", "0a0ec331", "ID"])
def test_an_instance_is_called_by_hostname_id_or_a_beginning(
    called: str, region: FakeRegion, here: Here
) -> None:
    first = ids(region)["web-1"]
    has(region, "web-1", "before")
    word = {"ID": first, "0a0ec331": first[:8]}.get(called, called)
    assert here("list", word, "-o", "name").lines == ["before"]


def test_what_is_spelled_in_full_is_meant_before_what_begins_so(
    region: FakeRegion, here: Here
) -> None:
    region.add_instance("web-1-copy")
    assert here("list", "web-1").code == 0
    has(region, "db-1", "n", "n-2")
    assert here("delete", "n", "--yes").code == 0
    assert names(region) == ["db-1/n-2"]


@pytest.mark.parametrize("region_ids", ["outer", "inner", "name"])
@pytest.mark.parametrize("called", ["before", "bef", "web-1/before", "ID"])
def test_a_snapshot_is_found_whatever_ids_the_region_lists(
    called: str, region_ids: str, region: FakeRegion, here: Here
) -> None:
    """Which id of the listing is the snapshot's is documented nowhere: it is used by its own."""
    object.__setattr__(region.switches, "region_ids", region_ids)
    [wanted] = has(region, "web-1", "before")
    has(region, "web-2", "other")
    listed = here("list", "-o", "json").json
    assert [item["hostname"] for item in listed] == ["web-1", "web-2"]
    word = next(item["id"] for item in listed if item["name"] == "before")
    shown = here("show", word if called == "ID" else called, "-o", "json")
    assert shown.json["id"] == wanted
    assert here("delete", word if called == "ID" else called, "--yes").code == 0
    assert names(region) == ["web-2/other"]


def test_without_a_listing_of_the_region_each_instance_is_asked(
    region: FakeRegion, here: Here
) -> None:
    object.__setattr__(region.switches, "region_listing", False)
    has(region, "web-1", "before")
    has(region, "db-1", "nightly")
    assert sorted(here("list", "-o", "name").lines) == ["before", "nightly"]
    assert here("show", "before").code == 0


def test_a_snapshot_of_an_instance_that_is_gone_can_be_shown_and_deleted(
    region: FakeRegion, here: Here
) -> None:
    """R204."""
    has(region, "db-1", "nightly")
    del region.state.instances[ids(region)["db-1"]]
    assert here("show", "nightly").code == 0
    waited = here("wait", "nightly")
    assert waited.code == Exit.FAILED
    assert "the instance of snapshot nightly is gone" in waited.err
    assert here("delete", "nightly", "--yes").code == 0
    assert all(one.deleted for one in region.state.snapshots.values())


def test_an_ambiguous_name_lists_the_candidates_and_sends_nothing_more(
    region: FakeRegion, here: Here
) -> None:
    made = has(region, "web-1", "nightly") + has(region, "web-2", "nightly")
    done = here("delete", "nightly", "--yes")
    assert done.code == Exit.USAGE
    assert all(key in done.err for key in made)
    assert "web-2/nightly" in done.err
    assert region.total == 2  # the instances, and the snapshots of the region


# Waiting, and what is told of several


def test_one_that_fails_keeps_no_other_from_being_waited_for(
    region: FakeRegion, here: Here
) -> None:
    region.fail_volume(ids(region)["web-1"])
    has(region, "web-1", "bad")
    has(region, "db-1", "good")
    done = here("wait", "bad", "good", "-o", "json")
    assert done.code == Exit.FAILED
    assert [item["verdict"] for item in done.json] == ["failed", "complete"]
    assert "web-1/bad" in done.err


def test_a_wait_that_is_over_exits_with_3_and_says_how_to_go_on(
    region: FakeRegion, here: Here
) -> None:
    object.__setattr__(region.switches, "duration", (3_600.0, 3_600.0))
    has(region, "db-1", "slow")
    done = here("wait", "slow", "--timeout", "5")
    assert done.code == Exit.TIMED_OUT
    assert "To wait on: civo-snapshots wait db-1/slow" in done.err
    assert here("watch", "slow", "--timeout", "5").code == Exit.TIMED_OUT


def test_a_deletion_that_fails_keeps_no_other_from_it(region: FakeRegion, here: Here) -> None:
    object.__setattr__(region.switches, "delete_pending", False)
    object.__setattr__(region.switches, "duration", (3_600.0, 3_600.0))
    has(region, "db-1", "busy")
    object.__setattr__(region.switches, "duration", (0.0, 0.0))
    has(region, "web-1", "done")
    done = here("delete", "busy", "done", "--yes", "-o", "name")
    assert done.code == Exit.FAILED
    assert done.lines == ["done"]
    assert "db-1/busy" in done.err


def test_a_changed_environment_gives_options(
    region: FakeRegion, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(region, "web-1", "before")
    monkeypatch.setenv("CIVO_SNAPSHOTS_OUTPUT", "name")
    assert here("list").lines == ["before"]
    monkeypatch.setenv("CIVO_SNAPSHOTS_YES", "1")
    assert here("delete", "before").code == 0
    monkeypatch.setenv("CIVO_SNAPSHOTS_RUN_TIMEOUT", "soon")
    assert here("run", "--all").code == Exit.USAGE


def test_config_tells_where_each_setting_comes_from(
    region: FakeRegion, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {item["name"]: item["from"] for item in here("config", "-o", "json").json}
    assert told == {"token": "CIVO_TOKEN", "region": "CIVO_REGION", "api_url": "CIVO_API_URL"}
    monkeypatch.delenv("CIVO_REGION")
    done = here("--api-url", "https://api.civo.example", "config", "-o", "json")
    assert [item["from"] for item in done.json] == ["CIVO_TOKEN", None, "--api-url"]
    assert "No region is named" in done.err
    monkeypatch.delenv("CIVO_TOKEN")
    done = here("config", "-o", "json")
    assert done.code == Exit.USAGE
    assert done.json[0] == {"name": "token", "value": None, "from": None}
    assert "no API token" in done.err
    assert region.total == 0


# Pure


def test_a_table_cuts_ids_then_what_may_shrink_and_then_becomes_blocks() -> None:
    columns = (
        Column("NAME", lambda item: str(item["name"]), may_shrink=True),
        Column("SIZE", lambda item: str(item["size"]), is_right=True),
        Column("ID", lambda item: str(item["id"]), is_id=True),
    )
    items = [{"name": "a-name-of-thirty-characters-ok", "size": 5, "id": "0123456789" * 3}]

    def drawn(width: int | None) -> list[str]:
        return ["".join(text for text, _ in line) for line in table(columns, items, width=width)]

    assert drawn(None)[1] == f"a-name-of-thirty-characters-ok     5  {'0123456789' * 3}"
    assert drawn(60)[1] == "a-name-of-thirty-characters-ok     5  01234567"
    assert drawn(40)[1] == "a-name-of-thirty-charac…     5  01234567"
    assert drawn(30) == [
        "NAME  a-name-of-thirty-characters-ok",
        "SIZE  5",
        f"ID    {'0123456789' * 3}",
    ]
    assert [text for text, _ in block(columns, items[0])[1]] == ["SIZE  ", "5"]


def test_an_error_speaks_of_options() -> None:
    said = "nothing to update: pass name= or description="
    assert in_our_words(said) == "nothing to update: pass --name or --description"
    assert in_our_words("hostname must be RFC 1123 labels").startswith("--hostname must be")
    assert in_our_words("api_url is refused") == "--api-url is refused"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigurationError("x"), 2),
        (errors.AmbiguousNameError("x"), 2),
        (errors.NotFoundError("x"), 1),
        (errors.SnapshotFailedError("x"), 1),
        (errors.WaitTimeoutError("x"), 3),
        (errors.DeadlineExceededError("x"), 3),
        (errors.OutcomeUnknownError("x"), 4),
        (errors.PollFailedError("x"), 4),
    ],
)
def test_errors_have_their_codes(error: CivoError, code: int) -> None:
    assert exit_of(error) == code
    assert explained(error) == "x"


def test_numbers_and_times_are_told_as_people_do() -> None:
    assert (many(1, "snapshot"), many(1_200, "snapshot")) == ("1 snapshot", "1,200 snapshots")
    spans = (0.4, 59, 60, 3_599, 7_200, 90_000, 200_000)
    assert [span(seconds) for seconds in spans] == [
        *("0 s", "59 s", "1 min", "59 min", "2 h", "25 h", "2 d")
    ]
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert age(now - timedelta(hours=5), now) == "5 h"
    assert age(None, now) == ""
    assert reason(None) == ""
    refused = errors.InvalidRequestError("long", status=400, code="too_big", reason="no room")
    assert reason(refused) == "no room (too_big)"
