"""Requests and responses as values: paths, bodies, and which error a response stands for."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from civo_snapshots._api.context import json_body, path_of
from civo_snapshots._http import Kind, Request, Response, failure_of, parse_json
from civo_snapshots._http.api_errors import NEEDS_PRIVATE_REGION
from civo_snapshots.errors import (
    ApiError,
    AuthenticationError,
    CivoError,
    ConflictError,
    InvalidArgumentError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    ServiceDisabledError,
    TryLaterError,
    UnexpectedResponseError,
)

PAYLOADS = Path(__file__).parents[1] / "payloads"
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SNAPSHOTS = Request("GET", "/v2/instances/i-1/snapshots", Kind.SAFE, "LON1")
WEB_PAGE = "that is a web page, not the API: check api_url"
QUOTA = Request("GET", "/v2/quota", Kind.SAFE, "LON1")


def failure(
    status: int,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    request: Request = SNAPSHOTS,
) -> CivoError | None:
    return failure_of(request, Response(status, headers or {}, body), NOW)


def api_error(
    status: int,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    request: Request = SNAPSHOTS,
) -> ApiError:
    error = failure(status, body, headers, request)
    assert isinstance(error, ApiError)
    assert error.status == status
    return error


# Paths and bodies


def test_a_path_is_its_segments() -> None:
    assert path_of("instances", "i-1", "snapshots", "s-1") == "/v2/instances/i-1/snapshots/s-1"


@pytest.mark.parametrize("segment", ["..", ".", "", "a/b", "a?b", "a#b", "%2e%2e", "a\n", "é"])
def test_a_segment_that_could_change_the_path_is_refused(segment: str) -> None:
    """C131, X145: also for an id that a server answered."""
    with pytest.raises(InvalidArgumentError, match="cannot be part of a URL path"):
        path_of("instances", segment)


@settings(deadline=None)
@given(st.lists(st.text(max_size=6) | st.sampled_from(["..", ".", "a/..", "%2e", "a"]), min_size=1))
def test_a_path_that_is_made_has_exactly_its_segments(segments: list[str]) -> None:
    try:
        path = path_of(*segments)
    except InvalidArgumentError:
        return
    assert URL(f"https://api.example{path}").raw_parts == ("/", "v2", *segments)


def test_fields_that_are_none_are_not_sent() -> None:
    """An update leaves alone what is not sent; False and empty text are values."""
    body = json_body({"name": "n", "description": None, "paused": False, "text": "", "count": 0})
    assert body == b'{"name":"n","paused":false,"text":"","count":0}'
    assert json_body({}) == b"{}"


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_description_survives_the_journey(text: str) -> None:
    """C134."""
    assert json.loads(json_body({"description": text})) == {"description": text}


def test_an_answer_shows_nothing_of_what_it_bears_and_discards_its_own_connection() -> None:
    closed: list[str] = []
    one = Response(200, {"authorization": "s3cret"}, b'"s3cret"', lambda: closed.append("closed"))
    two = Response(200, {}, b"{}")
    assert repr(one) == "<Response 200, 8 bytes>"
    two.discard()
    assert closed == []
    one.discard()
    assert closed == ["closed"]


# Bodies that can and cannot be read


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b'{"id": "s-1"}', {"id": "s-1"}),
        (b'\xef\xbb\xbf{"id": "s-1"}', {"id": "s-1"}),
        (b" [1, 2.5, true, null]\r\n", [1, 2.5, True, None]),
        ('"café"'.encode(), "café"),
        # B55: the last one wins, everywhere.
        (b'{"id": "first", "id": "last"}', {"id": "last"}),
    ],
    ids=["object", "B51-byte-order-mark", "array", "utf-8", "B55-duplicate-key"],
)
def test_one_json_document_is_read(body: bytes, data: object) -> None:
    assert parse_json(body) == data


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b"", "it is empty", id="B50-empty"),
        pytest.param(b" \r\n\t", "it is empty", id="B50-white"),
        pytest.param(b'{"id": "s-1"', "it is not JSON", id="B51-cut"),
        pytest.param(b"{} {}", "it is not JSON", id="B51-two-documents"),
        pytest.param(b"{}\x00", "it is not JSON", id="B51-trailing-byte"),
        pytest.param(b'{"id": "s-1",}', "it is not JSON", id="B51-trailing-comma"),
        pytest.param(b'{["s-1"]}', "it is not JSON", id="B62-braces-round-a-list"),
        pytest.param(b"<html></html>", "it is not JSON", id="html"),
        pytest.param(b'{"id": "\xff"}', "it is not UTF-8", id="B52-latin-1"),
        pytest.param('{"id": "a"}'.encode("utf-16"), "it is not UTF-8", id="B52-utf-16"),
        pytest.param(b"[" * 100_000, "it is nested too deeply", id="B53-deep"),
        pytest.param(b'{"a":' * 100_000, "it is nested too deeply", id="B53-deep-objects"),
        pytest.param(b"9" * 5_000, "it is not JSON", id="B54-integer-without-end"),
        pytest.param(b'{"n": NaN}', "it is not JSON", id="B54-nan"),
        pytest.param(b"[-Infinity]", "it is not JSON", id="B54-infinity"),
    ],
)
def test_an_unreadable_body_is_an_unexpected_response(body: bytes, problem: str) -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        parse_json(body, 201)
    assert caught.value.message.startswith(f"the body cannot be read: {problem}")
    assert (caught.value.status, caught.value.path) == (201, "$")
    assert len(str(caught.value)) < 1_000
    # The parser's own error holds the whole body, and would be pickled and logged with ours.
    assert caught.value.__context__ is None


@settings(deadline=None)
@given(
    st.binary(max_size=60)
    | st.text(st.sampled_from('{}[]",:0123456789eEnul-. \\u')).map(str.encode)
)
def test_any_bytes_are_data_or_an_unexpected_response(body: bytes) -> None:
    """B51-B54: no decoder's own error gets out."""
    try:
        data = parse_json(body)
    except UnexpectedResponseError:
        return
    assert data is None or isinstance(data, (bool, int, float, str, list, dict))
    assert not (isinstance(data, float) and math.isnan(data))


# Which error a response stands for


@frozen
class Expected:
    """An error answer, and what becomes of it."""

    payload: str
    status: int
    error: type[ApiError]
    hint: str = ""


CODED = [
    Expected("database_snapshot_not_found", 404, NotFoundError),
    Expected("database_instance_find", 404, NotFoundError),
    Expected("database_snapshot_create_instance_not_found", 500, NotFoundError),
    Expected("database_region_not_found", 400, NotFoundError, "check the region's code"),
    Expected("database_quota_lock_failed", 500, TryLaterError, "try again later"),
    Expected("database_snapshot_create_already_in_process", 409, TryLaterError, "try again later"),
    Expected("region_unavailable", 503, TryLaterError, "try again later"),
    Expected("instance_state_must_be_active_or_shutoff", 400, TryLaterError, "try again later"),
    Expected("quota_limit_reached", 402, QuotaExceededError, "delete snapshots"),
    Expected("database_instance_snapshot_too_big", 500, InvalidRequestError),
    Expected("parameter_name_invalid", 400, InvalidRequestError),
    Expected("parameter_id_missing", 500, InvalidRequestError),
    Expected("database_snapshot_cannot_delete_in_use", 500, ConflictError),
    Expected("database_snapshot_cannot_replace", 500, ConflictError),
    Expected("disabled_service", 400, ServiceDisabledError, NEEDS_PRIVATE_REGION),
    Expected("authentication_invalid_key", 400, AuthenticationError),
    Expected("database_account_access_denied", 401, PermissionDeniedError),
    Expected("database_snapshot_create", 500, ServerError),
    Expected("database_snapshots_list", 500, ServerError),
    Expected("openstack_snapshot_destroy", 500, ServerError),
    Expected("openstack_instance_restore", 500, ServerError),
]


@pytest.mark.parametrize("expected", CODED, ids=lambda expected: expected.payload)
def test_a_code_tells_more_than_its_status(expected: Expected) -> None:
    """H25, S77-S80."""
    body = (PAYLOADS / f"error_{expected.payload}.json").read_bytes()
    error = api_error(expected.status, body, {"x-request-id": "req-1"})
    assert type(error) is expected.error
    assert (error.code, error.reason, error.details) == (expected.payload, "the reason", "")
    assert error.request_id == "req-1"
    assert f"{expected.status} {expected.payload}: the reason" in str(error)
    assert expected.hint in str(error)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (402, ApiError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (405, ApiError),
        (408, ApiError),
        (409, ConflictError),
        (410, ApiError),
        (411, ApiError),
        (412, ApiError),
        (415, ApiError),
        (422, InvalidRequestError),
        (429, RateLimitError),
        (431, ApiError),
        (500, ServerError),
        (501, ServerError),
        (502, ServerError),
        (503, ServerError),
        (504, ServerError),
        (505, ServerError),
        (511, ServerError),
        (525, ServerError),
        (599, ServerError),
    ],
)
def test_without_a_code_the_status_decides(status: int, error: type[ApiError]) -> None:
    """H25-H43."""
    assert type(api_error(status, b'{"reason": "no"}')) is error
    assert type(api_error(status)) is error


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_is_no_failure(status: int) -> None:
    """H46, H48: whether its body fits is another question."""
    assert failure(status, b'{"id": "s-1"}') is None
    assert failure(status) is None


@pytest.mark.parametrize("status", [200, 401, 403])
def test_an_expired_token_is_an_authentication_error_under_any_status(status: int) -> None:
    """H26."""
    body = (PAYLOADS / "error_requires_authentication.json").read_bytes()
    error = api_error(status, body)
    assert type(error) is AuthenticationError
    assert error.code == "requires_authentication"


def test_text_that_only_quotes_the_refusal_is_data() -> None:
    """H26: a description may hold any words."""
    assert failure(200, b'{"id": "s-1", "description": "requires_authentication"}') is None
    assert failure(200, b"requires_authentication") is None


@pytest.mark.parametrize("status", [99, 100, 101, 203, 205, 206, 207, 226, 304, 600, 799, 1000])
def test_any_other_status_makes_no_sense(status: int) -> None:
    """H45, H47, H49: nothing partial or stale is taken for data."""
    error = failure(status, b'{"id": "s-1"}')
    assert isinstance(error, UnexpectedResponseError)
    assert error.status == status
    assert error.message == f"unexpected HTTP status {status}"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://elsewhere.example/v2/instances?token=canary", "elsewhere.example"),
        ("http://user:canary@elsewhere.example/", "elsewhere.example"),
        ("file:///etc/canary", "nowhere"),
        ("/canary", "nowhere"),
        ("", "nowhere"),
        ("http://[canary", "nowhere"),
        ("http://evil\x1b.example/canary", "evil\\x1b.example"),
    ],
)
def test_a_redirect_is_refused_and_only_its_host_is_named(
    status: int, location: str, host: str
) -> None:
    """H44, X142."""
    error = failure(status, b"", {"location": location})
    assert isinstance(error, UnexpectedResponseError)
    assert error.status == status
    assert f"redirected ({status}) to {host}, which is not followed" in str(error)
    assert "canary" not in str(error)


@settings(deadline=None)
@given(st.text(), st.sampled_from([301, 302, 307]))
def test_any_location_is_refused_without_another_error(location: str, status: int) -> None:
    error = failure(status, b"", {"location": f"http://{location}"})
    assert isinstance(error, UnexpectedResponseError)
    assert len(str(error)) < 1_500


# What error bodies may look like


def payload(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "code", "reason", "details", "shown"),
    [
        pytest.param(
            "error_with_details.json",
            "parameter_name_invalid",
            "the name is invalid",
            "only lower case",
            "500 parameter_name_invalid: the name is invalid: only lower case",
            id="H25-details",
        ),
        pytest.param(
            "error_null_reason.json",
            "database_snapshot_create",
            "",
            "",
            "500 database_snapshot_create",
            id="B67-null",
        ),
        pytest.param(
            "error_list_reason.json",
            "database_snapshot_create",
            '["first", "second"]',
            "",
            '500 database_snapshot_create: ["first", "second"]',
            id="B67-list",
        ),
        pytest.param(
            "error_object_details.json",
            "database_snapshot_create",
            "failed",
            '{"volume": "v-1"}',
            'failed: {"volume": "v-1"}',
            id="B67-object",
        ),
        pytest.param(
            "error_only_a_status.json", "", "", "", '500: {\\n  "status": 500\\n}', id="B67-status"
        ),
        pytest.param(
            "error_bare_text.json", "", "", "", '500: "something broke"', id="B67-bare-text"
        ),
        pytest.param("error_empty_object.json", "", "", "", "500: {}", id="empty-object"),
        pytest.param("error_list.json", "", "", "", "500: [", id="list"),
        pytest.param(
            "error_gateway.html", "", "", "", "500: <html>\\n<head><title>502 Bad", id="H42-html"
        ),
        pytest.param(
            "error_plain_not_found.txt", "", "", "", "500: 404 page not found", id="plain-text"
        ),
    ],
)
def test_whatever_an_error_body_holds_is_told(
    name: str, code: str, reason: str, details: str, shown: str
) -> None:
    error = api_error(500, payload(name))
    assert (error.code, error.reason, error.details) == (code, reason, details)
    assert shown in str(error)


def test_control_characters_of_a_server_are_escaped() -> None:
    """B68; the attributes keep the text as sent."""
    error = api_error(500, payload("error_control_characters.json"))
    assert error.reason == "one\r\ntwo\x1b[31m\x00three\u2028four"
    assert str(error).isprintable()
    assert r"one\r\ntwo\x1b[31m\x00three\u2028four" in str(error)


def test_only_the_beginning_of_a_large_body_is_kept() -> None:
    """H42, B67."""
    html = b"<html>" + b"x" * 1_000_000
    assert len(str(api_error(502, html))) < 500
    error = api_error(500, json.dumps({"reason": "r" * 1_000_000, "details": "d"}).encode())
    assert error.reason == "r" * 2_000
    assert len(str(error)) < 3_000
    assert len(api_error(500, b"", {"x-request-id": "q" * 5_000}).request_id) == 200


def test_an_empty_error_body_leaves_the_status() -> None:
    assert api_error(500).message == "the API answered 500"
    assert api_error(401).message == "the API answered 401; check the token"


@pytest.mark.parametrize(
    ("status", "body", "request_", "hint"),
    [
        pytest.param(404, b"", SNAPSHOTS, NEEDS_PRIVATE_REGION, id="S79-404"),
        pytest.param(403, b"", SNAPSHOTS, NEEDS_PRIVATE_REGION, id="S79-403"),
        pytest.param(
            404, payload("error_plain_not_found.txt"), SNAPSHOTS, NEEDS_PRIVATE_REGION, id="plain"
        ),
        pytest.param(404, payload("error_not_found.html"), SNAPSHOTS, WEB_PAGE, id="H28-web-page"),
        pytest.param(404, b"", QUOTA, None, id="not-about-snapshots"),
        pytest.param(403, payload("error_not_found.html"), QUOTA, None, id="403-web-page"),
        pytest.param(
            404, payload("error_database_snapshot_not_found.json"), SNAPSHOTS, None, id="coded"
        ),
        pytest.param(500, b"", SNAPSHOTS, None, id="not-a-refusal"),
    ],
)
def test_a_refusal_says_what_to_check_where_that_is_known(
    status: int, body: bytes, request_: Request, hint: str | None
) -> None:
    message = api_error(status, body, request=request_).message
    assert message.endswith(f"; {hint}") if hint else "; " not in message


def test_an_error_keeps_the_wait_that_was_asked_for() -> None:
    """H35, H39: also one longer than anybody will wait."""
    assert api_error(429, b"", {"retry-after": "86400"}).retry_after == 86_400.0
    assert api_error(503, b"", {"retry-after": "nan"}).retry_after is None


@settings(deadline=None)
@given(
    status=st.integers(-1, 1_200),
    body=st.binary(max_size=80)
    | st.builds(
        lambda *parts: json.dumps(
            dict(zip(("code", "reason", "details"), parts, strict=True))
        ).encode(),
        *[st.none() | st.text(max_size=9) | st.lists(st.integers(), max_size=2)] * 3,
    ),
    location=st.text(max_size=12),
)
def test_any_response_is_data_or_an_error_of_ours(status: int, body: bytes, location: str) -> None:
    """H49: no status and no body makes the reading itself fail."""
    error = failure(status, body, {"location": location})
    if error is None:
        assert status in (200, 201, 202, 204)
    else:
        assert isinstance(error, (ApiError, UnexpectedResponseError))
        assert str(error).isprintable()


def test_every_error_payload_is_read_by_a_test() -> None:
    named = {f"error_{expected.payload}.json" for expected in CODED}
    source = Path(__file__).read_text(encoding="utf-8")
    unused = [
        path.name
        for path in PAYLOADS.glob("error_*")
        if path.name not in named and path.name not in source
    ]
    assert unused == []
