/**
 * JSON Schema of policies, for editors and other tools. It is read off the very decoders that read policies, and takes what they
 * take, except for builders whose name or key stands twice, which only they see; docs/policy.schema.json is this, written by
 * `npm run docs`.
 */
import { type JsonSchema, schemaOf } from '../json.ts';
import { policyShape } from './policy.ts';

/** Draft 2020-12. Reading stays the parser's business: a schema cannot see a member that is written twice. */
export function policySchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:affidavit:policy:1',
    title: 'Affidavit policy',
    description: 'What a verifier accepts. docs/policy.md explains each member.',
    ...schemaOf(policyShape),
  };
}
