/** Policies as YAML: the same document in another coat, with nothing of YAML that JSON has not but comments. */
import { isAlias, isNode, parseDocument, visit } from 'yaml';
import { type Bytes, fromUtf8, quote } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { type Policy, toPolicy } from './policy.ts';

/** YAML readers are slow on hostile input: 16 KiB take a seventh of a second at worst. */
const maxLength = 16 * 1024;

/**
 * YAML 1.2, core schema, one document, no key twice; anchors, aliases, tags and merge keys are refused. Hex of digits alone
 * must be quoted, or YAML makes a number of it.
 * @throws AttestationError as `parsePolicy`, and `too-large` over 16 KiB
 */
export function parseYamlPolicy(bytes: Bytes): Policy {
  if (bytes.length > maxLength) {
    throw new AttestationError(
      'too-large',
      `policy (YAML): ${bytes.length} bytes, at most ${maxLength} are allowed; write larger ones as JSON`,
    );
  }
  const document = parseDocument(fromUtf8(bytes, 'policy'), {
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: true,
    stringKeys: true,
    merge: false,
    prettyErrors: false,
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw malformed(problem.message);
  visit(document, (_, node) => {
    if (isAlias(node)) throw malformed(`alias ${quote(node.source)} is not allowed`);
    if (isNode(node) && node.tag !== undefined)
      throw malformed(`tag ${quote(node.tag)} is not allowed`);
    if (isNode(node) && 'anchor' in node && node.anchor)
      throw malformed(`anchor ${quote(node.anchor)} is not allowed`);
  });
  return toPolicy(document.toJS({ maxAliasCount: 0 }));
}

function malformed(problem: string): AttestationError {
  return new AttestationError('json-malformed', `policy (YAML): ${problem.split('\n')[0]}`);
}
