/** Checks a request by the table, before anything acts on it. */
import { AgentError } from '../errors.ts';
import type { Parameter, Route } from './routes.ts';

/**
 * The parameters by name; an optional one that is absent is missing. Messages name no value.
 * @param query without its `?`
 * @throws AgentError `query-malformed` for an unknown parameter or one twice, or the parameter's own
 */
export function readParameters(
  route: Route,
  query: string,
  path: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const given = queryOf(route, query);
  for (const { name } of route.parameters.filter((parameter) => parameter.in === 'path')) {
    given.set(name, String(path[name] ?? ''));
  }
  const found: Record<string, string> = {};
  for (const parameter of route.parameters) {
    const value = given.get(parameter.name);
    if (value !== undefined) found[parameter.name] = matching(parameter, value);
    else if (parameter.required) throw refused(parameter, 'is missing');
  }
  return found;
}

function queryOf(route: Route, query: string): Map<string, string> {
  const known = route.parameters.filter((parameter) => parameter.in === 'query');
  const given = new Map<string, string>();
  if (query === '') return given;
  if (known.length === 0) throw new AgentError('query-malformed', 'this resource takes no query');
  for (const [name, value] of new URLSearchParams(query)) {
    if (!known.some((parameter) => parameter.name === name)) {
      throw new AgentError('query-malformed', 'the query has an unknown parameter');
    }
    if (given.has(name)) throw new AgentError('query-malformed', `${name} was given twice`);
    given.set(name, value);
  }
  return given;
}

function matching(parameter: Parameter, value: string): string {
  if (!new RegExp(parameter.pattern, 'u').test(value)) {
    throw refused(parameter, `does not match ${parameter.pattern}`);
  }
  return value;
}

function refused({ name, refusal }: Parameter, why: string): AgentError {
  return new AgentError(refusal, `${name} ${why}`);
}

/**
 * No resource takes a body: read, it would be work for nothing; unread, it would be taken for the
 * connection's next request.
 * @throws AgentError `body-not-accepted`
 */
export function refuseBody(headers: Readonly<Record<string, unknown>>): void {
  const length = headers['content-length'];
  const empty = length === undefined || /^0+$/.test(String(length));
  if (!empty || headers['transfer-encoding'] !== undefined) {
    throw new AgentError('body-not-accepted', 'the request has a body');
  }
}
