/** /openapi.json says what the agent does: each statement is tried. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { agentErrorCatalogue } from '#agent/errors.ts';
import { eventLogOf } from '#agent/event-log.ts';
import { readParameters } from '#agent/http/request.ts';
import { type Route, routeIds, routes, type Schema } from '#agent/http/routes.ts';
import { serve } from '#agent/listen.ts';
import { openapiDocument } from '#agent/openapi.ts';
import { agentVersion } from '#agent/version.ts';
import { createInsecureAgent } from '#test/fake/insecure-agent.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { manifest, root } from '#test/tools/layers.ts';
import { serviceName } from '#verifier/abi/service.ts';
import { manualDevice } from './devices-fakes.ts';
import { codeOf, problemOf, recorder } from './helpers.ts';

const document = JSON.parse(openapiDocument());

let url: string;
beforeAll(async () => {
  const hierarchy = await testHierarchy({ product: 'Milan' });
  const files = [{ path: '/log', named: true }];
  const eventLog = eventLogOf(files, async () => new Uint8Array(64), recorder());
  const devices = [manualDevice('nvidia', undefined, { count: 2 }), manualDevice('tpm')];
  const { app } = await createInsecureAgent({ hierarchy, logger: recorder(), eventLog, devices });
  const server = await serve(app, { host: '127.0.0.1', port: 0 });
  ({ url } = server);
  return () => server.close();
});

test('docs/openapi.agent.json is what the code says (npm run docs)', () => {
  const path = fileURLToPath(new URL('../../docs/openapi.agent.json', import.meta.url));
  expect(readFileSync(path, 'utf8')).toBe(openapiDocument());
});

test('the version is that of package.json', () => {
  expect(JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).version).toBe(agentVersion);
  expect(document.info.version).toBe(agentVersion);
  expect(manifest.dependencies).toHaveProperty('pino');
});

test('/openapi.json serves it', async () => {
  const response = await fetch(`${url}/openapi.json`);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await response.text()).toBe(openapiDocument());
});

describe.each(routeIds)('%s', (id) => {
  const route: Route = routes[id];
  const path = route.path.replace(':name', 'echo-cpp');
  const documented = route.path.replace(':name', '{name}');

  test('answers 200 in the media type that is written, and the schema holds', async () => {
    // The first answer of the device makes the agent ready.
    await fetch(`${url}/attestation`);
    const response = await fetch(url + path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(route.mediaType);
    const { content } = document.paths[documented].get.responses['200'];
    expect(Object.keys(content)).toEqual([route.mediaType]);
    if (route.schema !== undefined) conforms(await response.json(), route.schema, id);
    expect(response.headers.get('cache-control') === 'no-store').toBe(route.fresh);
  });

  test('refuses an unknown parameter and another method with problems that are written', async () => {
    for (const [problem, method] of [
      [await problemOf(`${url}${path}?unknown=1`), 'get'],
      [await problemOf(url + path, { method: 'POST' }), 'get'],
    ] as const) {
      const { responses } = document.paths[documented][method];
      const { content } = responses[problem.status] ?? document.components.responses.Common;
      const { schema } = content['application/problem+json'];
      expect(schema.allOf[1].properties.code.enum).toContain(problem.code);
    }
  });
});

test('every code that a client may see is written somewhere, and no other', () => {
  const written = new Set(openapiDocument().match(/"[a-z]+(?:-[a-z]+)*"/g));
  for (const [code, { status }] of Object.entries(agentErrorCatalogue)) {
    expect([code, written.has(`"${code}"`)]).toEqual([code, status !== null]);
  }
});

test('the pattern of a name takes what a service can be called', async () => {
  const proof: Route = routes.proof;
  for (const name of [
    'a',
    'echo-cpp',
    '0.x_y',
    'x'.repeat(64),
    '',
    '-a',
    'A',
    'x'.repeat(65),
    'a\n',
    'é',
  ]) {
    const own = await codeOf(() => serviceName(name, 'name'));
    const table = await codeOf(() => readParameters(proof, '', { name }));
    expect([name, table === 'accepted']).toEqual([name, own === 'accepted']);
  }
});

/** The part of JSON Schema that the table uses. */
function conforms(value: unknown, schema: Schema, at: string): void {
  if ('const' in schema) expect(value, at).toBe(schema['const']);
  if ('enum' in schema) expect(schema['enum'], at).toContain(value);
  const types = [schema['type'] ?? []].flat();
  if (types.length > 0) expect(types, at).toContain(typeOf(value));
  if (typeof schema['pattern'] === 'string')
    expect(value, at).toMatch(new RegExp(schema['pattern']));
  const { properties } = schema as { properties?: Record<string, Schema> };
  if (properties !== undefined) {
    expect(Object.keys(value as object).toSorted(), at).toEqual(Object.keys(properties).toSorted());
    for (const [name, inner] of Object.entries(properties)) {
      conforms((value as Record<string, unknown>)[name], inner, `${at}.${name}`);
    }
  }
  const { items } = schema as { items?: Schema };
  if (items !== undefined) for (const item of value as unknown[]) conforms(item, items, `${at}[]`);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}
