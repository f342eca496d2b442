"""The client: one token, one pool of connections, one set of limits, views on any region."""

import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from . import _arguments, states
from ._clock import Clock, SystemClock
from ._config import Settings, check_region, resolve
from ._limits import Limiter
from ._owning import Creations
from ._progress import PollPolicy
from ._retry import RetryPolicy, policy_for
from ._session import Session
from ._timeouts import Timeouts
from ._transport import HttpOptions, HttpSession, Transport
from ._watching import Watcher
from .errors import ConfigurationError
from .events import ExtraSnapshot, Listener, UnknownState
from .models import Snapshot
from .outcomes import Unresolved
from .resources._scope import Scope
from .resources._snapshot_waits import looks_of
from .resources.instances import Instances
from .resources.quota import Quotas
from .resources.region_snapshots import RegionSnapshots
from .resources.regions import Regions
from .resources.schedules import Schedules
from .resources.snapshots import Snapshots

DEFAULT_CONCURRENCY = 10
DEFAULT_MAX_BODY = 8 << 20


class _Core:
    """What the views of one client share: session, watchers, settings."""

    def __init__(
        self,
        session: Session,
        clock: Clock,
        *,
        poll: PollPolicy,
        table: states.StateTable,
        concurrency: int,
    ) -> None:
        self.session = session
        self.poll = poll
        self.table = table
        self.concurrency = concurrency
        self._clock = clock
        self._watchers: dict[str, Watcher] = {}
        self.creations = Creations(clock, session.tell)

    def watcher(self, scope: Scope) -> Watcher:
        """The one watcher of a region, whose code may be spelled in either case."""
        region = scope.named_region().upper()
        if region not in self._watchers:
            self._watchers[region] = Watcher(
                looks_of(scope),
                self._clock,
                on_unknown=self._tell_unknown,
                pause_left=self.session.pause_left,
                pace=self.session.pace,
            )
        return self._watchers[region]

    def _tell_unknown(self, snapshot: Snapshot, state: str) -> None:
        self.session.tell(UnknownState(snapshot, state))

    async def close(self) -> None:
        for watcher in self._watchers.values():
            await watcher.close()
        await self.creations.close()
        await self.session.close()


class RegionView:
    """The API's resources in one region, over the connections and limits of a client.

    Attributes:
        region: the region's code, or None if none was named.
        instances, snapshots, region_snapshots, schedules, regions, quota: the resources.
    """

    def __init__(self, core: _Core, region: str | None) -> None:
        self._core = core
        self.region = region
        scope = Scope(core.session, region, core.creations)
        self.instances = Instances(scope)
        self.snapshots = Snapshots(
            scope, _bound(core, scope), core.poll, core.table, core.concurrency
        )
        self.region_snapshots = RegionSnapshots(scope)
        self.schedules = Schedules(scope)
        self.regions = Regions(scope)
        self.quota = Quotas(scope)

    def in_region(self, region: str) -> "RegionView":
        """The same client in another region; raises `ConfigurationError` for an impossible code."""
        return RegionView(self._core, check_region(region))

    @property
    def requests_sent(self) -> int:
        """How many requests this client has sent so far, retries and polls included."""
        return self._core.session.requests_sent

    @property
    def unresolved(self) -> tuple[Unresolved, ...]:
        """Every create whose caller was cancelled after it may have acted, and what it made."""
        return self._core.creations.unresolved

    @property
    def extra_snapshots(self) -> tuple[ExtraSnapshot, ...]:
        """Every snapshot too many that a create made by acting after it was sent again."""
        return tuple(self._core.creations.extras)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} region={self.region!r}>"


def _bound(core: _Core, scope: Scope) -> Callable[[], Watcher]:
    return lambda: core.watcher(scope)


class CivoClient(RegionView):
    """The entry point; use it as ``async with CivoClient(region="LON1") as civo:``.

    The token is the argument, CIVO_TOKEN, or the current (or named) key of the civo CLI's file:
    CIVO_CREDENTIAL_FILE, CIVO_CONFIG or ~/.civo.json. The region is the argument, CIVO_REGION, or
    the file's default if the token came from there. Raises `ConfigurationError`.

    Args:
        profile: the name of a key in the CLI's file.
        api_url: ``https://host[:port]``; plain http only to this machine.
        timeouts: limits in seconds, see `Timeouts`.
        retries: True for the default `RetryPolicy`, False for none, or a policy.
        concurrency: requests at once; polls have two places besides.
        poll: how waits look, see `PollPolicy`.
        states: further state texts and what they mean, for deployments with their own spellings.
        max_body: bytes of an answer, decompressed; a listing of 10,000 snapshots has about 5 MB.
            Where a wait reads the region, it is what one item of it may have.
        http_session: a session of the HTTP library to use instead of an own one; it stays open. It
            must have no credentials, no cookie jar but the dummy one, and no environment proxies.
        trust_env: use the environment's proxies and netrc.
        ssl_context: for a private certificate authority; verification cannot be switched off.
        allow_insecure_http: send the token in clear to other machines.
        on_event: told of retries and unknown states.
        clock: the source of time, replaceable in tests.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        region: str | None = None,
        profile: str | None = None,
        api_url: str | None = None,
        timeouts: Timeouts | None = None,
        retries: bool | RetryPolicy = True,
        concurrency: int = DEFAULT_CONCURRENCY,
        poll: PollPolicy | None = None,
        states: Mapping[str, states.State] | None = None,
        max_body: int = DEFAULT_MAX_BODY,
        http_session: HttpSession | None = None,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        allow_insecure_http: bool = False,
        on_event: Listener | None = None,
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
        if isinstance(settings, ConfigurationError):
            raise settings.with_traceback(None)
        limits, time = timeouts or Timeouts(), clock or SystemClock()
        _arguments.count(concurrency, "concurrency", most=10_000)
        options = HttpOptions(
            limits,
            connections=concurrency + Limiter.POLLS,
            max_body=_arguments.count(max_body, "max_body", most=1 << 40),
            trust_env=_arguments.boolean(trust_env, "trust_env"),
            ssl_context=ssl_context,
        )
        session = Session(
            Transport(settings.url, settings.token, options, http_session),
            Limiter(concurrency, time),
            time,
            timeouts=limits,
            policy=policy_for(retries),
            listener=on_event,
        )
        core = _Core(
            session,
            time,
            poll=poll or PollPolicy(),
            table=_table(states),
            concurrency=concurrency,
        )
        super().__init__(core, settings.region)

    async def close(self) -> None:
        """End waits and calls in flight with `ClientClosedError`, and close the connections."""
        await self._core.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def _resolved(
    token: str | None,
    region: str | None,
    *,
    profile: str | None,
    api_url: str | None,
    allow_insecure_http: bool,
) -> Settings | ConfigurationError:
    """The settings, or the error, so that it is raised where no local variable is the token."""
    try:
        return resolve(
            token,
            region,
            profile=profile,
            api_url=api_url,
            allow_insecure_http=allow_insecure_http,
        )
    except ConfigurationError as error:
        return error


def _table(extra: Mapping[str, states.State] | None) -> states.StateTable:
    return states.extended(extra) if extra else states.DEFAULT_STATES
