"""ApiVersions (key 18), versions 0 to 4.

Answers with the table of handlers, so that a client never sees an API that is not implemented. Version 3 and later
name the client's software, which is checked for form (KIP-511). A version above 4 is answered by the dispatcher with
a version 0 body and UNSUPPORTED_VERSION. The encoded table is kept: it never changes while the broker runs.

Left out: supported and finalized features; there are none until transactions and KIP-848 are here.
"""

from __future__ import annotations

import re

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.api_versions import (
    ApiVersionsRequest,
    ApiVersionsResponse,
    ApiVersionsResponseApiVersion,
)

_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


def handle(context: RequestContext, request: ApiVersionsRequest) -> ApiVersionsResponse | bytes:
    """Answer with every API of the table."""
    if context.version >= 3 and not (
        _SOFTWARE.fullmatch(request.client_software_name) and _SOFTWARE.fullmatch(request.client_software_version)
    ):
        return ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)
    cache = context.broker.api_versions_cache
    encoded = cache.get(context.version)
    if encoded is None:
        encoded = bytes(_table(context).encode(context.version))
        cache[context.version] = encoded
    return encoded


def _table(context: RequestContext) -> ApiVersionsResponse:
    rows = [
        ApiVersionsResponseApiVersion(
            api.key,
            api.min_version if api.min_version_advertised is None else api.min_version_advertised,
            api.max_version,
        )
        for api in sorted(context.broker.apis.values(), key=lambda api: api.key)
    ]
    return ApiVersionsResponse(error_code=ErrorCode.NONE, api_keys=rows)


API = Api(18, "ApiVersions", 0, 4, ApiVersionsRequest, handle)
