/* SPDX-License-Identifier: Apache-2.0 */
/* The server's error codes → verdicts in the user's terms. */
#include "object_store/s3/message.h"

#include <string.h>

#define CHECK_KEYS "check the access key, the secret key and the session token"

static const struct s3_verdict verdicts[] = {
    {"NoSuchKey", SLUICE_OK, OBJECT_ABSENT, SLUICE_CODE_NOT_FOUND, ""},
    {"NoSuchUpload", SLUICE_OK, OBJECT_NO_UPLOAD, SLUICE_CODE_NOT_FOUND, ""},
    {"PreconditionFailed", SLUICE_OK, OBJECT_CHANGED, SLUICE_CODE_CONFLICT, ""},
    {"ConditionalRequestConflict", SLUICE_OK, OBJECT_BUSY, SLUICE_CODE_CONFLICT, ""},
    {"NotImplemented", SLUICE_OK, OBJECT_UNSUPPORTED, SLUICE_CODE_HTTP_STATUS, ""},

    {"NoSuchBucket", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_NOT_FOUND,
     "the bucket does not exist: create it, or correct the url"},
    {"InvalidBucketName", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_CONFIG_INVALID,
     "the server does not allow this bucket name"},

    {"InvalidAccessKeyId", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_AUTH_FAILED,
     "the server does not know the access key: " CHECK_KEYS},
    {"XAdminUserNotFound", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_AUTH_FAILED,
     "the server does not know the access key: " CHECK_KEYS},
    {"SignatureDoesNotMatch", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_AUTH_FAILED,
     "the secret key does not belong to the access key: " CHECK_KEYS},
    {"InvalidToken", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_AUTH_FAILED,
     "the session token is not valid: " CHECK_KEYS},
    {"ExpiredToken", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_AUTH_FAILED,
     "the session token has expired: renew it"},
    {"TokenRefreshRequired", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_AUTH_FAILED,
     "the session token has expired: renew it"},
    {S3_CLOCK_SKEWED, SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_AUTH_FAILED,
     "the clocks of this machine and of the server differ too much: set this machine's clock"},
    {"AccessDenied", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_PERMISSION_DENIED,
     "the credentials do not allow it: grant the permissions that the plugin's page lists"},
    {"AllAccessDisabled", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_PERMISSION_DENIED,
     "all access to the bucket is disabled"},
    {"AuthorizationHeaderMalformed", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_CONFIG_INVALID,
     "the region is not the bucket's: set `region`"},
    {"PermanentRedirect", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_CONFIG_INVALID,
     "the bucket is in another region: set `region`"},
    {"TemporaryRedirect", SLUICE_CONFIG, OBJECT_DONE, SLUICE_CODE_CONFIG_INVALID,
     "the bucket is in another region: set `region`"},

    {"SlowDown", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_THROTTLED, "the server is overloaded"},
    {"Throttling", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_THROTTLED, "the server is overloaded"},
    {"ThrottlingException", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_THROTTLED,
     "the server is overloaded"},
    {"RequestLimitExceeded", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_THROTTLED,
     "the server is overloaded"},
    {"InternalError", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_UNAVAILABLE,
     "the server failed inside"},
    {"ServiceUnavailable", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_UNAVAILABLE,
     "the server is not available"},
    {"OperationAborted", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_CONFLICT,
     "another operation on the same thing is under way"},
    {"RequestTimeout", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_TIMEOUT,
     "the request came too slowly"},
    {"IncompleteBody", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_UNAVAILABLE,
     "the request was cut off on its way"},
    {"BadDigest", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_UNAVAILABLE,
     "the request was damaged on its way"},
    {"XAmzContentSHA256Mismatch", SLUICE_RETRY, OBJECT_DONE, SLUICE_CODE_UNAVAILABLE,
     "the request was damaged on its way"},

    {"InvalidPart", SLUICE_FATAL, OBJECT_DONE, SLUICE_CODE_DELIVERY_FAILED,
     "the server lost a part of the upload"},
    {"EntityTooSmall", SLUICE_FATAL, OBJECT_DONE, SLUICE_CODE_DELIVERY_FAILED,
     "the server demands larger parts: raise `part_size`"},
    {"EntityTooLarge", SLUICE_FATAL, OBJECT_DONE, SLUICE_CODE_DELIVERY_FAILED,
     "the server demands smaller parts: lower `part_size`"},
};

const struct s3_verdict *s3_verdict_find(const char *server_code)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        if (strcmp(verdicts[i].server_code, server_code) == 0) {
            return &verdicts[i];
        }
    }
    return NULL;
}
