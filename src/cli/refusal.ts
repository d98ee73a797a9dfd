// What the server refused, for the person at the terminal: problem details of the native API, or the
// errors of the Provisioning API, of which one answer may have several.

import type { Problem } from '../http/problem.ts';
import { CliError, EXIT, exitCodeOfStatus } from './exit.ts';

interface ErrorObject {
  title: string;
  detail: string;
  code: string;
  source?: { pointer?: string };
}

/** The error of an answer that is not what was asked for. */
export function refusalError(url: string, status: number, body: unknown): CliError {
  const { detail, code, errors } = (body ?? {}) as Partial<Problem> & { errors?: ErrorObject[] };
  if (typeof detail === 'string') return new CliError(exitCodeOfStatus(status), detail, code);
  if (Array.isArray(errors) && errors[0] !== undefined) {
    const lines = errors.map((error) => (status === 422 ? faultText(error) : error.detail));
    return new CliError(exitCodeOfStatus(status), lines, errors[0].code);
  }
  return new CliError(
    EXIT.failed,
    `${url} answered ${status} and nothing that Annals would answer; is it Annals?`,
  );
}

/** A fault as a sentence that begins with the name of its field. */
function faultText({ title, detail, source }: ErrorObject): string {
  const field = source?.pointer?.split('/').at(-1);
  return field === undefined ? detail : `${field} ${title}`;
}
