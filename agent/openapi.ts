/** /openapi.json (OpenAPI 3.1), written from the table that requests are checked by. */
import { type AgentErrorCode, agentErrorCatalogue } from './errors.ts';
import { problemMediaType, statusOf } from './http/problem.ts';
import { commonProblems, type Route, type RouteId, routeIds, routes } from './http/routes.ts';
import { agentVersion } from './version.ts';

let text: string | undefined;

/** The same text each time, with a line feed at its end. */
export function openapiDocument(): string {
  text ??= `${JSON.stringify(describe(), null, 2)}\n`;
  return text;
}

function describe() {
  const paths = routeIds.map((id) => {
    const route: Route = routes[id];
    const path = route.path.replaceAll(/:([a-z]+)/g, '{$1}');
    const operation = (method: string) => describeOperation(id, route, method);
    return [path, { get: operation('get'), head: operation('head') }];
  });
  return {
    openapi: '3.1.0',
    info: {
      title: 'Affidavit agent',
      version: agentVersion,
      description:
        'Evidence of a confidential machine. Every request is checked by what stands here: an unknown or repeated parameter and any body are refused.',
    },
    paths: Object.fromEntries(paths),
    components: {
      schemas: { Problem: problemSchema },
      responses: { Common: problems(commonProblems) },
    },
  };
}

function describeOperation(id: RouteId, route: Route, method: string) {
  const content = { [route.mediaType]: { schema: route.schema ?? {} } };
  return {
    operationId: method === 'get' ? id : `${id}-${method}`,
    summary: route.summary,
    parameters: route.parameters.map(({ name, in: place, required, pattern, description }) => ({
      name,
      in: place,
      required,
      description,
      schema: { type: 'string', pattern },
    })),
    responses: {
      200: { description: route.summary, ...(method === 'get' && { content }) },
      ...describeProblems(route.problems),
      default: { $ref: '#/components/responses/Common' },
    },
  };
}

/** By status: the codes that it may carry, those of every resource among them. */
function describeProblems(own: readonly AgentErrorCode[]) {
  const statuses = new Set(own.map(statusOf));
  const codes = [...own, ...commonProblems.filter((code) => statuses.has(statusOf(code)))];
  const byStatus = Map.groupBy(codes, statusOf);
  return Object.fromEntries([...byStatus].map(([status, found]) => [status, problems(found)]));
}

function problems(codes: readonly AgentErrorCode[]) {
  const schema = {
    allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }],
  };
  return {
    description: codes.map((code) => agentErrorCatalogue[code].means).join(' '),
    content: { [problemMediaType]: { schema } },
  };
}

const problemSchema = {
  type: 'object',
  description: 'RFC 9457; codes are stable (docs/errors.md), words are not.',
  properties: {
    type: { const: 'about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    detail: { type: 'string' },
    device: {
      type: 'object',
      description: 'The device that it is about, by its place in `devices` of a bundle.',
      properties: { index: { type: 'integer', minimum: 0 }, kind: { type: 'string' } },
      required: ['index', 'kind'],
      additionalProperties: false,
    },
  },
  required: ['type', 'title', 'status', 'code'],
  additionalProperties: false,
};
