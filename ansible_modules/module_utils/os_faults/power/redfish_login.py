"""The way into a Redfish service, by sushy, and what sushy's errors mean.

sushy is imported here only, so the module says by `require` what is missing where it is.
"""

from __future__ import annotations

import ssl
import traceback
from typing import Any, Mapping
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults.power import again, redfish, steps

try:
    import sushy
    from sushy.exceptions import (
        AccessError,
        HTTPError,
        MissingAttributeError,
        MissingXAuthToken,
        ResourceNotFoundError,
    )
except ImportError:
    sushy = None
    SUSHY_TRACEBACK = traceback.format_exc()

NEVER_SENT = frozenset({"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "gaierror"})
"""Errors of urllib3 and Python after which a request surely was not sent."""

NO_SESSIONS = frozenset({200, 201, 404, 405, 501})
"""HTTP statuses of a service that makes no session, or one without a token."""


def require(module: AnsibleModule) -> None:
    """End the module with a sentence where sushy can't be imported."""
    if sushy is None:
        module.fail_json(msg=steps.missing("sushy", "os-faults[redfish]"), exception=SUSHY_TRACEBACK)


def macs_of(system: Any) -> set[str]:
    """Return the MAC addresses of the interfaces of a system, in lower case; of one that tells none, none."""
    try:
        cards = system.ethernet_interfaces.get_members()
    except (MissingAttributeError, ResourceNotFoundError):
        return set()
    macs = {mac for card in cards for mac in (card.mac_address, card.permanent_mac_address) if mac}
    return {steps.plain_mac(mac) for mac in macs}


def chain_of(error: BaseException) -> list[BaseException]:
    """Return an error and those behind it, the innermost last.

    >>> chain_of(OSError(111, "Connection refused"))
    [ConnectionRefusedError(111, 'Connection refused')]
    """
    chain = [error]
    while inner := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(inner)
    return chain


def body_of(answer: Any) -> Any:
    """Return the JSON of an answer, or None."""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


class Told(Exception):
    """The last answer of the service is an error."""


class Login:
    """The way into a Redfish service: by HTTP basic authentication, or by a session where that is refused.

    Basic authentication is tried first, as a service has few sessions and keeps one that was lost for long.
    """

    def __init__(self, url: str, params: Mapping[str, Any]) -> None:
        self.url = url
        self.username = params["username"]
        self._password = params["password"] or ""
        self._verify = (params["ca_file"] or True) if params["verify"] else False
        self._patience = params["connect_timeout"]
        self._basic = True
        self._auth: Any = None
        self._connector: Any = None
        self._root: Any = None
        self._answer: Any = None  # the last one

    def root(self) -> Any:
        """Return the root of the service; log in when that is not done yet."""
        if self._root is None:
            self._root = self._with_basic() if self._basic else None
        if self._root is None:
            self._root = self._with_session()
        return self._root

    def task(self) -> str:
        """Return the path of the task that the last answer tells of; empty when there is none."""
        answer = self._answer
        return redfish.task_of(answer.headers, body_of(answer)) if answer.status_code == 202 else ""

    def failure_of(self, task: str) -> tuple[str | None, float]:
        """Return what `redfish.failed_task` tells of a task, and how many seconds it wants to be left alone."""
        try:
            self._connector.get(task)
        except (Told, HTTPError):
            if redfish.kind_of(self._answer.status_code, body_of(self._answer)) != again.REFUSED:
                raise
        answer = self._answer
        return redfish.failed_task(answer.status_code, body_of(answer)), redfish.seconds_of(answer.headers)

    def close(self) -> None:
        """End the session, if there is one."""
        root, self._root = self._root, None
        if root is not None:
            try:
                self._auth.close()
            finally:
                if not self._basic:
                    self._auth.reset_session_attrs()  # or else sushy tries once more when it is deleted
                self._connector.close()

    def trouble(self, error: Exception, lost: str) -> again.Trouble:
        """Return what an error of sushy or requests means; ``lost`` is the kind where an answer is missing."""
        if isinstance(error, (Told, HTTPError)):
            return self._told()
        chain = chain_of(error)
        cause = chain[-1]
        words = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or str(cause)
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = f"the certificate of the BMC at {self.url} is not trusted: {words} (see verify)"
            return again.Trouble(why, again.REFUSED)
        if isinstance(error, (sushy.exceptions.ConnectionError, OSError)):
            never_sent = any(type(each).__name__ in NEVER_SENT for each in chain)
            return again.Trouble(f"no BMC answers at {self.url}: {words}", again.ABSENT if never_sent else lost)
        told = str(error) if isinstance(error, (sushy.exceptions.SushyError, ValueError)) else repr(error)
        return again.Trouble(f"what answers at {self.url} is no Redfish service: {told}", lost)

    def _with_basic(self) -> Any:
        """Return the root as seen with HTTP basic authentication; None where that is refused."""
        root = self._opened(sushy.auth.BasicAuth(self.username, self._password))
        try:
            root.get_system_collection()
        except AccessError:
            self._basic = False
            return None
        return root

    def _with_session(self) -> Any:
        refusal = self._answer
        try:
            return self._opened(sushy.auth.SessionAuth(self.username, self._password))
        except (ResourceNotFoundError, MissingXAuthToken, Told):
            if refusal is not None and self._answer.status_code in NO_SESSIONS:
                self._answer = refusal  # so it is the login that is wrong
            raise

    def _opened(self, auth: Any) -> Any:
        self._auth = auth
        self._connector = sushy.connector.Connector(
            self.url,
            verify=self._verify,
            server_side_retries=1,  # sushy asks once, and we ask again
            default_request_timeout=self._patience,
            connect_timeout=self._patience,
            response_callback=self._keep,
        )
        return sushy.Sushy(self.url, auth=auth, connector=self._connector)

    def _keep(self, answer: Any) -> None:
        """Keep an answer for its reason, and raise the errors that sushy does not act on itself."""
        self._answer = answer
        self._connector.close()  # the service was told to close it, so the next request may meet its end
        if answer.status_code >= 400 and answer.status_code not in (401, 403, 404, 406):
            raise Told

    def _told(self) -> again.Trouble:
        """Return the trouble that the service has told in its last answer."""
        status, body = self._answer.status_code, body_of(self._answer)
        why, kind = redfish.reason(body), redfish.kind_of(status, body)
        if kind == again.DENIED:
            what = f"the BMC at {self.url} refuses the user '{self.username}' or the password"
            return again.Trouble(f"{what}: {why}" if why else what, kind)
        path = urlsplit(self._answer.url).path
        why = why or f"HTTP status {status:d} from {path}, without a reason"
        return again.Trouble(f"the BMC at {self.url}: {why}", kind, redfish.seconds_of(self._answer.headers))
