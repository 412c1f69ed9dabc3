/**
 * Which file may import which, and which packages: everything not listed is refused. The first row
 * with a glob that matches is the file's row; several rows may make one layer; a line without a
 * layer goes on with the row above it. (layer) = by import() only, * = all.
 */
const table = `
layer     | files                         | may import                 | npm, node:
kernel    | verifier/field.ts             | kernel                     | @noble/curves @noble/hashes
          |                               |                            | @zkpassport/poseidon2
kernel    | verifier/{bytes,errors}.ts    | kernel                     | @noble/curves @noble/hashes
          | verifier/{json,tags,time}.ts  |                            |
          | verifier/abi/**               |                            |
          | verifier/smt/**               |                            |
checks    | verifier/checks.ts            | kernel checks              |
          | verifier/catalogue/**         |                            |
          | verifier/checklist.ts         |                            |
crypto    | verifier/crypto.ts            | kernel crypto              |
          | verifier/crypto-web.ts        |                            |
          | verifier/crypto-memory.ts     |                            |
chain     | verifier/chain/**             | kernel checks crypto roots | @noble/hashes
          |                               | chain                      |
roots     | verifier/roots.ts             | kernel                     |
evidence  | verifier/evidence.ts          | kernel                     |
forms     | verifier/evidence-forms.ts    | kernel evidence            |
show      | verifier/show/**              | kernel chain evidence      | @noble/hashes
          |                               | appraise words show        |
words     | verifier/words/**             | kernel checks appraise     |
          |                               | verified words             |
verified  | verifier/verified.ts          | kernel checks              |
verify    | verifier/verify.ts            | kernel checks crypto roots | @noble/hashes
          | verifier/verify-*.ts          | chain evidence verified    |
          |                               | verify                     |
appraise  | verifier/appraise/**          | kernel checks verified     | @noble/hashes yaml
          |                               | appraise reference         |
policy-tools | verifier/policy-tools/**   | kernel checks verified     |
          |                               | appraise policy-tools      |
          |                               | reference                  |
log-file  | verifier/decision-log/file.ts | kernel decision-log lock   | node:
          | verifier/decision-log/read.ts | log-file                   |
          | verifier/decision-log/end-of-file.ts |                     |
decision-log | verifier/decision-log/**   | kernel checks appraise     | @noble/hashes
          |                               | decision-log               |
tokens    | verifier/tokens/**            | kernel checks crypto roots | @noble/hashes
          |                               | appraise tokens            |
answers   | verifier/serve/answers.ts     | kernel checks appraise     |
          | verifier/serve/schema.ts      | answers                    |
serve-io  | verifier/serve/host/**        | kernel serve serve-io      | koa node:
serve     | verifier/serve/**             | kernel checks crypto roots | @koa/router @noble/hashes
          |                               | evidence verified verify   | koa
          |                               | appraise answers serve     |
index     | verifier/index.ts             | kernel checks crypto roots |
          |                               | chain evidence verified    |
          |                               | verify appraise reference  |
guest-lint | verifier/guest-lint/**       | kernel guest-lint          |
lock      | verifier/process-lock.ts      | lock                       | node:
collateral-io | verifier/collateral/host/** | kernel collateral lock   | @koa/router axios koa
          |                               | collateral-io              | node:
collateral | verifier/collateral/**       | kernel checks crypto roots | @noble/hashes
          |                               | chain evidence collateral  |
measure   | verifier/measure/**           | kernel measure             | @noble/curves @noble/hashes
reference | verifier/reference/**         | kernel crypto reference    | @noble/hashes
paths     | verifier/cli/paths.ts         | paths                      | node:
cli       | verifier/cli/**               | kernel checks crypto roots | axios yargs node:
          |                               | chain evidence verified    |
          |                               | verify appraise index cli  |
          |                               | tokens forms show words    |
          |                               | (agent-cli) (prover-cli)   |
          |                               | (closure)                  |
          |                               | policy-tools paths         |
          |                               | decision-log log-file      |
          |                               | serve serve-io answers     |
          |                               | key-pair                   |
          |                               | guest-lint collateral      |
          |                               | collateral-io measure      |
          |                               | reference refresh          |
agent-cli | agent/{cli,main}.ts           | kernel agent providers     | @koa/router @noble/hashes
          | agent/doctor-command.ts       | agent-cli (agent-tls)      | koa node: pino
          |                               | keygen                     |
refresh   | agent/collateral-refresh*.ts  | kernel crypto roots chain  | node:
          |                               | evidence cli collateral    |
          |                               | providers agent refresh    |
closure   | agent/closure/measure.ts      | kernel agent providers     | node:
key-pair  | agent/key-pair.ts             | kernel                     | node:
keygen    | agent/keygen.ts               | kernel agent key-pair      | node:
agent-tls | agent/tls.ts                  | kernel agent providers     | @peculiar/x509 node:
          |                               |                            | reflect-metadata
providers | agent/{configfs,files}.ts     | kernel agent providers     | @noble/hashes node:
          | agent/{listen,notify}.ts      |                            | koa
          | agent/{events,key-files}.ts   |                            |
          | agent/history-io.ts           |                            |
          | agent/nar.ts                  |                            |
          | agent/closure/{gzip,load}.ts  |                            |
          | agent/closure/{nix,pool}.ts   |                            |
          | agent/closure/{scan,store}.ts |                            |
          | agent/closure/verify.ts       |                            |
          | agent/collateral-folder.ts    |                            |
          | agent/devices/{attach,command}.ts |                        |
          | agent/devices/{open,tpm-port}.ts |                         |
agent     | agent/**                      | kernel agent               | @koa/router @noble/hashes
          |                               |                            | koa pino
prover-cli | prover/cli.ts                | kernel checks evidence     | node:
          | prover/*-command.ts           | verified appraise cli bob  |
          |                               | forms words                |
          |                               | prover prover-cli contract |
          |                               | set-makers linked-bob      |
          |                               | chain crypto roots         |
linked-bob | prover/linked/bob*.ts         | kernel checks chain crypto | @noble/hashes
          | prover/linked/demands.ts      | roots verified appraise    |
          | prover/linked/linked-checks.ts | bob prover linked-bob     |
          |                               | linked-facts amd-checks    |
linked-facts | prover/linked/quote-facts.ts | kernel chain prover       |
          | prover/linked/snp-facts.ts    | linked-facts               |
          | prover/linked/vek-facts.ts    |                            |
believe   | prover/linked/set-believe.ts  | kernel checks crypto roots |
          | prover/linked/believe-amd.ts  | chain verify prover        |
          |                               | linked-facts amd-checks    |
          |                               | believe                    |
amd-checks | prover/linked/amd-checks.ts  | kernel checks crypto roots |
          |                               | chain prover amd-checks    |
set-makers | prover/linked/set-accepted.ts | kernel checks crypto roots |
          | prover/linked/set-intel.ts    | chain verify appraise      |
          | prover/linked/set-amd.ts      | prover set-makers          |
          | prover/linked/set-floors.ts   | linked-facts believe       |
contract  | prover/solidity.ts            | kernel cli prover          | @aztec/bb.js node:
bob       | prover/bob.ts                 | kernel checks verified     |
          |                               | prover                     |
prover    | prover/**                     | kernel prover paths        | @aztec/bb.js @noble/curves
          |                               | linked-facts               | @noble/hashes
          |                               |                            | @noir-lang/noir_js
          |                               |                            | @noir-lang/noir_wasm node:
services  | services/**                   | kernel services            | node:
web-build | web/*.config.ts               | *                          | *
          | web/{build,single-file}.ts    |                            |
          | web/circuits-*.ts             |                            |
web-proofs | web/proofs/**                | kernel checks crypto roots | @preact/signals preact
          |                               | chain evidence verified    | @noble/hashes
          |                               | verify appraise forms      |
          |                               | words bob prover believe   |
          |                               | linked-bob linked-facts    |
          |                               | reference web web-proofs   |
web       | web/**                        | kernel checks crypto roots | @preact/signals preact
          |                               | chain evidence verified    | @noble/hashes uplot yaml
          |                               | verify appraise forms show |
          |                               | words policy-tools answers |
          |                               | reference web (web-proofs) |
test      | test/**                       | *                          | *
`;

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { manifest, parseTable, repository, root, violations } from '#test/tools/layers.ts';

const rows = parseTable(table);

test('every import of the repository is in the table', { timeout: 60_000 }, () => {
  const tree = repository();
  expect(tree.files.has('test/layering.test.ts')).toBe(true);
  expect(violations(rows, tree)).toEqual([]);
});

test('only verify makes a Verified', () => {
  const makers = [...repository().files]
    .filter(([path, text]) => !path.startsWith('test/') && text.includes('makeVerified'))
    .map(([path]) => path);
  expect(makers.toSorted()).toEqual(['verifier/verified.ts', 'verifier/verify.ts']);
});

test('only the checker of proofs adds the checks of a proof', () => {
  const adders = [...repository().files]
    .filter(([path, text]) => !path.startsWith('test/') && /\bwithProof\(verified/.test(text))
    .map(([path]) => path);
  expect(adders).toEqual(['prover/bob.ts']);
});

test('README.md names every production dependency', () => {
  const file = join(root, 'README.md');
  const readme = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  const unnamed = Object.keys(manifest.dependencies).filter(
    (name) => readme !== undefined && !readme.includes(`\`${name}\``),
  );
  expect(unnamed).toEqual([]);
});

describe('the judge', () => {
  const others = [
    'verifier/bytes.ts',
    'verifier/verify.ts',
    'agent/cli.ts',
    'prover/cli.ts',
    'test/fake/amd.ts',
  ];

  function judge(path: string, text: string): readonly string[] {
    const exists = (target: string) => target === path || others.includes(target);
    return violations(rows, { files: new Map([[path, text]]), exists, manifest });
  }

  test.each([
    ['verifier/json.ts', `import { toHex } from './bytes.ts';`],
    ['verifier/field.ts', `import { permute } from '@zkpassport/poseidon2';`],
    ['verifier/abi/snp.ts', `import { sha256 } from '@noble/hashes/sha2.js';`],
    ['verifier/json.ts', `// import '#test/fake/amd.ts'\nexport const text = "import 'node:fs'";`],
    ['verifier/cli/main.ts', `import 'node:fs';\nawait import('#agent/cli.ts');`],
    ['verifier/cli/main.ts', `await import('#prover/cli.ts');`],
    ['prover/backend.ts', `import '@aztec/bb.js';\nimport '#verifier/bytes.ts';`],
    ['agent/app.ts', `import { toHex } from '#verifier/bytes.ts';\nimport Koa from 'koa';`],
    ['test/x.test.ts', `import '#test/fake/amd.ts';\nimport 'fast-check';\nimport(name);`],
  ])('accepts %s: %s', (path, text) => {
    expect(judge(path, text)).toEqual([]);
  });

  test.each([
    [
      'a higher layer',
      'verifier/json.ts',
      `import './verify.ts';`,
      /kernel may not import verify$/,
    ],
    ['a type', 'verifier/json.ts', `import type { V } from './verify.ts';`, / verify$/],
    ['a re-export', 'verifier/json.ts', `export * from './verify.ts';`, / verify$/],
    ['import()', 'verifier/json.ts', `await import('./verify.ts');`, / verify$/],
    ['a type query', 'verifier/json.ts', `type V = import('./verify.ts').V;`, / verify$/],
    ['a computed target', 'verifier/json.ts', 'await import(name);', /computed/],
    ['test code', 'agent/app.ts', `import '#test/fake/amd.ts';`, /agent may not import test/],
    ['the agent, at once', 'verifier/cli/a.ts', `import '#agent/cli.ts';`, /except by import/],
    ['the prover, at once', 'verifier/cli/a.ts', `import '#prover/cli.ts';`, /except by import/],
    ['the prover', 'verifier/verify.ts', `await import('#prover/cli.ts');`, / prover-cli$/],
    ['verify in the prover', 'prover/crs.ts', `import '#verifier/verify.ts';`, / verify$/],
    ['the agent', 'verifier/verify.ts', `await import('#agent/cli.ts');`, / agent-cli$/],
    ['node:', 'agent/app.ts', `import 'node:fs';`, /no node: module in agent/],
    ['a hidden node:', 'agent/app.ts', `process.getBuiltinModule('node:fs');`, /no node: module/],
    ['node: without its prefix', 'agent/cli.ts', `import 'fs';`, /write node:fs/],
    ['a package', 'agent/app.ts', `import 'axios';`, /may not use the package axios/],
    ['a subpath', 'verifier/abi/a.ts', `import '@zkpassport/poseidon2/x';`, /may not use/],
    ['a dev dependency', 'agent/app.ts', `import 'fast-check';`, /production dependencies/],
    ['an undeclared package', 'test/x.test.ts', `import 'left-pad';`, /not among the dependencies/],
    ['a relative crossing', 'agent/app.ts', `import '../verifier/bytes.ts';`, /across top folders/],
    ['a missing file', 'agent/app.ts', `import './nothing.ts';`, /does not exist/],
    ['a file without a layer', 'verifier/stray.ts', '', /is in no layer/],
  ])('refuses %s', (_, path, text, reason) => {
    expect(judge(path, text)).toEqual([expect.stringMatching(reason)]);
  });

  test('refuses a table that names an unknown layer', () => {
    expect(() => parseTable('\nhead\nagent | agent/** | kernal |')).toThrow(/unknown layer kernal/);
  });
});
