"""ApiVersions (key 18), versions 0 to 4.

Answers with the index of schemas, each of which has its handler, so that a client never sees an API that is not
implemented. Version 3 and later name the client's software, which is checked for form (KIP-511). A version above 4 is
answered by the dispatcher with a version 0 body and UNSUPPORTED_VERSION. The encoded table is kept: it never changes
while the broker runs.

Features (KIP-584), for versions 3 and later: what `controller.features` supports, each finalized at its maximum, because the
code behind it is always on; the epoch is the offset of the metadata log that says so.
"""

from __future__ import annotations

import re

from harness.pylog_broker.controller.features import FEATURES
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.api_versions import (
    ApiVersionsRequest,
    ApiVersionsResponse,
    ApiVersionsResponseApiVersion,
    ApiVersionsResponseFinalizedFeature,
    ApiVersionsResponseSupportedFeature,
)
from harness.pylog_broker.protocol.generated.index import APIS

ADVERTISED_FROM = {0: 0}
"""API key -> first version that is advertised, where it is not the first that is answered; see `produce`."""

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
    controller = context.broker.catalog.controller
    rows = [
        ApiVersionsResponseApiVersion(key, ADVERTISED_FROM.get(key, first), last)
        for key, (_, _, first, last, _) in sorted(APIS.items())
        if key in context.broker.apis
    ]
    return ApiVersionsResponse(
        error_code=ErrorCode.NONE,
        api_keys=rows,
        supported_features=[
            # Clients of before version 4 stumble over a minimum of 0 (KAFKA-17011).
            ApiVersionsResponseSupportedFeature(name, max(feature.minimum, int(context.version < 4)), feature.maximum)
            for name, feature in FEATURES.items()
        ],
        finalized_features_epoch=controller.broker_epoch,
        finalized_features=[
            ApiVersionsResponseFinalizedFeature(name, level, level) for name, level in controller.image.features.items()
        ],
    )


API = Api(18, "ApiVersions", 0, 4, ApiVersionsRequest, handle)
