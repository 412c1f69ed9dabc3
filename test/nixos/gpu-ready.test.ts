import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

/** The gate of nixos/gpu before a stand-in for nvidia-smi: what it lets through, and what not. */
const script = fileURLToPath(new URL('../../nixos/gpu/ready.sh', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'affidavit-gpu-'));
afterAll(() => rmSync(folder, { recursive: true }));

const smi = join(folder, 'nvidia-smi');
const state = join(folder, 'state');

type Answers = Record<'gpus' | 'mode' | 'tools' | 'environment', string>;
const good: Answers = {
  gpus: 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-00000000-0000-0000-0000-000000000000)',
  mode: 'CC status: ON',
  tools: 'DevTools Mode: OFF',
  environment: 'CC Environment: PRODUCTION',
};

/** A program that prints the answers; an empty one stands for a call that fails. */
const standIn = (answers: Answers, refusesReady: boolean) => {
  const answer = (text: string) => (text === '' ? 'exit 9' : `printf '%s\\n' '${text}'`);
  return `#!/bin/sh
case "$*" in
  "-L") ${answer(answers.gpus)} ;;
  "conf-compute -f") ${answer(answers.mode)} ;;
  "conf-compute -d") ${answer(answers.tools)} ;;
  "conf-compute -e") ${answer(answers.environment)} ;;
  "conf-compute -srs 0") echo not-ready > ${state} ;;
  "conf-compute -srs 1") ${refusesReady ? 'exit 0' : `echo ready > ${state}`} ;;
  "conf-compute -grs") echo "Confidential Compute GPUs Ready state: $(cat ${state})" ;;
  *) exit 7 ;;
esac
`;
};

type Run = { readonly code: number; readonly event: string | null; readonly state: string };

const run = async (
  args: readonly string[],
  answers: Answers = good,
  refusesReady = false,
): Promise<Run> => {
  writeFileSync(smi, standIn(answers, refusesReady));
  chmodSync(smi, 0o700);
  // As a driver that was ready before.
  writeFileSync(state, 'ready\n');
  const { code, out } = await new Promise<{ code: number; out: string }>((resolve) => {
    execFile('sh', [script, ...args], (error, out) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out }),
    );
  });
  const line = out === '' ? null : (JSON.parse(out) as { event: string });
  return { code, event: line?.event ?? null, state: readFileSync(state, 'utf8').trim() };
};

const open = ['open', smi, '1', 'insecure-without-attestation'];
const refused = { code: 1, event: 'refused', state: 'not-ready' };

test('a GPU as demanded may work, where attestation is waived by its name', async () => {
  expect(await run(open)).toEqual({ code: 0, event: 'ready', state: 'ready' });
});

test('without that word no GPU works', async () => {
  expect(await run(['open', smi, '1', 'demand-attestation'])).toEqual(refused);
});

describe('one answer that is not as demanded leaves the GPU not ready', () => {
  const mistakes: [string, Partial<Answers>][] = [
    ['no GPU', { gpus: 'No devices were found' }],
    ['two GPUs', { gpus: `${good.gpus}\n${good.gpus.replace('GPU 0', 'GPU 1')}` }],
    ['the list fails', { gpus: '' }],
    ['mode off', { mode: 'CC status: OFF' }],
    ['mode of developers', { mode: 'CC status: DEVTOOLS' }],
    ['mode fails', { mode: '' }],
    ['more words than one', { mode: 'CC status: ON\nCC status: OFF' }],
    ['another case', { mode: 'cc status: on' }],
    ['a quote in the answer', { mode: '"}' }],
    ['developer tools on', { tools: 'DevTools Mode: ON' }],
    ['developer tools unknown', { tools: '' }],
    ['a simulation', { environment: 'CC Environment: SIMULATION' }],
    ['environment unknown', { environment: '' }],
  ];
  test.each(mistakes)('%s', async (_, mistake) => {
    expect(await run(open, { ...good, ...mistake })).toEqual(refused);
  });
});

test('a state that was set and did not stick is refused', async () => {
  expect(await run(open, good, true)).toEqual(refused);
});

test('two GPUs are let through where two are expected', async () => {
  const gpus = `${good.gpus}\n${good.gpus.replace('GPU 0', 'GPU 1')}`;
  const args = ['open', smi, '2', 'insecure-without-attestation'];
  expect(await run(args, { ...good, gpus })).toEqual({ code: 0, event: 'ready', state: 'ready' });
});

test('close takes the permission back', async () => {
  const args = ['close', smi, '1', 'insecure-without-attestation'];
  expect(await run(args)).toEqual({ code: 0, event: null, state: 'not-ready' });
});

test.each([
  ['no word', []],
  ['an unknown verb', ['start', smi, '1', 'demand-attestation']],
  ['no GPU expected', ['open', smi, '0', 'demand-attestation']],
  ['no number', ['open', smi, '1x', 'demand-attestation']],
  ['an unknown word about attestation', ['open', smi, '1', 'no']],
  ['no such program', ['open', join(folder, 'absent'), '1', 'demand-attestation']],
])('wrong usage: %s', async (_, args) => {
  expect(await run(args)).toMatchObject({ code: 2, event: 'usage' });
});
