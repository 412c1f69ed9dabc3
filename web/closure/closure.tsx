/** The closure manifest: whether it is the one bound, what is in it, and what changed since another. */
import { useMemo, useState } from 'preact/hooks';
import { parseManifest } from '#verifier/abi/closure.ts';
import { toHex } from '#verifier/bytes.ts';
import { harmless } from '#verifier/words/lines.ts';
import type { Judged } from '../model/judge.ts';
import type { GivenFile } from '../model/sort-files.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { LongHex } from '../parts/long-hex.tsx';
import { Panel } from '../parts/panel.tsx';
import { PickFile } from '../parts/pick-file.tsx';
import { closureStrings as words } from '../strings/closure.ts';
import { ClosureDiff } from './closure-diff.tsx';
import { ClosureList } from './closure-list.tsx';
import { inOrder, type Manifest, matchOf, readManifest, withoutRepeats } from './model.ts';
import './closure.css';

/** A hundred thousand paths have less. */
const mebibytes = 32;

/** Nothing where neither a bundle nor a manifest was given. */
export function Closure({ judged }: { judged: Judged }) {
  const { sorted, verified } = judged;
  const [picked, setPicked] = useState<readonly GivenFile[]>([]);
  const manifests = useMemo(() => {
    const given = sorted.files.filter(({ kind }) => kind === 'manifest');
    const files = withoutRepeats([...given, ...picked]);
    return inOrder(
      files.map(({ name, bytes }) => readManifest(harmless(name), bytes)),
      verified,
    );
  }, [sorted, verified, picked]);
  if (verified.bundle === null && manifests.length === 0) return null;
  const add = (file: GivenFile) => {
    // Throws for what is no manifest, which the input says.
    parseManifest(file.bytes);
    setPicked([...picked, file]);
  };
  const remove = (one: Manifest) => setPicked(picked.filter(({ bytes }) => bytes !== one.bytes));
  const [first, ...others] = manifests;
  return (
    <Panel id="closure" title={words.title} note={words.note}>
      {first === undefined ? (
        <Missing judged={judged} onFile={add} />
      ) : (
        <>
          <Matching judged={judged} manifest={first} />
          {others.map((other) => (
            <ClosureDiff
              key={other.digest}
              before={other}
              after={first}
              onRemove={picked.some(({ bytes }) => bytes === other.bytes) ? remove : null}
            />
          ))}
          <PickFile label={words.pickOther} mebibytes={mebibytes} onFile={add} />
          {first.paths !== null && <ClosureList key={first.digest} paths={first.paths} />}
        </>
      )}
    </Panel>
  );
}

type MissingProps = { judged: Judged; onFile: (file: GivenFile) => void };

function Missing({ judged: { given, verified }, onFile }: MissingProps) {
  const address = given.source.kind === 'agent' ? given.source.url.replace(/\/+$/, '') : null;
  const command = address === null ? words.command : words.command.replace('AGENT', address);
  return (
    <>
      <p>{words.missing}</p>
      <p class="closure-command">
        <code>{harmless(command)}</code> <CopyButton what={words.commandWhat} text={command} />
      </p>
      {verified.bundle !== null && (
        <p>
          {words.boundDigest}{' '}
          <LongHex what={words.boundDigest} hex={toHex(verified.bundle.bound.closureDigest)} />
        </p>
      )}
      <PickFile label={words.pick} mebibytes={mebibytes} onFile={onFile} />
    </>
  );
}

const tones = { bound: 'good', stated: 'bad', other: 'bad', nothing: 'open' } as const;

function Matching({ judged: { verified }, manifest }: { judged: Judged; manifest: Manifest }) {
  const match = matchOf(manifest.digest, verified);
  const bound = verified.bundle?.bound.closureDigest;
  return (
    <>
      <p class={`closure-match closure-match-${tones[match]}`}>
        <span aria-hidden="true">{words.match[match].mark} </span>
        <strong>{manifest.name}</strong>: {words.match[match].text}
      </p>
      {manifest.problem !== null && (
        <p class="closure-match closure-match-bad">
          <span aria-hidden="true">✕ </span>
          {words.malformed} {harmless(manifest.problem)}
        </p>
      )}
      <dl class="closure-digests">
        <div>
          <dt>{words.computed}</dt>
          <dd>
            <LongHex what={words.computed} hex={manifest.digest} />
          </dd>
        </div>
        {bound !== undefined && (
          <div>
            <dt>{words.bound}</dt>
            <dd>
              <LongHex what={words.bound} hex={toHex(bound)} />
            </dd>
          </div>
        )}
      </dl>
    </>
  );
}
