"""Which lent sessions and TLS settings are refused, because the token would not be safe."""

import ssl

import aiohttp

from ..errors import ConfigurationError
from .aiohttp_internals import has_middlewares, tls_of


def check_tls(context: object) -> None:
    """Refuse a context that does not verify, as `ssl=False` is."""
    if problem := _unverified(context):
        raise ConfigurationError(f"the ssl_context is refused: {problem}")


def check_lent(session: object, *, trust_env: bool, has_context: bool) -> None:
    """Refuse a session that would add its own credentials or follow its own rules."""
    problem = ""
    if not isinstance(session, aiohttp.ClientSession):
        problem = "it is no aiohttp.ClientSession"
    elif session.closed:
        problem = "it is closed"
    elif session.auth is not None or "authorization" in session.headers:
        problem = "it has credentials of its own"
    elif "cookie" in session.headers or not isinstance(session.cookie_jar, aiohttp.DummyCookieJar):
        problem = "it keeps cookies; make it with cookie_jar=aiohttp.DummyCookieJar()"
    elif session.trust_env and not trust_env:
        problem = "it uses the environment's proxies; pass trust_env=True if that is meant"
    elif not session.auto_decompress:
        problem = "it does not decompress answers"
    elif has_context:
        problem = "it has its own TLS; give the ssl_context= to its connector instead"
    elif has_middlewares(session):
        problem = "it has middlewares, which would see the token or repeat requests"
    else:
        problem = _unverified(tls_of(session))
    if problem:
        raise ConfigurationError(f"the lent http_session is refused: {problem}")


def _unverified(tls: object) -> str:
    """What it does not verify of a server; empty if it verifies, or pins a fingerprint."""
    if tls is False:
        return "it does not verify TLS certificates"
    if isinstance(tls, ssl.SSLContext):
        if tls.verify_mode is ssl.CERT_NONE:
            return "it does not verify TLS certificates (verify_mode is CERT_NONE)"
        if not tls.check_hostname:
            return "it does not verify whose certificate it is (check_hostname is off)"
    return ""
