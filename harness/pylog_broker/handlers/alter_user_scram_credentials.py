"""AlterUserScramCredentials (key 51), version 0: sets and takes back SCRAM credentials (KIP-554).

The password comes salted already; what is stored proves knowledge of it and is not the password. A user that is named twice,
even for two mechanisms, gets DUPLICATE_RESOURCE as in Kafka, iterations out of bounds UNACCEPTABLE_CREDENTIAL; what is asked
for other users is done.
"""

from __future__ import annotations

import logging

from harness.pylog_broker.controller.records import Record, RemoveScramCredentialRecord, ScramCredentialRecord
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsRequestUpsertion,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResponseResult,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, CLUSTER_REFUSED, Operation, Resource
from harness.pylog_broker.security.service import SCRAM_CODES
from harness.pylog_broker.storage.errors import StorageError

logger = logging.getLogger(__name__)

MECHANISMS = {code: name for name, code in SCRAM_CODES.items()}
CREDENTIALS_MAX = 100_000


def handle(context: RequestContext, request: AlterUserScramCredentialsRequest) -> AlterUserScramCredentialsResponse:
    """All changes of one user are made, or none."""
    users = dict.fromkeys([row.name for row in request.deletions] + [row.name for row in request.upsertions])
    if not context.allows(Operation.ALTER, Resource.CLUSTER, CLUSTER_NAME):
        return _answer(dict.fromkeys(users, (ErrorCode.CLUSTER_AUTHORIZATION_FAILED, CLUSTER_REFUSED)))
    outcome: dict[str, tuple[int, str | None]] = {}
    records: list[Record] = []
    for user in users:
        changes = _changes(context, request, user)
        if isinstance(changes, tuple):
            outcome[user] = changes
        else:
            outcome[user] = (ErrorCode.NONE, None)
            records += changes
    try:
        context.broker.catalog.controller.record(records)
    except StorageError as failure:
        logger.error("credentials: %s", failure)
        return _answer(dict.fromkeys(users, (failure.error_code, str(failure))))
    return _answer(outcome)


def _changes(
    context: RequestContext, request: AlterUserScramCredentialsRequest, user: str
) -> list[Record] | tuple[int, str]:
    """The records of one user's changes, or the error and why."""
    image = context.broker.catalog.image
    deletions = [row.mechanism for row in request.deletions if row.name == user]
    upsertions = [row for row in request.upsertions if row.name == user]
    named = deletions + [row.mechanism for row in upsertions]
    if not user:
        return ErrorCode.UNACCEPTABLE_CREDENTIAL, "the name of a user is not empty"
    if len(named) > 1:
        return ErrorCode.DUPLICATE_RESOURCE, "a user credential cannot be altered twice in one request"
    if set(named) - set(MECHANISMS):
        return ErrorCode.UNSUPPORTED_SASL_MECHANISM, f"mechanisms are {MECHANISMS}"
    for mechanism in deletions:
        if (user, mechanism) not in image.scram:
            return ErrorCode.RESOURCE_NOT_FOUND, "there is no such credential"
    for row in upsertions:
        if error := _refuse(row):
            return ErrorCode.UNACCEPTABLE_CREDENTIAL, error
    if len(image.scram) + len(upsertions) > CREDENTIALS_MAX:
        return ErrorCode.POLICY_VIOLATION, f"at most {CREDENTIALS_MAX} credentials are kept"
    removals: list[Record] = [RemoveScramCredentialRecord(user, mechanism) for mechanism in deletions]
    return removals + [_record(row) for row in upsertions]


def _refuse(row: AlterUserScramCredentialsRequestUpsertion) -> str | None:
    from harness.pylog_broker.security.scram import ITERATIONS_MAX, ITERATIONS_MIN

    if not ITERATIONS_MIN <= row.iterations <= ITERATIONS_MAX:
        return f"iterations must be in {ITERATIONS_MIN} .. {ITERATIONS_MAX}, not {row.iterations}"
    if not row.salt or not row.salted_password:
        return "salt and salted password are not empty"
    return None


def _record(row: AlterUserScramCredentialsRequestUpsertion) -> ScramCredentialRecord:
    from harness.pylog_broker.security.scram import from_salted_password

    mechanism = MECHANISMS[row.mechanism]
    made = from_salted_password(mechanism, bytes(row.salt), bytes(row.salted_password), row.iterations)
    return ScramCredentialRecord(
        row.name, row.mechanism, made.salt.hex(), made.stored_key.hex(), made.server_key.hex(), made.iterations
    )


def _answer(outcome: dict[str, tuple[int, str | None]]) -> AlterUserScramCredentialsResponse:
    return AlterUserScramCredentialsResponse(
        results=[AlterUserScramCredentialsResponseResult(user, *error) for user, error in outcome.items()]
    )


API = Api(51, "AlterUserScramCredentials", 0, 0, AlterUserScramCredentialsRequest, handle)
