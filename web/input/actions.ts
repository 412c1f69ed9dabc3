/** What a reader does with the evidence area: each action ends in `give`, `refuse` or `forget` of the session. */
import { signal } from '@preact/signals';
import { serviceName } from '#verifier/abi/service.ts';
import { type Bytes, equalBytes, fromHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { parseTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { decodeLink } from '../model/permalink.ts';
import { forget, give, given, type Problem, problemOf, refuse } from '../model/session.ts';
import type { GivenFile } from '../model/sort-files.ts';
import { readFragment } from '../model/view.ts';
import { agentStrings } from '../strings/agent.ts';
import { inputStrings as words } from '../strings/input.ts';
import {
  type AgentProblem,
  type AskedAgent,
  askClosure,
  askEvidence,
  askTreeProof,
  attestationUrl,
  type Page,
} from './agent-url.ts';
import { pastedFile, type Readable, readFiles } from './read-files.ts';

/** Files that were not taken, while others are judged. */
export const notices = signal<readonly Problem[]>([]);

/** What a link brought that its reader should know of. `root` waits to be trusted. */
export type Brought = { root: GivenFile | null; policy: boolean; at: boolean };
export const brought = signal<Brought | null>(null);

export type AgentState =
  | { state: 'idle' }
  | { state: 'asking' }
  | { state: 'failed'; problem: AgentProblem };
export const agent = signal<AgentState>({ state: 'idle' });

/** The bundle that an agent sent to this page: only it answers the nonce that was drawn for it. */
let answered: Bytes | null = null;
/** Questions overtake each other: only the last one counts, and none once files were given. */
let questions = 0;
/** Of the address, so that coming back to it does not undo what was done since. */
let lastLink: string | null = null;
let pastes = 0;

export async function takeFiles(list: readonly Readable[]): Promise<void> {
  if (list.length === 0) return;
  const { files, problems } = await readFiles(list);
  const held = given.value?.files ?? [];
  const [first, ...more] = problems;
  if (files.length === 0 && held.length === 0 && first !== undefined) {
    notices.value = more;
    refuse(first);
    return;
  }
  notices.value = problems;
  await add(files);
}

/** @returns whether there was something to take */
export async function takeText(text: string): Promise<boolean> {
  const linked = /#evidence=([A-Za-z0-9_-]+)\s*$/.exec(text)?.[1];
  if (linked !== undefined) {
    await openLink(linked);
    return true;
  }
  pastes += 1;
  const file = pastedFile(text, words.pastedName(pastes));
  if (file === null) return false;
  const { name, bytes } = file;
  await takeFiles([
    { name, size: bytes.length, arrayBuffer: async () => new Uint8Array(bytes).buffer },
  ]);
  return true;
}

async function add(files: readonly GivenFile[]): Promise<void> {
  if (files.length === 0) return;
  settle();
  const all = [...(given.value?.files ?? [])];
  for (const file of files) {
    const isHeld = all.some(
      ({ name, bytes }) => name === file.name && equalBytes(bytes, file.bytes),
    );
    if (!isHeld) all.push(file);
  }
  await give({ files: all });
}

export async function removeFile(file: GivenFile): Promise<void> {
  const files = (given.value?.files ?? []).filter((one) => one !== file);
  const fromAgent = files.some(({ bytes }) => bytes === answered);
  await give({ files, ...(!fromAgent && { source: { kind: 'files' } }) });
}

export function startOver(): void {
  settle();
  forget();
  notices.value = [];
  answered = null;
  brought.value = null;
  lastLink = null;
  // Else reloading the page would bring all back.
  if (readFragment(location.hash).data !== null) history.replaceState(null, '', '#evidence');
}

/** Nothing that was asked or said before is of what comes now. */
function settle(): void {
  questions += 1;
  agent.value = { state: 'idle' };
}

/** @returns what is wrong with the text; null when it was taken. Empty: now. */
export function setTime(text: string): string | null {
  const written = text.trim();
  const at = written === '' ? null : parseTime(written);
  if (written !== '' && at === null) return words.atWrong(harmless(written));
  if (at !== (given.value?.at ?? null)) void give({ at });
  return null;
}

/** Of a Nitro document; all others are shorter. */
const maxNonce = 1024;

/** @returns what is wrong with the text; null when it was taken. Empty: none was sent. */
export function setNonce(text: string): string | null {
  const digits = text.replace(/\s/g, '').toLowerCase();
  try {
    const nonce = digits === '' ? null : fromHex(digits, 'nonce');
    if (nonce !== null && nonce.length > maxNonce) return words.nonceWrong;
    void give({ nonce });
    return null;
  } catch (error) {
    if (error instanceof AttestationError) return words.nonceWrong;
    throw error;
  }
}

/** What stands behind `#evidence=`, when it was not read before. */
export async function followLink(): Promise<void> {
  const { view, data } = readFragment(location.hash);
  if (view !== 'evidence' || data === null || data === lastLink) return;
  await openLink(data);
}

/** Files, policy and time of a link, under the vendors' roots: another root waits for the reader's word. */
async function openLink(data: string): Promise<void> {
  lastLink = data;
  settle();
  notices.value = [];
  const mine = questions;
  try {
    const { files, policy, insecureRoot, at } = await decodeLink(data);
    if (mine !== questions) return;
    brought.value = { root: insecureRoot, policy: policy !== null, at: at !== null };
    const unasked = { source: { kind: 'files' }, nonce: null, trustKeys: false } as const;
    await give({ files, policy, at, insecureRoot: null, ...unasked });
  } catch (error) {
    if (mine === questions) refuse(problemOf(error));
  }
}

/** The address holds this link already. */
export function noteLink(data: string): void {
  lastLink = data;
}

export async function useBroughtRoot(): Promise<void> {
  const found = brought.value;
  if (found?.root == null) return;
  brought.value = { ...found, root: null };
  await give({ insecureRoot: found.root });
}

export async function dropPolicy(): Promise<void> {
  if (brought.value !== null) brought.value = { ...brought.value, policy: false };
  await give({ policy: null });
}

export async function verifyAgent(text: string): Promise<void> {
  settle();
  const read = attestationUrl(text);
  if ('problem' in read) {
    agent.value = { state: 'failed', problem: read.problem };
    return;
  }
  const { url } = read;
  const nonce = crypto.getRandomValues(new Uint8Array(32));
  const asked = await waited(askEvidence(url, nonce, fetch, pageOf()));
  if (asked === null) return;
  answered = asked.bytes;
  notices.value = [];
  brought.value = null;
  const name = agentStrings.bundleName(url.host);
  const source = { kind: 'agent', url: url.href, nonce } as const;
  // Certificates of other evidence have no part in this one, and neither has another nonce.
  await give({ files: [{ name, bytes: asked.bytes }], source, nonce: null, trustKeys: false });
}

/** The manifest of the agent that the evidence came from. */
export async function addClosure(url: URL): Promise<void> {
  const asked = await waited(askClosure(url, fetch, pageOf()));
  if (asked !== null) await add([{ name: agentStrings.closureName(url.host), bytes: asked.bytes }]);
}

/** A proof about this very service, from the agent that the evidence came from. */
export async function addTreeProof(url: URL, name: string): Promise<void> {
  try {
    serviceName(name, 'name');
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    const message = agentStrings.proofWrong(harmless(name));
    const remedy = agentStrings.proofWrongRemedy;
    const problem = { code: 'usage', message, remedy, reasons: [], commands: [] };
    agent.value = { state: 'failed', problem };
    return;
  }
  const asked = await waited(askTreeProof(url, name, fetch, pageOf()));
  if (asked !== null) await add([{ name: agentStrings.proofName(name), bytes: asked.bytes }]);
}

/** The answer, unless it failed, which is shown, or was overtaken. */
async function waited(asking: Promise<AskedAgent>): Promise<{ bytes: Bytes } | null> {
  questions += 1;
  const mine = questions;
  agent.value = { state: 'asking' };
  const asked = await asking;
  if (mine !== questions) return null;
  if ('problem' in asked) {
    agent.value = { state: 'failed', problem: asked.problem };
    return null;
  }
  agent.value = { state: 'idle' };
  return asked;
}

const fetch = (url: string, init: RequestInit) => globalThis.fetch(url, init);

function pageOf(): Page {
  return { origin: globalThis.origin, protocol: location.protocol };
}
