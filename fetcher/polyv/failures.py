"""What the client has to tell apart and the rest of the house does not.

::

    PolyvUnavailableError             (domain)
    └── NeverSentError                Polyv cannot have seen the request
        └── TlsRefusedError           TLS says that whoever answers is not Polyv
    PolyvRefusedError                 (domain)
    ├── TimestampRefusedError         error 100: the clock, or a request that waited too long
    └── TooOftenError                 Polyv is asked too often, and says so before it says nothing any more
"""

from fetcher.domain.errors import PolyvRefusedError, PolyvUnavailableError


class NeverSentError(PolyvUnavailableError):
    """No connection came about, so Polyv has done nothing: even a create may be sent again."""


class TlsRefusedError(NeverSentError):
    """The certificate or the protocol of whoever answers is not acceptable; another try meets the same one."""

    retryable = False


class TimestampRefusedError(PolyvRefusedError):
    """Error 100: the timestamp is more than 3 minutes from Polyv's clock.

    Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_get
    """

    retryable = False


class TooOftenError(PolyvRefusedError):
    """HTTP 429, or an envelope that says so: whoever asks on is shut out for five minutes.

    Source: the vendor's SDK, docs/vod/limit.md; RFC 6585, section 4.
    """
