/** /openapi.json, from the table that requests are judged by. */
import { type ServeErrorCode, serveErrorCatalogue } from './errors.ts';
import { commonErrors, type Operation, operations } from './routes.ts';
import type { JsonSchema } from './schema.ts';
import { problemSchema } from './schemas.ts';

/** OpenAPI 3.1 */
export function openApi(): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: describe(operation),
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'affidavit serve', version: '1' },
    paths,
    components: { schemas: { Problem: problemSchema } },
  };
}

function describe(operation: Operation): JsonSchema {
  const { id, summary, query, bodies, status, answer, errors } = operation;
  const parameters = Object.entries(query).map(([name, value]) => ({
    name,
    in: 'query',
    required: value.optional !== true,
    schema: value.schema,
  }));
  const content = Object.entries(bodies).map(([mediaType, { limit, schema }]) => [
    mediaType,
    { schema, 'x-limit-bytes': limit },
  ]);
  return {
    operationId: id,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(content.length > 0 && {
      requestBody: { required: true, content: Object.fromEntries(content) },
    }),
    responses: {
      [status]: { description: answer.description, content: contentOf(answer.content) },
      ...problems([...errors, ...commonErrors]),
    },
  };
}

function contentOf(content: Record<string, JsonSchema>): JsonSchema {
  const entries = Object.entries(content);
  return Object.fromEntries(entries.map(([mediaType, schema]) => [mediaType, { schema }]));
}

/** Each status once, with its codes. */
function problems(codes: readonly ServeErrorCode[]): JsonSchema {
  const byStatus = Map.groupBy(new Set(codes), (code) => serveErrorCatalogue[code].status);
  const schema = { $ref: '#/components/schemas/Problem' };
  return Object.fromEntries(
    [...byStatus].map(([status, found]) => [
      status,
      {
        description: found.join(', '),
        content: { 'application/problem+json': { schema } },
      },
    ]),
  );
}
