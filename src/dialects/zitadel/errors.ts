// Errors on the wire: a gRPC code, a message of the form `text (ID)`, and an ErrorDetail with the id.
// Over REST the same as JSON, with the HTTP status that grpc-gateway gives the code.

import { create, type JsonObject, toJson } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';
import { AnnalsError, type ErrorCode } from '../../core/errors.ts';

const HTTP_STATUS: Record<Code, number> = {
  [Code.Canceled]: 499,
  [Code.Unknown]: 500,
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.ResourceExhausted]: 429,
  [Code.FailedPrecondition]: 400,
  [Code.Aborted]: 409,
  [Code.OutOfRange]: 400,
  [Code.Unimplemented]: 501,
  [Code.Internal]: 500,
  [Code.Unavailable]: 503,
  [Code.DataLoss]: 500,
  [Code.Unauthenticated]: 401,
};

/** An error with an id: `text (ID)`, and the ErrorDetail that says both. */
export function errorWithId(code: Code, id: string, text: string): ConnectError {
  const detail = { desc: ErrorDetailSchema, value: { id, message: text } };
  return new ConnectError(`${text} (${id})`, code, undefined, [detail]);
}

export const refusals = {
  noHeader: () => new ConnectError('auth header missing', Code.Unauthenticated),
  badHeader: () => errorWithId(Code.Unauthenticated, 'AUTH-toLo1', 'invalid auth header'),
  badToken: () => errorWithId(Code.Unauthenticated, 'AUTH-7fs1e', 'Errors.Token.Invalid'),
  noOrganization: () => errorWithId(Code.PermissionDenied, 'AUTH-Bs7Ds', "Organisation doesn't exist"),
  noMembership: () => errorWithId(Code.NotFound, 'AUTHZ-cdgFk', 'membership not found'),
  noPermission: () => errorWithId(Code.PermissionDenied, 'AUTH-5mWD2', 'No matching permissions found'),
  noDatabase: () => errorWithId(Code.Internal, 'SQL-KyeAx', 'unable to filter events'),
  panic: () => errorWithId(Code.Internal, 'RECOVER', 'Errors.Internal'),
  unknownPath: () => new ConnectError('Not Found', Code.NotFound),
  wrongVerb: () => new ConnectError('Method Not Allowed', Code.Unimplemented),
  unimplemented: (name: string) => new ConnectError(`${name} is not implemented`, Code.Unimplemented),
  invalid: (message: string) => new ConnectError(message, Code.InvalidArgument),
  tooLarge: (limit: number) =>
    new ConnectError(`the message is larger than ${limit} bytes`, Code.ResourceExhausted),
} as const;

/** What is no refusal of input or caller. Anything else that input was refused for is an invalid argument. */
const BY_CODE: Partial<Record<ErrorCode, () => ConnectError>> = {
  unauthenticated: refusals.badToken,
  forbidden: refusals.noPermission,
  internal: refusals.panic,
  storage_full: refusals.noDatabase,
  store_unavailable: refusals.noDatabase,
  head_went_back: refusals.noDatabase,
};

/** Whatever was thrown, as the wire says it. What is not the caller's doing is left to the logger. */
export function toWireError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!(error instanceof AnnalsError)) return refusals.panic();
  const known = BY_CODE[error.code];
  if (known !== undefined) return known();
  const { retryAfterSeconds } = error.facts;
  const metadata = retryAfterSeconds === undefined ? undefined : { 'retry-after': String(retryAfterSeconds) };
  return new ConnectError(error.message, codeOf(error.status), metadata);
}

function codeOf(status: number): Code {
  if (status === 404) return Code.NotFound;
  if (status === 413 || status === 429) return Code.ResourceExhausted;
  if (status === 408) return Code.DeadlineExceeded;
  return status === 503 ? Code.Unavailable : Code.InvalidArgument;
}

/** Errors that are the caller's doing, and need no line in the logger. */
export function isExpected(error: unknown): boolean {
  if (error instanceof ConnectError) return error.code !== Code.Internal && error.code !== Code.Unknown;
  return error instanceof AnnalsError && (error.status < 500 || error.code === 'shutting_down');
}

export function restStatus(error: ConnectError): number {
  return HTTP_STATUS[error.code];
}

export function restBody(error: ConnectError): string {
  const details = error.findDetails(ErrorDetailSchema).map((detail) => ({
    '@type': `type.googleapis.com/${ErrorDetailSchema.typeName}`,
    ...(toJson(ErrorDetailSchema, create(ErrorDetailSchema, detail)) as JsonObject),
  }));
  return JSON.stringify({
    code: error.code,
    message: error.rawMessage,
    ...(details.length === 0 ? {} : { details }),
  });
}
