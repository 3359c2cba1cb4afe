"""UpdateFeatures (key 57), versions 0 to 2: finalize features at other levels (KIP-584, KIP-1022).

Every feature that this broker supports is finalized at its level from the start, because the code behind it is always on. A
request for that level is granted; another one is INVALID_UPDATE_VERSION, and an unknown feature INVALID_UPDATE_VERSION too.
Several updates are made together or not at all; version 2 has one error for all of them.

Left out: downgrades, and levels below the supported one.
"""

from __future__ import annotations

from collections import Counter

from harness.pylog_broker.controller.features import FEATURES
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.update_features import (
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
    UpdateFeaturesResponseResult,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource

RESULTS_UP_TO = 1


def handle(context: RequestContext, request: UpdateFeaturesRequest) -> UpdateFeaturesResponse:
    """Grant what is the case already."""
    if not context.allows(Operation.ALTER, Resource.CLUSTER, CLUSTER_NAME):
        return UpdateFeaturesResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    names = Counter(update.feature for update in request.feature_updates)
    results = []
    for update in request.feature_updates:
        error, message = _judge(update.feature, update.max_version_level, names[update.feature])
        results.append(UpdateFeaturesResponseResult(update.feature, error, message))
    failed = next((result for result in results if result.error_code), None)
    if context.version <= RESULTS_UP_TO:
        return UpdateFeaturesResponse(error_code=ErrorCode.NONE, results=results)
    if failed is not None:
        message = f"The update failed for all features since the following feature had an error: {failed.error_message}"
        return UpdateFeaturesResponse(error_code=failed.error_code, error_message=message)
    return UpdateFeaturesResponse(error_code=ErrorCode.NONE)


def _judge(name: str, level: int, times: int) -> tuple[int, str | None]:
    if times > 1:
        return ErrorCode.INVALID_REQUEST, f"'{name}' is named more than once"
    if name not in FEATURES:
        return ErrorCode.INVALID_UPDATE_VERSION, f"feature '{name}' is not supported here; {sorted(FEATURES)} are"
    if level != FEATURES[name].maximum:
        return ErrorCode.INVALID_UPDATE_VERSION, f"'{name}' stays at level {FEATURES[name].maximum}, not {level}"
    return ErrorCode.NONE, None


API = Api(57, "UpdateFeatures", 0, 2, UpdateFeaturesRequest, handle)
