/** Proofs that the tree of services holds one, or does not: drawn, told in steps, and held against the bound root. */
import { useMemo, useState } from 'preact/hooks';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { harmless } from '#verifier/words/lines.ts';
import { type Manifest, readManifest, withoutRepeats } from '../closure/model.ts';
import type { Judged } from '../model/judge.ts';
import type { GivenFile } from '../model/sort-files.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { LongHex } from '../parts/long-hex.tsx';
import { Panel } from '../parts/panel.tsx';
import { PickFile } from '../parts/pick-file.tsx';
import { treeStrings as words } from '../strings/tree.ts';
import { type ReadProof, readProof } from './model.ts';
import { TreeProof } from './tree-proof.tsx';
import './tree.css';

/** Nothing where neither a bundle nor a proof was given. */
export function Tree({ judged }: { judged: Judged }) {
  const { sorted, verified } = judged;
  const [picked, setPicked] = useState<readonly GivenFile[]>([]);
  const proofs = useMemo(() => {
    const given = sorted.files.filter(({ kind }) => kind === 'tree-proof');
    return withoutRepeats([...given, ...picked]).map(({ name, bytes }) => ({
      bytes,
      proof: readProof(harmless(name), bytes),
    }));
  }, [sorted, picked]);
  const manifest = useMemo(() => boundManifest(judged), [judged]);
  if (verified.bundle === null && proofs.length === 0) return null;
  const remove = (bytes: Bytes) => setPicked(picked.filter((one) => one.bytes !== bytes));
  const isPicked = (bytes: Bytes) => picked.some((one) => one.bytes === bytes);
  return (
    <Panel id="tree" title={words.title} note={words.note}>
      {proofs.length === 0 && <Missing judged={judged} />}
      {proofs.map(({ bytes, proof }, i) => (
        <section key={proof.file + i} class="tree-one">
          <Proof proof={proof} judged={judged} manifest={manifest} place={i} />
          {isPicked(bytes) && (
            <button type="button" class="no-print" onClick={() => remove(bytes)}>
              {words.remove}
            </button>
          )}
        </section>
      ))}
      <PickFile
        label={proofs.length === 0 ? words.pick : words.pickMore}
        mebibytes={1}
        multiple
        onFile={(file) => setPicked((before) => [...before, file])}
      />
    </Panel>
  );
}

/** The one whose digest the bundle binds, for where a service's code lies; null when it did not come. */
function boundManifest({ sorted, verified }: Judged): Manifest | null {
  const bound = verified.bundle?.bound.closureDigest;
  if (bound === undefined) return null;
  const given = [sorted.manifest, ...sorted.otherManifests].filter((one) => one !== null);
  return (
    given.map((bytes) => readManifest('', bytes)).find(({ digest }) => digest === toHex(bound)) ??
    null
  );
}

type ProofProps = { proof: ReadProof; judged: Judged; manifest: Manifest | null; place: number };

function Proof({ proof: { file, road, problem }, judged, manifest, place }: ProofProps) {
  if (road !== null) {
    return (
      <TreeProof road={road} verified={judged.verified} manifest={manifest} id={`tree-${place}`} />
    );
  }
  return (
    <p class="tree-standing tree-standing-bad">
      <span aria-hidden="true">✕ </span>
      {words.malformed(file)} {harmless(problem)}
    </p>
  );
}

function Missing({ judged: { given, verified } }: { judged: Judged }) {
  const address = given.source.kind === 'agent' ? given.source.url.replace(/\/+$/, '') : null;
  const addressed = (text: string) => (address === null ? text : text.replace('AGENT', address));
  return (
    <>
      <p>{words.missing}</p>
      <p class="tree-command">
        <code>{harmless(addressed(words.command))}</code>{' '}
        <CopyButton what={words.commandWhat} text={addressed(words.command)} />
      </p>
      <p class="quiet">{harmless(addressed(words.names))}</p>
      {verified.bundle !== null && (
        <p>
          {words.boundRoot}{' '}
          <LongHex
            what={words.boundRoot}
            hex={toHex(fieldToBytes(verified.bundle.bound.treeRoot))}
          />
        </p>
      )}
    </>
  );
}
