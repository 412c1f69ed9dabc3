/** What `affidavit serve --ui` gives the live page: its files from disk, and the decisions from the decision log. */
import { type FileHandle, open, readdir, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bytes } from '#verifier/bytes.ts';
import { type DecisionLine, maxLineLength, parseLine } from '#verifier/decision-log/line.ts';
import { AttestationError } from '#verifier/errors.ts';
import { ActivityCounts } from '#verifier/serve/activity.ts';
import type { DecisionRow, DecisionsAnswer, WatchedAgent } from '#verifier/serve/answers.ts';
import {
  type DecisionHistory,
  type DecisionQuery,
  matches,
  parsePlace,
  placeText,
  RecentDecisions,
} from '#verifier/serve/decisions.ts';
import { linesBackwards } from '#verifier/serve/host/backwards.ts';
import { isPageFile, makePage, type Ui } from '#verifier/serve/ui.ts';
import type { UnixTime } from '#verifier/time.ts';
import { usageError } from './cli-error.ts';

/** Where `npm run web` puts the page, and where the package has it. */
const pageFolder = fileURLToPath(new URL('../../web/dist/', import.meta.url));
/** Of all files together: the prover's WebAssembly and circuits are most of it. */
const maxPageLength = 256 * 1024 * 1024;

/** Every file of the page, once. @throws CliError wrong usage when it is not built */
export async function readPage(folder: string = pageFolder): Promise<Map<string, Bytes>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, Bytes>();
  let length = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(join(folder, sep).length).replaceAll(sep, '/');
    if (!isPageFile(name)) continue;
    const content = new Uint8Array(await readFile(path));
    length += content.length;
    if (length > maxPageLength)
      throw usageError(
        `the page in ${folder} is larger than 256 MiB`,
        'Build it again: npm run web.',
      );
    files.set(name, content);
  }
  if (files.has('live.html')) return files;
  throw usageError(
    `--ui: the page is not built (${join(folder, 'live.html')} is missing)`,
    'Build it with npm run web in a checkout of the repository.',
  );
}

export type UiOptions = {
  files: ReadonlyMap<string, Bytes>;
  since: UnixTime;
  /** The decision log, if there is one. */
  log: string | undefined;
  /** That the service listens on. */
  host: string;
  agents(): readonly WatchedAgent[];
};

export function openUi({ files, since, log, host, agents }: UiOptions): Ui {
  const counts = new ActivityCounts(since);
  const recent = new RecentDecisions(since);
  return {
    page: makePage(files),
    counts,
    history: log === undefined ? recent : logHistory(log),
    decided(entry, now) {
      counts.add(entry, now);
      if (log === undefined) recent.add(entry);
    },
    agents,
    loopback: isLoopback(host),
  };
}

function isLoopback(host: string): boolean {
  return isIP(host) === 4 ? host.startsWith('127.') : ['localhost', '::1'].includes(host);
}

/** Bytes of the log that are read for one answer. */
const maxScanned = 8 * 1024 * 1024;

/** A decision log from its end, by whatever process it was written. Whether it is whole is for `affidavit log verify`. */
export function logHistory(path: string): DecisionHistory {
  return {
    async read(query) {
      let file: FileHandle;
      try {
        file = await open(path, 'r');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        return { decisions: [], newest: '0-0', older: null, reached: null, damaged: 0 };
      }
      try {
        return await readBack(file, query);
      } finally {
        await file.close();
      }
    },
  };
}

async function readBack(file: FileHandle, query: DecisionQuery): Promise<DecisionsAnswer> {
  const { ino, size } = await file.stat();
  const source = ino.toString(36);
  const place = (at: number) => placeText({ source, at });
  /** Of this very file: what was said of one that is no longer here leads nowhere. */
  const offsetOf = (text: string | null) => {
    if (text === null) return null;
    const found = parsePlace(text);
    return found.source === source && found.at <= size ? found.at : 0;
  };
  const from = offsetOf(query.after) ?? 0;
  const to = offsetOf(query.before) ?? size;
  const decisions: DecisionRow[] = [];
  let newest: number | null = null;
  let reached = to;
  let oldest = '';
  let damaged = 0;
  const maybe = prefilter(query);
  scan: for await (const lines of linesBackwards(file, { from, to, longest: maxLineLength })) {
    for (const { at, text } of lines) {
      newest ??= at + Buffer.byteLength(text) + 1;
      if (decisions.length === query.limit) break scan;
      [reached, oldest] = [at, text];
      if (!maybe(text)) continue;
      const line = decisionOf(text);
      if (line === 'damaged') damaged += 1;
      else if (line !== null && matches(line, query)) decisions.push(rowOf(line));
    }
    if (to - reached > maxScanned) break;
  }
  const left = reached > from && newest !== null;
  return {
    decisions,
    newest: place(query.before === null ? (newest ?? from) : to),
    older: left ? place(reached) : null,
    reached: left ? timeOf(oldest) : null,
    damaged,
  };
}

/** Whether a line may be what is looked for, without the cost of reading it as one. */
function prefilter({ words, decision }: DecisionQuery): (line: string) => boolean {
  const escaped = words.map((word) => JSON.stringify(word).slice(1, -1));
  const member = decision === null ? '' : `"decision":"${decision}"`;
  return (line) => {
    if (!line.includes(member)) return false;
    if (escaped.length === 0) return true;
    const lower = line.toLowerCase();
    return escaped.every((word) => lower.includes(word));
  };
}

/** Null for a line that says something else. */
function decisionOf(text: string): DecisionLine | 'damaged' | null {
  try {
    const line = parseLine(text);
    return line.kind === 'decision' ? line : null;
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return 'damaged';
  }
}

function timeOf(text: string): UnixTime | null {
  try {
    return parseLine(text).time;
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return null;
  }
}

function rowOf(line: DecisionLine): DecisionRow {
  const { at, evidence, policy, policyName, mode = null, decision, expires, digest } = line;
  const { failed, skipped, waived } = line;
  return {
    id: digest.slice(0, 32),
    at,
    evidence,
    policy,
    policyName,
    mode,
    decision,
    failed,
    skipped,
    waived,
    expires,
  };
}
