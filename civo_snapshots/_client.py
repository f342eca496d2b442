"""The client: one token, one pool of connections, one set of limits, views on any region."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import cached_property, partial
from types import TracebackType
from typing import Self, TypeVar

from . import _validation, resources
from ._api import RegionApi, SentRestores
from ._clock import Clock, SystemClock
from ._config import Settings, check_region, resolve
from ._create import CreateSupervisor, Unresolved
from ._http import HttpOptions, HttpSession, TokenCallable, Transport
from ._session import Limiter, RetryPolicy, Session, Timeouts, policy_for
from ._version import made_by_a_client
from ._watch import PollPolicy, StateReporter, Watcher
from .errors import CivoError
from .events import ExtraSnapshot, Listener
from .states import State, StateTable, extended

T = TypeVar("T")
DEFAULT_CONCURRENCY = 50
DEFAULT_MAX_BODY = 8 << 20


class ClientState:
    """What the views of one client share: session, settings, creates, one watcher per region."""

    def __init__(
        self, session: Session, *, poll: PollPolicy, states: StateTable, concurrency: int
    ) -> None:
        self.session = session
        self.poll = poll
        self.states = states
        self.concurrency = concurrency
        self.creates = CreateSupervisor(session.clock, session.tell)
        self.restores = SentRestores()
        self._states_met = StateReporter(session.tell)
        self._watchers: dict[str, Watcher] = {}

    def watcher(self, api: RegionApi) -> Watcher:
        """The one watcher of a region, whose code may be spelled in either case."""
        region = api.named_region().upper()
        if region not in self._watchers:
            self._watchers[region] = Watcher(
                api,
                self.session.clock,
                states_met=self._states_met,
                paused_for=self.session.paused_for,
                rate_limit_interval=self.session.rate_limit_interval,
            )
        return self._watchers[region]

    async def close(self) -> None:
        """End waits, runs and creates that nobody waits for any more, and the connections.

        All of that ends, also if something fails on the way; a cancellation only ends the waiting
        for creates on their way.
        """
        async with AsyncExitStack() as last_first:
            last_first.push_async_callback(self.session.close)
            last_first.push_async_callback(self.creates.close)
            for watcher in self._watchers.values():
                last_first.push_async_callback(watcher.close)
            await self.creates.leave_runs()
            await asyncio.gather(*(watcher.close() for watcher in self._watchers.values()))
            await self.creates.drain()


class RegionView:
    """The API's resources in one region, over the connections and limits of a client.

    Attributes:
        region: the region's code, or None if none was named.
    """

    @made_by_a_client
    def __init__(self, state: ClientState, region: str | None) -> None:
        self._state = state
        self._api = RegionApi(state.session, region, state.restores)
        self.region = region

    @cached_property
    def instances(self) -> resources.Instances:
        """What snapshots are made of."""
        return resources.Instances(self._api)

    @cached_property
    def snapshots(self) -> resources.Snapshots:
        """The snapshots of instances, with all calls, waits, and runs over many instances."""
        state = self._state
        return resources.Snapshots(
            self._api,
            state.creates,
            partial(state.watcher, self._api),
            policy=state.poll,
            states=state.states,
            concurrency=state.concurrency,
        )

    @cached_property
    def region_snapshots(self) -> resources.RegionSnapshots:
        """The same snapshots, without naming their instances."""
        return resources.RegionSnapshots(self._api, self._state.creates)

    @cached_property
    def schedules(self) -> resources.Schedules:
        """What makes snapshots regularly."""
        return resources.Schedules(self._api)

    @cached_property
    def regions(self) -> resources.Regions:
        """The regions that the token can see."""
        return resources.Regions(self._api)

    @cached_property
    def quota(self) -> resources.Quotas:
        """How many snapshots the account may have."""
        return resources.Quotas(self._api)

    def in_region(self, region: str) -> RegionView:
        """The same client in another region; nothing is sent.

        Args:
            region: its code, such as "NYC1".

        Raises:
            ConfigurationError: a code that cannot be.
        """
        return RegionView(self._state, check_region(region))

    @property
    def requests_sent(self) -> int:
        """How many requests this client has sent so far, retries and polls included."""
        return self._state.session.requests_sent

    @property
    def unresolved(self) -> Unresolved:
        """What no caller was told, such as the outcome of a create that was cancelled in flight."""
        return self._state.creates.unresolved

    @property
    def extra_snapshots(self) -> tuple[ExtraSnapshot, ...]:
        """The snapshots too many that creates have made: those of `unresolved`."""
        return self.unresolved.extra_snapshots

    def __repr__(self) -> str:
        return f"<{type(self).__name__} region={self.region!r}>"


class CivoClient(RegionView):
    """The entry point; use it as ``async with CivoClient(region="LON1") as civo:``.

    The token is the argument, CIVO_TOKEN, or the current (or named) key of the civo CLI's file:
    CIVO_CREDENTIAL_FILE, CIVO_CONFIG or ~/.civo.json. The region is the argument, CIVO_REGION, or
    the file's default if the token came from there.

    Args:
        token: the text, or for one that is rotated a function without arguments, async or not, that
            returns it. It is asked when the first request is due, and again after a 401, once for
            all requests that met it; each is then repeated at once, also without `retries`, since
            the API did nothing with it. Its time counts as the call's.
        region: its code, such as "LON1". Without one, only `regions` and `in_region()` can be used.
        profile: the name of a key in the CLI's file.
        api_url: ``https://host[:port]``; plain http only to this machine.
        timeouts: limits in seconds, see `Timeouts`.
        retries: True for the default `RetryPolicy`, False for none, or a policy.
        concurrency: requests at once at most, beginning with ten; it finds its level below that by
            what the server refuses (429). Polls have two places besides.
        max_rate: requests a second at most; None for as many as the server takes.
        poll: how waits poll, see `PollPolicy`.
        states: further state texts and what they mean, for deployments with their own spellings.
        max_body: bytes of an answer, decompressed; a listing of 10,000 snapshots has about 5 MB.
            Where a wait reads the region, it is what one item of it may have.
        http_session: a session of the HTTP library to use instead of an own one; it stays open. It
            must have no credentials, no cookie jar but the dummy one, no environment proxies, no
            middlewares, and verified TLS of its own: it excludes `ssl_context`.
        trust_env: use the environment's proxies, but for an http:// `api_url`; netrc has no say in
            the token.
        ssl_context: for a private certificate authority; one that does not verify is refused.
        allow_insecure_http: send the token in clear to other machines.
        app: the name of your program, such as "backup-service/2.1", for the User-Agent.
        on_event: a function, or several, called with each event of `civo_snapshots.events`; must
            not block. What it raises is logged and harms no call.
        clock: the source of time, replaceable in tests.

    Raises:
        ConfigurationError: no token was found, or something that it is given cannot be.

    Example::

        async with CivoClient(region="LON1") as civo:
            snapshot = await civo.snapshots.create(instance_id)
            await civo.snapshots.wait_until_complete(snapshot, timeout=3600)
    """

    def __init__(
        self,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        *,
        region: str | None = None,
        profile: str | None = None,
        api_url: str | None = None,
        timeouts: Timeouts | None = None,
        retries: bool | RetryPolicy = True,
        concurrency: int = DEFAULT_CONCURRENCY,
        max_rate: float | None = None,
        poll: PollPolicy | None = None,
        states: Mapping[str, State] | None = None,
        max_body: int = DEFAULT_MAX_BODY,
        http_session: HttpSession | None = None,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        allow_insecure_http: bool = False,
        app: str = "",
        on_event: Listener | Iterable[Listener] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.region: str | None = None  # for repr(), should anything below be refused
        settings = _resolved(
            token,
            region,
            profile=profile,
            api_url=api_url,
            allow_insecure_http=allow_insecure_http,
        )
        del token  # a traceback shows locals
        if isinstance(settings, CivoError):
            raise settings.with_traceback(None)
        limits = _given(timeouts, Timeouts, "timeouts") or Timeouts()
        time = SystemClock() if clock is None else clock
        _validation.with_methods(time, ("monotonic", "now", "sleep"), "clock")
        listeners: tuple[Listener, ...] = _validation.callbacks(on_event, "on_event")
        _validation.count(concurrency, "concurrency", most=10_000)
        if max_rate is not None:
            _validation.seconds(max_rate, "max_rate")
        options = HttpOptions(
            connect=limits.connect,
            silence=limits.read,
            connections=concurrency + Limiter.POLLS,
            max_body=_validation.count(max_body, "max_body", most=1 << 40),
            trust_env=_validation.boolean(trust_env, "trust_env"),
            ssl_context=_given(ssl_context, ssl.SSLContext, "ssl_context"),
            app=_validation.application(app) if app != "" else "",
        )
        session = Session(
            Transport(settings.url, settings.token, options, http_session),
            Limiter(concurrency, time, max_rate),
            time,
            timeouts=limits,
            policy=policy_for(retries),
            listeners=listeners,
        )
        state = ClientState(
            session,
            poll=_given(poll, PollPolicy, "poll") or PollPolicy(),
            states=extended(_validation.state_table({} if states is None else states)),
            concurrency=concurrency,
        )
        super().__init__(state, settings.region)

    async def close(self) -> None:
        """End waits and calls in flight with `ClientClosedError`, and close the connections.

        Waits up to 20 seconds for creates whose callers are gone; cancelled, it waits no longer and
        still closes everything.
        """
        await self._state.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def _given(value: T | None, kind: type[T], what: str) -> T | None:
    """What was given, which must be of this class."""
    return None if value is None else _validation.of_type(value, kind, what)


def _resolved(
    token: str | TokenCallable | None,
    region: str | None,
    *,
    profile: str | None,
    api_url: str | None,
    allow_insecure_http: bool,
) -> Settings | CivoError:
    """The settings, or the error, so that it is raised where no local variable is the token."""
    try:
        return resolve(
            token,
            region,
            profile=profile,
            api_url=api_url,
            allow_insecure_http=allow_insecure_http,
        )
    except CivoError as error:
        return error
